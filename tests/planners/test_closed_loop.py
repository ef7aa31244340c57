"""Planners among simulated agents."""

import numpy as np
import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.models.paths import Motion
from simagents.models.scenes import collate
from simagents.planners.bicycle import drive
from simagents.planners.closed_loop import drive_planners, logged
from simagents.planners.planner import Planner
from simagents.planners.random_shooting import SIXTY_FOUR, RandomShooting, Shooter
from simagents.planners.surroundings import Surroundings
from simagents.simulation.choice import Sample
from simagents.simulation.policy_controller import PolicyController
from simagents.simulation.rules import RULES


class Steady:
    """Straight on at constant acceleration."""

    names = ("steady",)

    def __init__(self, acceleration=0.0):
        self.acceleration = acceleration

    def start(self, worlds):
        return lambda view: drive(view.sdc, view.speed, 0.0, self.acceleration)


class Oracle:
    """Follows the log of the SDC."""

    names = ("oracle",)

    def start(self, worlds):
        (scene,) = worlds.scenes
        log = scene.scenario
        place = log.position[log.sdc, :, :2] - scene.origin
        pose = torch.from_numpy(np.column_stack([place, log.heading[log.sdc]]))

        def decide(view):
            now = pose[11 + view.step].expand(len(view.speed), 1, 3)
            return Motion(now, torch.zeros(len(view.speed), 2))

        return decide


def test_there_are_64_planners_with_9_to_81_candidates():
    """16 products of 3, 5, 7 and 9 with one another, times 4 depths; all names differ."""
    sizes = sorted({len(each.library()[0]) for each in SIXTY_FOUR})
    assert (len(SIXTY_FOUR), sizes[0], sizes[-1]) == (64, 9, 81)
    assert len({each.name for each in SIXTY_FOUR}) == 64
    assert isinstance(RandomShooting(), Planner)


def test_constant_speed_by_hand(moving, driven):
    """10 m/s for 8 s on an empty street: 80 m, no penalty, 1e-4 · 80."""
    (found,) = driven([moving()], Steady())
    assert found.progress.item() == pytest.approx(80, abs=1e-3)
    assert found.total.item() == pytest.approx(0.008, abs=1e-6)


def test_a_planner_that_runs_into_a_standing_vehicle_loses_ten_a_step(moving, driven):
    """The SDC starts the simulation at x = 10 m at 10 m/s; a vehicle of 4 m stands at x = 32.5 m: from 28.5 m,
    18.5 m away, to 36.5 m, 26.5 m away, boxes overlap. Step k is k metres away: steps 19 to 26."""
    (found,) = driven([moving(start=((0, 0), (32.5, 0)), speed=(10, 0))], Steady())
    assert found.collision.tolist() == [8]
    assert found.total.item() == pytest.approx(-80 + 0.008, abs=1e-6)


def test_a_planner_that_looks_ahead_stops_behind_a_queue(moving, driven):
    """At 5 m/s braking at 4 m/s² takes 1.25 s: 16 steps see enough, 6 steps do not. The queue is as wide as the
    street and too long to be passed."""
    rows = [(30.0 + 5 * row, y) for row in range(3) for y in (-4.5, -1.5, 1.5, 4.5)]
    scenario = moving(start=((0, 0), *rows), speed=(5, *[0] * len(rows)))
    (found,) = driven([scenario], RandomShooting((Shooter(3, 3, 16), Shooter(3, 3, 6))))
    assert found.collision[0] == 0
    assert found.collision[1] > 0


def test_the_log_among_its_log_meets_nobody(scenarios, driven):
    """In synthetic scenes the SDC's log has no collision and stays on its route."""
    for scenario in scenarios:
        (found,) = driven([scenario], Oracle())
        assert found.collision.item() == 0
        assert found.off_route.item() == 0


def test_planners_scenes_and_sets_together_are_each_alone_bit_for_bit(scenarios, driven):
    """Two scenes, two shooters and a set of another kind; of each scene one planner alone."""
    two, shooters = scenarios[:2], (Shooter(3, 3, 6), Shooter(5, 3, 16))
    together = driven(two, RandomShooting(shooters), Steady(-1.0))
    for number, (scenario, shooter) in enumerate(zip(two, shooters, strict=True)):
        (alone,) = driven([scenario], RandomShooting((shooter,)))
        for key in ("collision", "off_road", "off_route", "progress"):
            assert torch.equal(getattr(together[number], key)[[number]], getattr(alone, key))


def test_all_planners_meet_the_same_draws_of_a_policy(policy, batch, scenarios):
    """The same planner twice: the same returns in each of two rollouts, which differ from one another."""
    sampling = Sampling(top_k=8, temperature=1.0)
    traffic = PolicyController(policy, lambda draws: Sample(draws, sampling), 3, rollouts=2)
    surroundings = [Surroundings.of(scenario) for scenario in scenarios]
    planners = [Recorder(), Recorder()]
    drive_planners(batch, surroundings, planners, traffic, 2)
    first, second = (planner.seen for planner in planners)
    assert torch.equal(first, second)
    halves = first.view(len(scenarios), 2, -1)[:, :, :1]
    assert not torch.equal(halves[:, 0], halves[:, 1])


class Recorder(Steady):
    """Keeps the mean place of the others in every world at the last decision."""

    def start(self, worlds):
        def decide(view):
            mean = view.others.pose.new_zeros(len(view.speed), 3)
            self.seen = mean.index_add_(0, view.world, view.others.pose)
            return drive(view.sdc, view.speed, 0.0, 0.0)

        return decide


@pytest.mark.parametrize("rule", ["log", "stand_still", "constant_velocity"])
def test_an_agent_that_leaves_the_log_cannot_be_met_after_it_whatever_moves_it(
    moving, driven, rule
):
    """The SDC overlaps the standing vehicle at steps 19 to 26. The log shows it until step 22: 4 steps in collision.
    Where it misses steps 21 to 23 alone, 5; where nothing removes anybody, all 8."""
    for missing, steps in ((slice(23, 81), 4), (slice(21, 24), 5)):
        scenario = moving(start=((0, 0), (32.5, 0)), speed=(10, 0))
        scenario.valid[1, 10:][missing] = False
        present = logged(collate([scenario]))
        traffic = RULES[rule](0, 1)
        (found,) = driven([scenario], Steady(), traffic=traffic, present=present)
        assert found.collision.tolist() == [steps]
        (found,) = driven([scenario], Steady(), traffic=traffic)
        assert found.collision.tolist() == [8]


def test_planners_see_who_is_in_the_log_now_and_was_a_moment_ago(moving, driven):
    """Seen from the start; missing at steps 21 to 23, hidden until 24, when the log's velocity is not known yet."""
    scenario = moving(start=((0, 0), (32.5, 0)), speed=(10, 0))
    scenario.valid[1, 31:34] = False
    present, planner = logged(collate([scenario])), Counter()
    driven([scenario], planner, present=present)
    assert [step for step in range(80) if planner.seen[step] == 0] == [21, 22, 23, 24]


class Counter(Steady):
    """Keeps the number of agents that it sees at each decision."""

    def start(self, worlds):
        self.seen = {}

        def decide(view):
            self.seen[view.step] = len(view.world)
            return drive(view.sdc, view.speed, 0.0, 0.0)

        return decide
