"""The learner of a recipe."""

from torch import nn

from simagents.config import algorithms as settings
from simagents.config.keys import module_of
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.models.policy import TrainablePolicy
from simagents.rewards.reward import Reward, build_reward
from simagents.training.learners.closed_loop import ClosedLoopCloning
from simagents.training.learners.controls import (
    ParentRewards,
    divisor,
    threshold_control,
    weight_control,
)
from simagents.training.learners.forecasting import Forecasting
from simagents.training.learners.goals import GoalGiving, GoalLearning
from simagents.training.learners.imitation import Cloning
from simagents.training.learners.learner import Learner
from simagents.training.learners.noisy import NoisyCloning
from simagents.training.learners.policy_gradient import PolicyGradient
from simagents.training.learners.preferences import Preferences
from simagents.training.learners.reconstruction import ClosedLoopRegression


def build_learner(
    recipe: Recipe,
    policy: TrainablePolicy,
    model: nn.Module,
    reference: nn.Module | None,
    parent: ParentRewards | None = None,
    worlds_at_once: int = 0,
) -> Learner:
    """`policy` is the engine around `model`; `parent` the measured rewards of the parent.

    `reference` is there where the algorithm needs one (`check_recipe`). Raises InputError where the reward lacks
    what the credit rule needs.
    """
    algorithm = recipe.algorithm
    match algorithm:
        case settings.BehaviourCloning():
            goals = GoalGiving(algorithm.goals, recipe.seed) if algorithm.goals else None
            return Cloning(policy, model, algorithm, goals)
        case settings.NoisyCloning():
            return NoisyCloning(policy, model, recipe.seed, algorithm)
        case settings.ClosedLoopCloning():
            return ClosedLoopCloning(policy, model, recipe.seed, algorithm)
        case settings.ClosedLoopRegression():
            return ClosedLoopRegression(policy, model, recipe)
        case settings.Preferences():
            reward = build_reward(algorithm.reward)
            return Preferences(policy, model, reference, reward, recipe)
        case settings.Forecasting():
            return Forecasting(policy, model, algorithm)
        case settings.PolicyGradient():
            return PolicyGradient(
                policy,
                model,
                reference,
                _reward(algorithm),
                recipe,
                threshold_control(algorithm.credit, parent),
                divisor(algorithm.credit, parent),
                weight_control(algorithm.divergence) if algorithm.divergence else None,
                GoalLearning(algorithm.goals, recipe.seed) if algorithm.goals else None,
                worlds_at_once,
            )
        case _:
            module = module_of(algorithm, "simagents.training.learners", "name")
            return module.build(recipe, policy, model, reference)


def _reward(algorithm: settings.PolicyGradient) -> Reward:
    """Raises InputError where the credit rule needs leave-one-out rewards that do not exist."""
    reward = build_reward(algorithm.reward)
    if algorithm.credit.needs_others and not reward.scores_sets:
        raise InputError(
            f"credit `{algorithm.credit.rule}` compares rewards of all rollouts of a scene with and"
            " without each one; give a reward of whole scenes (realism with `scored: scene`)."
        )
    return reward
