"""Keys of a recipe that contradict one another: found when it is planned, and not after its parents have trained."""

from simagents.config.algorithms import PolicyGradient, Preferences
from simagents.config.recipe import Recipe
from simagents.config.rewards import Realism
from simagents.errors import InputError


def check_recipe(recipe: Recipe, where: str) -> None:
    """Raises InputError, which begins with `where`, for a recipe that can learn nothing."""
    algorithm, rollouts = recipe.algorithm, recipe.budget.rollouts
    if recipe.parent is None and algorithm.needs_reference:
        raise InputError(
            f"{where}.algorithm: it keeps near the run that it starts from, and the stage starts from none;"
            " give it `from`."
        )
    if not isinstance(algorithm, PolicyGradient | Preferences):
        return
    credit = getattr(algorithm, "credit", None)
    compares = credit is None or credit.compares_rollouts  # DPO compares the best with the worst
    least = 2 if compares else 1
    if rollouts < least:
        why = "compares rollouts of a scene" if compares else "learns from rollouts"
        raise InputError(
            f"{where}: the algorithm {why}, and its budget has {rollouts}; give the budget"
            f" `rollouts: {least}` or more."
        )
    reward = algorithm.reward
    if isinstance(reward, Realism):
        try:
            reward.size_of_set(rollouts)
        except InputError as problem:
            raise InputError(f"{where}.algorithm.reward.subgroup: {problem}") from None
    if reward.by_step and credit is not None and not credit.looks_ahead:
        raise InputError(
            f"{where}.algorithm.credit: the reward has a number for every agent and step, and by `{credit.rule}` an"
            " action would have its own step's alone; choose `reward_to_go` or `gae`."
        )
    of_others = credit is not None and credit.needs_others
    if of_others and not reward.scores_sets:
        raise InputError(
            f"{where}.algorithm.credit: `{credit.rule}` compares rewards of all rollouts of a scene with and"
            " without each one; give a reward of whole scenes (realism with `scored: scene`)."
        )
    one_number = not reward.differs_by_rollout or getattr(reward, "subgroup", None) == rollouts
    if compares and not of_others and one_number and not getattr(algorithm, "goals", None):
        raise InputError(
            f"{where}.algorithm.reward: all rollouts of a scene have one reward, and the algorithm compares them;"
            " give realism with `scored: rollout`."
        )
    if recipe.parent is None and credit is not None and credit.calibrated:
        raise InputError(
            f"{where}.algorithm.credit: it begins with the mean reward of the run that the stage starts from;"
            " give the stage `from`, or a number in place of the parent's."
        )
