"""Records -> cached scenarios -> vocabularies -> token chains."""


def shard_names(split):
    """Shards of a split: WOMD's own names where they are linked, ours where we write them."""
    wanted = PLAN.data[f"{split}_shards"]
    if PLAN.source == "synthetic":
        return [f"{split}.tfrecord-{i:05d}-of-{wanted:05d}" for i in range(wanted)]
    folder = Path("resources/womd") / split
    found = sorted(path.name for path in folder.glob("*tfrecord*"))
    if not found:
        raise WorkflowError(f"no TFRecord files in {folder}; link WOMD's {split} shards there (DATA.md).")
    return found[:wanted]


SHARDS = {split: shard_names(split) for split in ("training", "validation")}
RECORDS = f"resources/synthetic/{PLAN.data_id}" if PLAN.source == "synthetic" else "resources/womd"
VOCABULARY = f"{PLAN.results}/tokens/{PLAN.tokens_id}/vocabulary.safetensors"


def scenarios_of(split):
    return expand("<data>/{split}/{shard}.safetensors", split=split, shard=SHARDS[split])


def tokens_of(split):
    return expand("<tokens>/{split}/{shard}.safetensors", split=split, shard=SHARDS[split])


if PLAN.source == "synthetic":

    rule synthesize:
        output:
            RECORDS + "/{split}/{shard}",
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

    def first_scenario(split, shard):
        """Number of a shard's first scenario; validation comes after all training, so none is in both."""
        place = SHARDS[split].index(shard)
        if split == "validation":
            place += len(SHARDS["training"])
        return place * PLAN.data["per_shard"]


rule cache:
    input:
        RECORDS + "/{split}/{shard}",
    output:
        "<data>/{split}/{shard}.safetensors",
    log:
        "<logs>/cache/{split}-{shard}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents cache {input} --out {output} >{log} 2>&1"


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
