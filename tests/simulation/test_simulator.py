"""Agents of one world with controllers of their own."""

from dataclasses import dataclass

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.paths import Motion
from simagents.models.smart.random_tokens import RandomTokens
from simagents.simulation.choice import Sample
from simagents.simulation.controller import Assignment
from simagents.simulation.policy_controller import PolicyController
from simagents.simulation.rollout import roll_out
from simagents.simulation.rules import ConstantVelocity, LogPlayback
from simagents.simulation.simulator import simulate

SAMPLING = Sampling(top_k=8, temperature=1.0)


def sampling(draws):
    return Sample(draws, SAMPLING)


@dataclass
class Follower:
    """A planner of single log steps: stays 1 m west of where another row was; keeps what it sees."""

    leader: int
    log_steps: int = 1

    def take_over(self, scenes, worlds, rows):
        self.rows, self.seen = rows, []
        return self

    def __call__(self, traffic):
        self.seen.append(traffic)
        pose = traffic.state.pose[self.leader] - torch.tensor([1.0, 0.0, 0.0])
        motion = pose.expand(len(self.rows), 1, 3)
        return Motion(motion, torch.zeros(len(self.rows), 2))


class Observing(RandomTokens):
    """Keeps the agents that it observes."""

    def observe(self, state, action, agents):
        self.observed = [*getattr(self, "observed", []), agents]
        return super().observe(state, action, agents)


def test_everyone_by_one_policy_is_a_rollout(policy, batch):
    everyone = torch.ones(len(batch.agent_scene), dtype=torch.bool)
    controller = PolicyController(policy, sampling, 7)
    alone = roll_out(policy, batch, 2, sampling, 7).trajectories
    for one, other in zip(
        simulate(batch, 2, [Assignment(controller, everyone)]), alone, strict=True
    ):
        assert torch.equal(one, other)


def test_each_controller_moves_its_own_agents(policy, batch):
    """The recording vehicle replays its log while a policy moves the others."""
    logged = [Assignment(LogPlayback(), torch.ones_like(batch.is_sdc))]
    mixed = [
        Assignment(LogPlayback(), batch.is_sdc),
        Assignment(PolicyController(policy, sampling, 7), ~batch.is_sdc),
    ]
    replay, both = simulate(batch, 2, logged), simulate(batch, 2, mixed)
    for scene in range(3):
        sdc = batch.is_sdc[batch.agent_scene == scene]
        assert torch.equal(both[scene][:, sdc], replay[scene][:, sdc])
        assert not torch.equal(both[scene][:, ~sdc], replay[scene][:, ~sdc])


def test_a_policy_sees_what_others_do(policy, batch):
    """The same draws, another recording vehicle: some of the policy's agents act otherwise."""
    ends = []
    for rule in (LogPlayback(), ConstantVelocity()):
        parts = [
            Assignment(rule, batch.is_sdc),
            Assignment(PolicyController(policy, sampling, 7), ~batch.is_sdc),
        ]
        one = simulate(batch, 1, parts)
        ends.append(torch.cat([scene[0, :, -1] for scene in one])[~batch.is_sdc])
    assert not torch.equal(*ends)


def test_a_policy_observes_the_mean_velocity_over_its_action_of_agents_that_others_move(
    vocabulary, batch
):
    """The recording vehicle replays its log: in the first half second from pose 10 to pose 15."""
    policy = Observing(vocabulary)
    parts = [
        Assignment(LogPlayback(), batch.is_sdc),
        Assignment(PolicyController(policy, sampling, 7), ~batch.is_sdc),
    ]
    simulate(batch, 1, parts)
    observed = policy.observed[0].velocity[batch.is_sdc]
    pose = batch.pose[batch.is_sdc, :, :2]
    torch.testing.assert_close(
        observed, ((pose[:, 15] - pose[:, 10]) / 0.5).float(), atol=1e-3, rtol=0
    )


def test_a_planner_acts_at_every_log_step_and_sees_the_present(batch):
    """Rows of two rollouts: the planner moves row 1 and follows row 0, which the log moves."""
    first = torch.zeros(len(batch.agent_scene), dtype=torch.bool)
    first[1] = True
    planner = Follower(leader=0)
    parts = [Assignment(planner, first), Assignment(LogPlayback(), ~first)]
    (rollout,) = simulate(batch, 1, parts)[:1]
    assert [traffic.step for traffic in planner.seen] == list(range(80))
    leader, follower = rollout[0, 0], rollout[0, 1]
    assert torch.allclose(follower[1:, 0], leader[:-1, 0] - 1, atol=1e-3)
    speed = planner.seen[40].state.velocity[0]
    assert torch.allclose(speed, (leader[39, :2] - leader[38, :2]) / 0.1, atol=2e-2)


def test_agents_without_a_controller_or_with_two_are_refused(batch):
    everyone = Assignment(LogPlayback(), torch.ones_like(batch.is_sdc))
    for parts in ([everyone, everyone], [Assignment(LogPlayback(), batch.is_sdc)]):
        with pytest.raises(ValueError, match="exactly one controller"):
            simulate(batch, 1, parts)


class WithLatents(RandomTokens):
    """Two uniform numbers for each agent and rollout decide its latents; keeps what it is given."""

    latent_draws = 2

    def branch(self, state, distribution, paths):
        self.latent = paths.latent
        return super().branch(state, distribution, paths)


def test_latents_are_drawn_for_each_agent_and_rollout_and_stay_with_the_path(vocabulary, batch):
    """Keyed like actions: the same for the same seed, whatever else is simulated."""
    policy = WithLatents(vocabulary)
    sampled = roll_out(policy, batch, 3, sampling, 7)
    assert torch.equal(sampled.paths.latent, policy.latent)
    assert policy.latent.shape == (3 * len(batch.agent_scene), 2)
    assert len(policy.latent.flatten().unique()) == policy.latent.numel()
    assert (policy.latent >= 0).all()
    assert (policy.latent < 1).all()
    first = sampled.paths.world % 3 == 0
    again = roll_out(policy, batch, 1, sampling, 7).paths.latent
    assert torch.equal(sampled.paths.latent[first], again)
    assert not torch.equal(roll_out(policy, batch, 1, sampling, 8).paths.latent, again)
