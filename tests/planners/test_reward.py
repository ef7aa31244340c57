"""The reward of planners, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from simagents.planners.reward import collisions, returns
from simagents.planners.surroundings import Surroundings

SIZE = torch.tensor([4.0, 2.0, 1.5])
NOBODY = torch.zeros(1, 4, 0, 3, dtype=torch.float64), torch.zeros(0, 3)
START = torch.zeros(3, dtype=torch.float64)


def poses(*places):
    return torch.tensor([[(x, y, 0.0) for x, y in places]], dtype=torch.float64)


def test_a_drive_by_hand(moving):
    """Four steps along a street whose edges are 6 m left and right; the box is 2 m wide.

    (1, 0): fine. (2, 3.6): 3.6 m off the route, left side at 4.6 m. (3, 5.5): off the route, left side at
    6.5 m, off the road. (4, 0) in the box of another agent at (7, 0): 4 m apart is touching, at 6.9 m
    0.1 m overlap. Return: -10 · 1 - 1 · 1 - 1 · 2 + 1e-4 · 4 m = -12.9996.
    """
    scene = Surroundings.of(moving(start=((-10.0, 0.0),)))
    path = poses((1, 0), (2, 3.6), (3, 5.5), (4, 0))
    other = torch.tensor([7.9, 0.0, 0.0], dtype=torch.float64).expand(1, 4, 1, 3)
    found = returns(scene, START, path, other, SIZE, SIZE[None])
    assert found.collision.tolist() == [1]
    assert found.off_road.tolist() == [1]
    assert found.off_route.tolist() == [2]
    assert found.progress.item() == pytest.approx(4.0, abs=1e-4)
    assert found.total.item() == pytest.approx(-12.9996, abs=1e-6)


@pytest.mark.parametrize(("offset", "steps"), [(3.49, 0), (3.51, 4)])
def test_off_route_is_farther_than_the_threshold(moving, offset, steps):
    """On either side; the route is the log at y = 0 and goes on straight."""
    scene = Surroundings.of(moving(start=((-10.0, 0.0),)))
    for side in (offset, -offset):
        path = poses(*((x, side) for x in (1, 2, 3, 90)))
        assert returns(scene, START, path, NOBODY[0], SIZE, NOBODY[1]).off_route.item() == steps


@pytest.mark.parametrize(("offset", "steps"), [(4.99, 0), (5.01, 4)])
def test_off_road_is_a_corner_beyond_the_edge(moving, offset, steps):
    """The edge is at 6 m, half the box 1 m wide."""
    scene = Surroundings.of(moving(start=((-10.0, 0.0),)))
    path = poses(*((x, offset) for x in (1, 2, 3, 4)))
    assert returns(scene, START, path, NOBODY[0], SIZE, NOBODY[1]).off_road.item() == steps


def test_every_step_in_collision_costs_ten(moving):
    scene = Surroundings.of(moving(start=((-10.0, 0.0),)))
    path = poses((0, 0), (0, 0), (0, 0), (0, 0))
    other = path[:, :, None]
    found = returns(scene, START, path, other, SIZE, SIZE[None])
    assert found.total.item() == -40
    present = torch.tensor([[True, False, True, False]])
    found = returns(scene, START, path, other, SIZE, SIZE[None], present)
    assert found.total.item() == -20


def test_collisions_of_many_worlds_are_those_of_each():
    generator = torch.manual_seed(0)
    path = torch.rand(5, 6, 3, generator=generator, dtype=torch.float64) * 8
    others = torch.rand(5, 6, 4, 3, generator=generator, dtype=torch.float64) * 8
    sizes = SIZE.expand(4, 3)
    together = collisions(path, others, SIZE, sizes)
    alone = torch.cat(
        [collisions(path[w : w + 1], others[w : w + 1], SIZE, sizes) for w in range(5)]
    )
    assert torch.equal(together, alone)
    assert together.any()
    assert not together.all()


def test_the_route_is_geometry_and_no_clock(moving):
    """Half the speed gives the same line, since it goes on straight where the log ends."""
    scenario = moving(start=((-10.0, 0.0),))
    slow = moving(start=((-5.0, 0.0),), speed=(5.0,))
    progress = [
        returns(Surroundings.of(each), START, poses((1, 0), (2, 0), (3, 0), (90, 0)), NOBODY[0], SIZE,
                NOBODY[1]).progress.item()
        for each in (scenario, slow)
    ]  # fmt: skip
    assert progress == pytest.approx([90.0, 90.0], abs=1e-3)


def test_a_vehicle_that_stands_has_a_straight_route(moving):
    """A log that trembles by centimetres has no direction but its heading."""
    scenario = moving(start=((0.0, 0.0),), speed=(0.0,))
    trembling = scenario.position + np.random.default_rng(0).normal(0, 0.02, (1, 91, 3))
    scene = Surroundings.of(replace(scenario, position=trembling.astype(np.float32)))
    assert scene.route[:, 1].abs().max() < 0.1
    assert scene.route[-1, 0] > 150
