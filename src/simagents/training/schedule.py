"""The learning rate as a function of the step."""

from math import cos, pi

from simagents.config.recipe import Recipe


def value_warmup(recipe: Recipe) -> int:
    """Steps in which only the value head learns; 0 where there is none."""
    value = recipe.algorithm.value
    return int(value.warmup * recipe.budget.steps) if value else 0


def rate_factor(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then down to `final_ratio` along the schedule, as a factor of the peak rate.

    CAT-K anneals once an epoch; here every step does, so that the rate never depends on how long an
    epoch is.
    """
    steps, optimiser = recipe.budget.steps, recipe.optimiser
    rising = _rising(recipe)
    if step < rising:
        return (step + 1) / rising
    if optimiser.schedule == "constant":
        return 1.0
    progress = min((step - rising) / max(steps - rising, 1), 1.0)
    left = 1 - progress if optimiser.schedule == "linear" else 0.5 * (1 + cos(pi * progress))
    return optimiser.final_ratio + (1 - optimiser.final_ratio) * left


def policy_factor(step: int, recipe: Recipe) -> float:
    """That of the policy: 0 while only the value head learns; then it rises as others do at the start."""
    alone = value_warmup(recipe)
    if step < alone:
        return 0.0
    return min(rate_factor(step, recipe), (step - alone + 1) / max(_rising(recipe), 1))


def _rising(recipe: Recipe) -> int:
    """Steps of the warm-up."""
    warmup = recipe.optimiser.warmup
    return max(int(warmup * recipe.budget.steps), 1) if warmup else 0
