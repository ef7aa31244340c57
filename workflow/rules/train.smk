"""Recipes -> weights. A recipe is all that a run's numbers may depend on."""

SHARING = options(
    {key: COMPUTE[key] for key in ("micro_batch", "worlds_at_once", "zero_stage", "save_every")}
)


rule recipe:
    output:
        "<results>/runs/{run}/recipe.json",
    log:
        "<logs>/recipe/{run}.log",
    localrule: True
    conda:
        "../../envs/simagents.yaml"
    params:
        # A run's name is a digest of its recipe, so this file can never go stale.
        recipe=lambda wildcards: json.dumps(
            PLAN.runs[wildcards.run].recipe, indent=2, ensure_ascii=False, sort_keys=True
        ),
    shell:
        "printf '%s\\n' {params.recipe:q} >{output} 2>{log}"


rule train:
    input:
        unpack(run_tokens),
        recipe=ancient("<results>/runs/{run}/recipe.json"),
        scenarios=scenarios_of("training"),
        parent=parent_weights,
        calibration=calibration,
    output:
        weights="<results>/runs/{run}/model.safetensors",
        history="<results>/runs/{run}/history.jsonl",
        provenance="<results>/runs/{run}/provenance.json",
    log:
        "<logs>/train/{run}.log",
    retries: RETRIES
    conda:
        "../../envs/simagents.yaml"
    threads: COMPUTE["threads"]
    resources:
        **on_nodes(),
        runtime=COMPUTE["minutes"],
    params:
        parent=lambda wildcards, input: f"--parent {input.parent}" if input.parent else "",
        calibration=lambda wildcards, input: (
            f"--calibration {input.calibration}" if input.calibration else ""
        ),
    shell:
        # How the work is shared stands in the command, not in params: it changes no number, so it
        # retrains nothing. The resume folder is no output: Snakemake deletes those of a failed job. It
        # deletes the log of a failed attempt too, so that is a link to a file where all attempts are.
        # SIGTERM comes to all processes of a job, and the shell must wait until training has saved.
        "trap : TERM && mkdir -p resume/{wildcards.run} && ln -sf {wildcards.run}.attempts.log {log} &&"
        f" {meeting_point()} OMP_NUM_THREADS=1 {launcher()} simagents train {SHARING} --recipe {{input.recipe}}"
        " --tokens {input.tokens} --scenarios {input.scenarios} --vocabulary {input.vocabulary}"
        " {params.parent} {params.calibration} --resume resume/{wildcards.run}"
        " --weights {output.weights} --history {output.history}"
        " --provenance {output.provenance} >>{log} 2>&1"


rule calibrate:
    input:
        unpack(parent_of_calibration),
        scenarios=scenarios_of("training"),
    output:
        "<results>/calibrations/{calibration}.json",
    log:
        "<logs>/calibrate/{calibration}.log",
    conda:
        "../../envs/simagents.yaml"
    resources:
        **gpus(min(COMPUTE["gpus"], 1)),
        runtime=COMPUTE["minutes"],
    params:
        options=lambda wildcards: options(
            {k: v for k, v in PLAN.calibrations[wildcards.calibration].items() if k != "parent"}
        ),
    shell:
        "simagents calibrate --recipe {input.recipe} --weights {input.weights}"
        " --scenarios {input.scenarios} --tokens {input.tokens} --vocabulary {input.vocabulary}"
        " {params.options} --out {output} >{log} 2>&1"
