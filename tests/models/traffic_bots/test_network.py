"""TrafficBots fulfils the contract of policies, and does not depend on how a scene lies."""

from dataclasses import replace
from math import pi

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.families import freeze
from simagents.models.paths import Worlds
from simagents.models.policy import TrainablePolicy
from simagents.models.reconstruction import Reconstructing
from simagents.models.traffic_bots.latents import Latents
from simagents.models.value import ValueHead
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

SAMPLING = Sampling(top_k=0, temperature=1.0)


class Recorded(Sample):
    """Draws, and keeps the log-probability of every draw."""

    kept: list

    def __call__(self, distribution, action, state):
        chosen, support = super().__call__(distribution, action, state)
        self.kept.append(distribution.drawn_by(self.sampling, support).log_prob(chosen))
        return chosen, support


def rolled(bots, scenes, rollouts=2, seed=1):
    Recorded.kept = []
    return roll_out(bots, scenes, rollouts, lambda draws: Recorded(draws, SAMPLING), seed)


def test_it_fulfils_the_contracts(bots):
    assert isinstance(bots, TrainablePolicy)
    assert isinstance(bots, Reconstructing)


@pytest.mark.parametrize("look_every", [1, 5])
def test_the_pass_over_a_rollout_has_the_distributions_that_it_was_drawn_from(
    bots, bot_scenes, look_every
):
    """Two rollouts of each scene, 80 actions each, under latents of their own."""
    bots.settings = bots.settings.model_copy(update={"look_every": look_every})
    sampled = rolled(bots, bot_scenes)
    step_by_step = torch.stack(Recorded.kept, dim=1)
    with torch.no_grad():
        whole = bots(bot_scenes, sampled.paths).drawn_by(SAMPLING).log_prob(sampled.paths.chosen)
    assert whole.shape == (2 * len(bot_scenes.agent_scene), 80)
    assert whole.std() > 0.1
    assert torch.allclose(step_by_step, whole, atol=1e-3)


def test_an_agent_that_comes_with_the_current_step_is_there_in_both(bots, bot_scenarios, read_bots):
    """The log does not see it before; from then on others see it, in the rollout and in the pass."""
    scenario = bot_scenarios[0]
    valid, others = scenario.valid.copy(), scenario.simulated[scenario.simulated != scenario.sdc]
    valid[others[:3], :10] = False
    scenes = read_bots([replace(scenario, valid=valid)])
    sampled = rolled(bots, scenes, 1)
    with torch.no_grad():
        whole = bots(scenes, sampled.paths).drawn_by(SAMPLING).log_prob(sampled.paths.chosen)
    assert torch.allclose(torch.stack(Recorded.kept, dim=1), whole, atol=1e-3)
    assert bots.begin(scenes)[0].everywhere.all()


def test_without_its_latents_a_rollout_would_be_another_one(bots, bot_scenes):
    paths = rolled(bots, bot_scenes).paths
    assert paths.latent.shape == (len(paths.agent), 4)
    with torch.no_grad():
        known = bots(bot_scenes, paths).mean
        others = bots(bot_scenes, replace(paths, latent=paths.latent.flip(1))).mean
    assert not torch.allclose(known, others, atol=1e-3)


def test_a_scene_alone_is_what_it_is_among_others(bots, bot_scenarios, bot_scenes, read_bots):
    together = rolled(bots, bot_scenes, 1).trajectories
    alone = rolled(bots, read_bots(bot_scenarios[1:]), 1).trajectories[0]
    assert torch.allclose(alone, together[1], atol=2e-2)


def test_a_turned_and_shifted_scene_has_the_same_distributions(
    bots, bot_scenarios, bot_scenes, read_bots, moved
):
    """Of the log's actions under the posterior, at every moment of all agents."""
    elsewhere = read_bots([moved(each, 2 * pi / 3, 300.0, -80.0) for each in bot_scenarios])
    with torch.no_grad():
        here, there = (bots(each, bots.logged_paths(each)) for each in (bot_scenes, elsewhere))
    valid = bots.logged_paths(bot_scenes).valid[:, 10:]
    assert here.mean[valid].std() > 0.05
    # Where two pieces are as far away to the last digit, rounding decides which one is among the nearest.
    alike = torch.isclose(here.mean, there.mean, atol=5e-3).all(dim=-1)[valid]
    assert alike.float().mean() > 0.98


def test_the_logs_own_controls_lead_along_the_log(bots, driving, read_bots):
    """10 m/s straight ahead: no acceleration, no turn, and the log's places."""
    scenes = read_bots([driving()])
    paths = bots.logged_paths(scenes)
    assert paths.action.shape == (1, 90, 2)
    assert paths.action.abs().max() < 1e-3
    assert torch.allclose(paths.pose, scenes.pose[:, 1:].float())
    assert paths.valid.all()
    assert bots.history_paths(scenes, Worlds.of(scenes, 1)).action.shape == (1, 10, 2)


@pytest.mark.parametrize("part", ["map", "neighbours"])
def test_an_agent_that_does_not_see_it_acts_otherwise(bots, bot_scenes, part):
    blind, paths = bots.without(part), bots.logged_paths(bot_scenes)
    with torch.no_grad():
        seeing, unseeing = bots(bot_scenes, paths).mean, blind(bot_scenes, paths).mean
    assert not torch.allclose(seeing, unseeing, atol=1e-4)
    assert bots.unseen is None


def test_neighbours_that_are_not_seen_may_be_anywhere(bots, driving, read_bots):
    """A second car to the left or to the right: under equal latents, only a policy that sees it differs."""
    near, far = (
        read_bots([driving(start=((0.0, 0.0), (5.0, y)), speed=(10.0, 10.0), types=(1, 1))])
        for y in (3.0, -3.0)
    )
    latents = Latents(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64))

    def mean(policy, scenes):
        paths = policy.logged_paths(scenes)
        return policy._along(scenes, paths, policy.encode_map(scenes), latents).mean[0]

    with torch.no_grad():
        seeing, blind = (
            (mean(policy, near) - mean(policy, far)).abs().max()
            for policy in (bots, bots.without("neighbours"))
        )
    assert seeing > 1e-3
    assert blind < 1e-5


def test_fine_tuning_of_agents_leaves_map_and_latents(bots, recipe_of):
    recipe = recipe_of(trains="agents")
    freeze(bots, recipe)
    frozen = {name.split(".")[0] for name, p in bots.named_parameters() if not p.requires_grad}
    trained = {name.split(".")[0] for name, p in bots.named_parameters() if p.requires_grad}
    assert frozen == {"map_encoder", "latents"}
    assert trained == {"observer", "memory", "decision"}


def test_a_value_head_reads_the_features(bots, bot_scenes):
    bots.value_head = ValueHead(bots.feature_width, 0, start=0.5)
    with torch.no_grad():
        distribution = bots(bot_scenes, bots.logged_paths(bot_scenes))
    assert distribution.value.shape == distribution.mean.shape[:2]
    assert torch.allclose(distribution.value, torch.tensor(0.5))


def test_a_scene_without_a_map_can_be_driven(bots, driving, read_bots):
    scenes = read_bots([driving(lanes=(), edges=())])
    assert torch.isfinite(rolled(bots, scenes).trajectories[0]).all()
