"""Records -> cached scenarios -> vocabularies -> token chains."""

if PLAN.source == "synthetic":

    rule synthesize:
        output:
            f"{RECORDS}/{{split}}/{{shard}}",
        log:
            "<logs>/synthesize/{split}-{shard}.log",
        conda:
            "../../envs/simagents.yaml"
        params:
            seed=PLAN.scenarios.seed,
            scenarios=PLAN.scenarios.per_shard,
            first=lambda wildcards: first_scenario(wildcards.split, wildcards.shard),
        shell:
            "simagents synthesize --seed {params.seed} --first {params.first}"
            " --count {params.scenarios} --out {output} >{log} 2>&1"


# One rule for several shards of a split: a plan has hundreds of jobs instead of thousands, and no
# cluster job takes only seconds. With Snakemake's job groups planning takes ten times as long.
for split, number, names in parts(SHARDS):

    rule:
        name:
            f"cache_{split}_{number}"
        input:
            expand(f"{RECORDS}/{split}/{{shard}}", shard=names),
        output:
            expand(f"<data>/{split}/{{shard}}.safetensors", shard=names),
        log:
            f"<logs>/cache/{split}-{number}.log",
        conda:
            "../../envs/simagents.yaml"
        resources:
            runtime=COMPUTE.minutes,
        params:
            folder=folder_of,
        shell:
            "for shard in {input:q}; do"
            ' simagents cache "$shard" --out {params.folder}/"$(basename "$shard")".safetensors;'
            " done >{log} 2>&1"


rule shards:
    input:
        lambda wildcards: expand(
            "<results>/{kind}/{digest}/{split}/{shard}.safetensors",
            shard=SHARDS[wildcards.split],
            **wildcards,
        ),
    output:
        "<results>/{kind}/{digest}/{split}/{number}-shards.txt",
    log:
        "<logs>/shards/{kind}-{digest}-{split}-{number}.log",
    localrule: True
    conda:
        "../../envs/simagents.yaml"
    params:
        names=lambda wildcards: [f"{shard}.safetensors" for shard in SHARDS[wildcards.split]],
    shell:
        "printf '%s\\n' {params.names} >{output} 2>{log}"


rule vocabulary:
    input:
        scenarios=scenarios_of("training"),
        given=given_vocabulary,
    output:
        vocabulary="<results>/tokens/{digest}/vocabulary.safetensors",
        report="<results>/tokens/{digest}/vocabulary.json",
    log:
        "<logs>/vocabulary/{digest}.log",
    priority: 2  # the longest chain of runs begins with these
    conda:
        "../../envs/simagents.yaml"
    resources:
        runtime=COMPUTE.minutes,
    params:
        command=vocabulary_command,
    shell:
        "simagents {params.command} --scenarios {input.scenarios}"
        " --out {output.vocabulary} --report {output.report} >{log} 2>&1"


for split, number, names in parts(SHARDS):

    rule:
        name:
            f"tokenize_{split}_{number}"
        input:
            scenarios=expand(f"<data>/{split}/{{shard}}.safetensors", shard=names),
            vocabulary=rules.vocabulary.output.vocabulary,
        output:
            expand(f"<results>/tokens/{{{{digest}}}}/{split}/{{shard}}.safetensors", shard=names),
        log:
            f"<logs>/tokenize/{{digest}}-{split}-{number}.log",
        priority: 2
        conda:
            "../../envs/simagents.yaml"
        resources:
            runtime=COMPUTE.minutes,
        params:
            folder=folder_of,
        shell:
            "simagents tokenize {input.scenarios} --vocabulary {input.vocabulary}"
            " --out {params.folder} >{log} 2>&1"


rule reconstruction:
    input:
        tokens=lambda wildcards: tokens_of("validation", wildcards.digest),
        vocabulary=rules.vocabulary.output.vocabulary,
        training=rules.vocabulary.output.report,
    output:
        "<results>/tokens/{digest}/reconstruction.json",
    log:
        "<logs>/reconstruction/{digest}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        limit=PLAN.config.evaluation.limit,
    shell:
        "simagents reconstruction --tokens {input.tokens} --vocabulary {input.vocabulary}"
        " --training {input.training} --limit {params.limit} --out {output} >{log} 2>&1"
