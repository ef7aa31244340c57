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
    rising = max(int(optimiser.warmup * steps), 1) if optimiser.warmup else 0
    if step < rising:
        return (step + 1) / rising
    if optimiser.schedule == "constant":
        return 1.0
    progress = min((step - rising) / max(steps - rising, 1), 1.0)
    left = 1 - progress if optimiser.schedule == "linear" else 0.5 * (1 + cos(pi * progress))
    return optimiser.final_ratio + (1 - optimiser.final_ratio) * left
