"""Systems -> one row of scores per scenario."""


rule evaluate:
    input:
        unpack(weights_of),
        unpack(system_tokens),
        scenarios=scenarios_of("validation"),
    output:
        scores=f"{SCORES}/{{chunk}}.parquet",
        pictures=f"{SCORES}/{{chunk}}.pictures.safetensors",
    log:
        "<logs>/evaluate/{system}-{evaluation}-{chunk}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        **gpus(min(COMPUTE.gpus, 1)),
        runtime=COMPUTE.minutes,
    params:
        system=system_flags,
        tokens=token_flags,
        options=evaluation_options,
        chunks=COMPUTE.chunks,
        pictured=COMPUTE.pictured,
    shell:
        "simagents evaluate {params.system}"
        " --scenarios {input.scenarios} {params.tokens}"
        " {params.options} --chunk {wildcards.chunk} --chunks {params.chunks}"
        " --pictures {output.pictures} --pictured {params.pictured} --out {output.scores} >{log} 2>&1"


rule planners:
    input:
        unpack(weights_of),
        unpack(system_tokens),
        scenarios=scenarios_of("validation"),
    output:
        f"{PLANNERS}/{{chunk}}.parquet",
    log:
        "<logs>/planners/{system}-{planners}-{chunk}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        **gpus(min(COMPUTE.gpus, 1)),
        runtime=COMPUTE.minutes,
    params:
        system=system_flags,
        tokens=token_flags,
        options=planner_options(),
        chunks=COMPUTE.chunks,
    shell:
        "simagents rank-planners {params.system}"
        " --scenarios {input.scenarios} {params.tokens} {params.options}"
        " --chunk {wildcards.chunk} --chunks {params.chunks} --out {output} >{log} 2>&1"


rule gradients:
    input:
        unpack(weights_of),
        unpack(gradient_tokens),
        scenarios=scenarios_of("training"),
    output:
        "<results>/gradients/{system}/{gradients}.safetensors",
    log:
        "<logs>/gradients/{system}-{gradients}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        **gpus(min(COMPUTE.gpus, 1)),
        runtime=COMPUTE.minutes,
    params:
        tokens=token_flags,
        settings=PLAN.gradients.model_dump_json(),
    shell:
        "simagents gradients --recipe {input.recipe} --weights {input.weights}"
        " --scenarios {input.scenarios} {params.tokens} --settings {params.settings:q}"
        " --out {output} >{log} 2>&1"


rule manoeuvres:
    input:
        unpack(weights_of),
        unpack(system_tokens),
        scenarios=scenarios_of("validation"),
    output:
        "<results>/manoeuvres/{system}/{evaluation}.safetensors",
    log:
        "<logs>/manoeuvres/{system}-{evaluation}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        **gpus(min(COMPUTE.gpus, 1)),
        runtime=COMPUTE.minutes,
    params:
        tokens=token_flags,
        options=lambda wildcards: evaluation_options(wildcards, "challenge", "goals", "precision"),
    shell:
        "simagents manoeuvres --recipe {input.recipe} --weights {input.weights}"
        " --scenarios {input.scenarios} {params.tokens} {params.options} --out {output} >{log} 2>&1"
