"""What is trained, scored and measured: inputs and flags of its jobs."""


def token_files(split, digest):
    """A vocabulary and the scenes of a split that it tokenises; nothing for a system without one."""
    if digest is None:
        return {}
    return {"tokens": tokens_of(split, digest), "vocabulary": vocabulary_of(digest)}


def token_flags(wildcards, input):
    """Flags for these files."""
    if not input.get("tokens"):
        return ""
    return f"--tokens {input.tokens} --vocabulary {input.vocabulary}"


def run_tokens(wildcards):
    """The tokenised files of a training run."""
    return token_files("training", PLAN.runs[wildcards.run].tokens)


def system_tokens(wildcards):
    """The vocabulary of a system and the scenes that it is scored on."""
    return token_files("validation", PLAN.systems[wildcards.system].tokens)


def gradient_tokens(wildcards):
    """The vocabulary of a system whose gradients are measured, and the training scenes."""
    return token_files("training", PLAN.systems[wildcards.system].tokens)


def parent_of_calibration(wildcards):
    """The run that a threshold is measured on, and its tokens."""
    parent = PLAN.calibrations[wildcards.calibration].parent
    return {
        "recipe": ancient(f"{PLAN.results}/runs/{parent.id}/recipe.json"),
        "weights": f"{PLAN.results}/runs/{parent.id}/model.safetensors",
        **token_files("training", parent.tokens),
    }


def parent_weights(wildcards):
    parent = PLAN.runs[wildcards.run].parent
    return f"{PLAN.results}/runs/{parent.id}/model.safetensors" if parent else []


def calibration(wildcards):
    name = PLAN.runs[wildcards.run].calibration_id
    return f"{PLAN.results}/calibrations/{name}.json" if name else []


def weights_of(wildcards):
    """A run or an import has a recipe and weights; a baseline has neither."""
    if isinstance(PLAN.systems[wildcards.system], Baseline):
        return {}
    run = f"{PLAN.results}/runs/{wildcards.system}"
    return {"recipe": ancient(f"{run}/recipe.json"), "weights": f"{run}/model.safetensors"}


def system_flags(wildcards, input):
    """Flags that name a system: its recipe and weights, or a baseline."""
    if input.get("recipe"):
        return f"--recipe {input.recipe} --weights {input.weights}"
    return f"--baseline {PLAN.systems[wildcards.system].name}"


def with_parents(system):
    """A run and all that it starts from; nothing for what is not trained here."""
    while isinstance(system, Run):
        yield system
        system = system.parent


def simulation_options(settings, *without):
    """Flags of settings with a sampling of their own."""
    flags = settings.model_dump(mode="json", exclude=set(without))
    return options({**flags.pop("sampling"), **flags})


def evaluation_options(wildcards, *without):
    """Flags of an evaluation."""
    return simulation_options(PLAN.evaluations_by_id[wildcards.evaluation], *without)


def planner_options():
    """Flags of the drives of planners."""
    return simulation_options(PLAN.config.planners)


# Other runs start from these.
PARENTS = {run.parent.id for run in PLAN.runs.values() if isinstance(run.parent, Run)}
