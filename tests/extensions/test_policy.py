"""The Gaussian family of docs/tutorials/own_model.md: its two ways agree, in simulation and in training."""

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.families import SceneReader, build_policy
from simagents.models.policy import TrainablePolicy
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

SAMPLING = Sampling(top_k=0, temperature=1.5)


@pytest.fixture(scope="module")
def recipe(plan):
    return plan.tables["velocities"].rows[0].systems[0].recipe


@pytest.fixture(scope="module")
def policy(recipe):
    return build_policy(recipe, vocabulary=None)


@pytest.fixture(scope="module")
def scenes(recipe, scenarios):
    return SceneReader(recipe.model)(scenarios)


class Recorded(Sample):
    """Draws, and keeps the log-probability of every draw."""

    kept: list

    def __call__(self, distribution, action, state):
        chosen, support = super().__call__(distribution, action, state)
        self.kept.append(distribution.drawn_by(self.sampling, support).log_prob(chosen))
        return chosen, support


def test_it_fulfils_the_contract(policy):
    assert isinstance(policy, TrainablePolicy)


def test_rolled_out_log_probabilities_are_those_of_the_pass_over_the_path(policy, scenes):
    """Three rollouts of three scenes: 16 actions of every agent."""
    Recorded.kept = []
    rolled = roll_out(policy, scenes, 3, lambda draws: Recorded(draws, SAMPLING), seed=1)
    step_by_step = torch.stack(Recorded.kept, dim=1)
    distribution = policy(scenes, rolled.paths).drawn_by(SAMPLING, rolled.paths.support)
    whole = distribution.log_prob(rolled.paths.chosen)
    assert whole.shape == (3 * len(scenes.agent_scene), 16)
    assert whole.std() > 0.1
    assert torch.allclose(step_by_step, whole, atol=1e-4)


def test_the_actions_of_the_log_lead_along_the_log(policy, scenes):
    """Velocities and yaw rates reach every pose, so what they reach is the log itself."""
    paths = policy.logged_paths(scenes)
    logged = scenes.pose[:, 5::5].float()
    assert paths.valid.any()
    assert (paths.pose - logged)[paths.valid][:, :2].abs().max() < 1e-3
