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
            seed=PLAN.data["seed"],
            scenarios=PLAN.data["per_shard"],
            first=lambda wildcards: first_scenario(wildcards.split, wildcards.shard),
        shell:
            "simagents synthesize --seed {params.seed} --first {params.first}"
            " --count {params.scenarios} --out {output} >{log} 2>&1"


rule cache:
    input:
        f"{RECORDS}/{{split}}/{{shard}}",
    output:
        "<data>/{split}/{shard}.safetensors",
    log:
        "<logs>/cache/{split}-{shard}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents cache {input} --out {output} >{log} 2>&1"


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
        scenarios_of("training"),
    output:
        vocabulary="<tokens>/vocabulary.safetensors",
        report="<tokens>/vocabulary.json",
    log:
        "<logs>/vocabulary.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        runtime=COMPUTE["minutes"],
    params:
        options=options(PLAN.config["tokens"]),
    shell:
        "simagents vocabulary --scenarios {input} {params.options}"
        " --out {output.vocabulary} --report {output.report} >{log} 2>&1"


rule tokenize:
    input:
        scenarios="<data>/{split}/{shard}.safetensors",
        vocabulary=rules.vocabulary.output.vocabulary,
    output:
        "<tokens>/{split}/{shard}.safetensors",
    log:
        "<logs>/tokenize/{split}-{shard}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents tokenize {input.scenarios} --vocabulary {input.vocabulary} --out {output} >{log} 2>&1"
