"""Kept rollouts by the names under which films and the page show them."""

from simagents.trace.place import plain


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
        for row in figure.rows if "pictures" in figure.reads else []:
            system = row.systems[0]
            label = plain(row.label)
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


# Nothing to play where no figure shows rollouts.
BROWSER = [f"{PLAN.results}/browser.html"] if browsed() else []


def filmed_stages():
    """Stages that a figure of kept rollouts shows under the evaluation of most tables."""
    return list(
        dict.fromkeys(
            row.systems[0].stage
            for figure in map(PLAN.figures.get, FIGURES)
            if "pictures" in figure.reads and figure.evaluation == default_evaluation()
            for row in figure.rows
            if not isinstance(row.systems[0], Baseline)
        )
    )


# For the HTML report: the first kept scene, by every trained system of the figures, beside the log.
FILMS = expand(f"{PLAN.results}/animations/{{stage}}/first.gif", stage=filmed_stages())
