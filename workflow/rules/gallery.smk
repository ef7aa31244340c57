"""Kept rollouts -> when agents collide or leave the road, films, and a page that plays them."""


# Seconds each, like figures.
localrules:
    incidents,
    animation,
    browser,


def kept_by(system, evaluation):
    """The rollouts of the first scenes that an evaluation of a system keeps."""
    evaluation = PLAN.evaluation_id(evaluation)
    return f"{PLAN.results}/scores/{system.id}/{evaluation}/0.pictures.safetensors"


def filmed(wildcards):
    """The log and the system of a stage, or a baseline, under the evaluation of most tables."""
    systems = {"log": Baseline("log", None), wildcards.named: PLAN.by_stage[wildcards.named]}
    return {name: kept_by(system, default_evaluation()) for name, system in systems.items()}


def browsed():
    """Files by unique names: every system that a figure of kept rollouts shows, once."""
    files, shown = {}, set()
    for figure in map(PLAN.figures.get, FIGURES):
        for row in figure.rows if "pictures" in figure.settings.reads else []:
            system = row.systems[0]
            label = re.sub(r"[\\${}]", "", row.label)
            if not isinstance(system, Baseline) and label.lower() != system.stage:
                label = f"{label} ({system.stage})"
            if system.id not in shown:
                shown.add(system.id)
                name = system.id if label in files else label
                files[name] = kept_by(system, figure.evaluation)
    return files


def rollout_words(files):
    """Values of --rollouts."""
    return " ".join(shlex.quote(f"{name}={path}") for name, path in files.items())


rule incidents:
    input:
        pictures=f"{SCORES}/{{chunk}}.pictures.safetensors",
        scenarios=scenarios_of("validation"),
    output:
        f"{SCORES}/{{chunk}}.incidents.safetensors",
    log:
        "<logs>/incidents/{system}-{evaluation}-{chunk}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "OMP_NUM_THREADS=1 simagents incidents --rollouts {input.pictures}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


rule animation:
    input:
        rollouts=lambda wildcards: list(filmed(wildcards).values()),
        scenarios=scenarios_of("validation"),
    output:
        report(
            "<results>/animations/{named}/{scenario}.gif",
            caption="../report/animation.rst",
            category="Rollouts",
            labels={"system": "{named}", "scene": "{scenario}"},
        ),
    log:
        "<logs>/animation/{named}-{scenario}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rollouts=lambda wildcards: rollout_words(filmed(wildcards)),
    shell:
        "OMP_NUM_THREADS=1 simagents animate --rollouts {params.rollouts} --scenario {wildcards.scenario}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


rule browser:
    input:
        rollouts=list(browsed().values()),
        scenarios=scenarios_of("validation"),
    output:
        report(
            "<results>/browser.html",
            caption="../report/browser.rst",
            category="Rollouts",
            labels={"system": "all", "scene": "all"},
        ),
    log:
        "<logs>/browser.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rollouts=rollout_words(browsed()),
        title=f"Rollouts at scale {PLAN.config.scale}, {PLAN.source} data",
    shell:
        "OMP_NUM_THREADS=1 simagents browse --rollouts {params.rollouts} --title {params.title:q}"
        " --scenarios {input.scenarios} --out {output} >{log} 2>&1"


# Nothing to play where no figure shows rollouts.
BROWSER = [f"{PLAN.results}/browser.html"] if browsed() else []
