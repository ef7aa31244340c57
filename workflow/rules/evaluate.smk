"""Systems -> one row of scores per scenario."""

SCORES = f"<results>/scores/{{system}}/{PLAN.evaluation_id}"
CHUNKS = range(COMPUTE["chunks"])


def scores_of(exhibit):
    """Every chunk of scores of every system of a table."""
    return expand(SCORES + "/{chunk}.parquet", system=[s.id for s in exhibit.systems], chunk=CHUNKS)


def weights_of(wildcards):
    """A run has a recipe and weights; a baseline has neither."""
    if wildcards.system in PLAN.runs:
        run = f"{PLAN.results}/runs/{wildcards.system}"
        return {"recipe": ancient(f"{run}/recipe.json"), "weights": f"{run}/model.safetensors"}
    return {}


rule evaluate:
    input:
        unpack(weights_of),
        scenarios=scenarios_of("validation"),
        tokens=tokens_of("validation"),
        vocabulary=VOCABULARY,
    output:
        scores=SCORES + "/{chunk}.parquet",
        pictures=SCORES + "/{chunk}.pictures.safetensors",
    log:
        "<logs>/evaluate/{system}-{chunk}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        gpu=min(COMPUTE["gpus"], 1),
        runtime=COMPUTE["minutes"],
    params:
        system=lambda wildcards, input: (
            f"--recipe {input.recipe} --weights {input.weights}"
            if wildcards.system in PLAN.runs
            else "--baseline " + wildcards.system.removeprefix("baseline-")
        ),
        options=options(EVALUATION),
        chunks=COMPUTE["chunks"],
        pictured=COMPUTE["pictured"],
    shell:
        "OMP_NUM_THREADS=1 simagents evaluate {params.system}"
        " --scenarios {input.scenarios} --tokens {input.tokens} --vocabulary {input.vocabulary}"
        " {params.options} --chunk {wildcards.chunk} --chunks {params.chunks}"
        " --pictures {output.pictures} --pictured {params.pictured} --out {output.scores} >{log} 2>&1"
