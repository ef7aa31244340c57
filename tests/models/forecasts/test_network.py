"""The forecaster as a policy."""

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.geometry import wrap_angle
from simagents.models.families import SceneReader
from simagents.models.forecasts.actions import PoseActions
from simagents.models.paths import AgentState
from simagents.models.policy import TrainablePolicy
from simagents.scenarios.synthetic import generate_scenario
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

EVERY = Sampling(top_k=0, temperature=1.0)


def rolled(policy, scenes, rollouts=2):
    return roll_out(policy, scenes, rollouts, lambda draws: Sample(draws, EVERY), 3)


def test_it_keeps_the_contract_of_policies(forecaster):
    assert isinstance(forecaster, TrainablePolicy)


def test_an_action_leads_straight_to_the_pose_that_it_names():
    """From (1, 2) heading north, 5 m ahead and 1 m to the left are (0, 7); after the third of five parts
    of the way, (1 - .6, 2 + 3). The velocity is the way over .5 s."""
    state = AgentState(
        torch.tensor([[1.0, 2.0, torch.pi / 2]]), torch.zeros(1, 2), torch.ones(1, 3),
        torch.zeros(1, dtype=torch.int64),
    )  # fmt: skip
    motion = PoseActions().step(state, torch.tensor([[5.0, 1.0, 0.5]]))
    assert motion.pose[0, -1].tolist() == pytest.approx([0.0, 7.0, torch.pi / 2 + 0.5], abs=1e-5)
    assert motion.pose[0, 2].tolist() == pytest.approx([0.4, 5.0, torch.pi / 2 + 0.3], abs=1e-5)
    assert motion.velocity[0].tolist() == pytest.approx([-2.0, 10.0], abs=1e-5)


def test_the_log_as_actions_is_the_log(forecaster, forecast_scenes):
    log = forecaster.logged_states(forecast_scenes)
    paths = forecaster.logged_paths(forecast_scenes)
    off = paths.pose - log.pose[:, 1:]
    off[..., 2] = wrap_angle(off[..., 2])
    assert off[paths.valid].abs().max() < 1e-3


def test_all_steps_at_once_are_the_steps_of_a_rollout(forecaster, forecast_scenes):
    """The distributions along drawn paths are those that the paths were drawn from."""
    paths = rolled(forecaster, forecast_scenes).paths
    with torch.no_grad():
        at_once = forecaster(forecast_scenes, paths)
    state, distribution = forecaster.begin(forecast_scenes)
    state, distribution = forecaster.branch(state, distribution, paths)
    with torch.no_grad():
        for step in range(paths.chosen.shape[1]):
            torch.testing.assert_close(
                at_once.pose[:, step], distribution.pose, atol=2e-3, rtol=1e-4
            )
            agents = paths.state(forecast_scenes, paths.history + step)
            state, distribution = forecaster.observe(state, paths.chosen[:, step], agents)


def test_two_scenes_of_a_batch_do_not_see_one_another(forecaster, forecast_scenes):
    alone = SceneReader(forecaster.settings)([generate_scenario(5, 2)])
    both = rolled(forecaster, forecast_scenes).trajectories[0]
    torch.testing.assert_close(rolled(forecaster, alone).trajectories[0], both, atol=1e-3, rtol=0)


def test_rollouts_of_likeliest_forecasts_are_alike_and_of_drawn_ones_not(
    forecaster_of, forecast_scenes
):
    certain = rolled(forecaster_of(executed="likeliest"), forecast_scenes).trajectories[0]
    assert certain[0].equal(certain[1])
    drawn = rolled(forecaster_of(), forecast_scenes).trajectories[0]
    assert not drawn[0].equal(drawn[1])


def test_it_sees_map_and_neighbours_and_can_do_without(forecaster, forecast_scenes):
    paths = forecaster.logged_paths(forecast_scenes)
    with torch.no_grad():
        seeing = forecaster(forecast_scenes, paths).pose[paths.valid[:, 2:]]
        for part in ("map", "neighbours"):
            blind = forecaster.without(part)(forecast_scenes, paths).pose[paths.valid[:, 2:]]
            assert not torch.allclose(seeing, blind)
