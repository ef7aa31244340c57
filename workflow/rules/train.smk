"""Recipes, or imports -> weights. A recipe is all that a run's numbers may depend on."""

SHARING = options(
    COMPUTE.model_dump(include={"micro_batch", "worlds_at_once", "zero_stage", "save_every"})
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
        # A run's name is a digest of its recipe, so this file never becomes outdated.
        recipe=lambda wildcards: json.dumps(
            PLAN.runs[wildcards.run].recipe.model_dump(mode="json"),
            indent=2,
            ensure_ascii=False,
            sort_keys=True,
        ),
    shell:
        "printf '%s\\n' {params.recipe:q} >{output} 2>{log}"


# The folder is part of the command and neither an input nor a parameter: moving it changes nothing.
for name, imported in PLAN.imports.items():

    rule:
        name:
            f"import_{name.replace('-', '_')}"
        output:
            recipe=f"<results>/runs/{name}/recipe.json",
            weights=f"<results>/runs/{name}/model.safetensors",
            vocabulary=f"<results>/runs/{name}/vocabulary.safetensors",
        log:
            f"<logs>/import/{name}.log",
        localrule: True
        conda:
            "../../envs/simagents.yaml"
        params:
            folder=folder_of,
        shell:
            f"simagents adopt {shlex.quote(str(imported.folder))} --out {{params.folder}} >{{log}} 2>&1"


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
    threads: COMPUTE.threads
    resources:
        **on_nodes(),
        runtime=COMPUTE.minutes,
    params:
        tokens=token_flags,
        parent=lambda wildcards, input: f"--parent {input.parent}" if input.parent else "",
        calibration=lambda wildcards, input: (
            f"--calibration {input.calibration}" if input.calibration else ""
        ),
    shell:
        # SHARING is part of the command and not of params, because it changes no number and must not
        # retrain a run. The resume folder is not an output, because Snakemake deletes the outputs of a
        # failed job. Snakemake deletes its log, too, so the log is a link to a file of all attempts.
        # All processes of a job get SIGTERM, and the shell must wait until training has saved.
        "trap : TERM && mkdir -p resume/{wildcards.run} && ln -sf {wildcards.run}.attempts.log {log} &&"
        f" {meeting_point()} OMP_NUM_THREADS=1 {launcher()} simagents train {SHARING} --recipe {{input.recipe}}"
        " --scenarios {input.scenarios} {params.tokens}"
        " {params.parent} {params.calibration} --resume resume/{wildcards.run}"
        " --weights {output.weights} --history {output.history}"
        " --provenance {output.provenance} >>{log} 2>&1"


use rule train as train_parent with:
    wildcard_constraints:
        run="|".join(sorted(PARENTS)) or "none",
    priority: 1  # other runs wait for these


ruleorder: train_parent > train


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
        **gpus(min(COMPUTE.gpus, 1)),
        runtime=COMPUTE.minutes,
    params:
        tokens=token_flags,
        settings=lambda wildcards: (
            PLAN.calibrations[wildcards.calibration].calibration.model_dump_json()
        ),
    shell:
        "simagents calibrate --recipe {input.recipe} --weights {input.weights}"
        " --scenarios {input.scenarios} {params.tokens} --settings {params.settings:q}"
        " --out {output} >{log} 2>&1"
