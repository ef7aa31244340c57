"""Systems -> one row of scores per scenario."""


rule evaluate:
    input:
        unpack(weights_of),
        scenarios=scenarios_of("validation"),
        tokens=tokens_of("validation"),
        vocabulary=VOCABULARY,
    output:
        scores=f"{SCORES}/{{chunk}}.parquet",
        pictures=f"{SCORES}/{{chunk}}.pictures.safetensors",
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
            else f"--baseline {wildcards.system.removeprefix('baseline-')}"
        ),
        options=options(EVALUATION),
        chunks=COMPUTE["chunks"],
        pictured=COMPUTE["pictured"],
    shell:
        "OMP_NUM_THREADS=1 simagents evaluate {params.system}"
        " --scenarios {input.scenarios} --tokens {input.tokens} --vocabulary {input.vocabulary}"
        " {params.options} --chunk {wildcards.chunk} --chunks {params.chunks}"
        " --pictures {output.pictures} --pictured {params.pictured} --out {output.scores} >{log} 2>&1"
