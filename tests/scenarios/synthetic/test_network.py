"""What has to hold for every road network, whatever its template."""

import numpy as np
import pytest

from simagents.scenarios.synthetic.routes import tabulate
from simagents.scenarios.synthetic.templates import TEMPLATES

SHARPEST = 1 / 2.4  # 1/m; only car parks turn as tightly as that


@pytest.fixture(params=TEMPLATES, ids=lambda t: t.__name__)
def networks(request):
    return [request.param(np.random.default_rng(seed)) for seed in range(12)]


def test_lanes_continue_where_they_end(networks):
    for network in networks:
        for lane in network.lanes:
            for exit_ in lane.exits:
                np.testing.assert_array_equal(lane.points[-1], network.lanes[exit_].points[0])


def test_lanes_bend_as_vehicles_can(networks):
    for network in networks:
        for lane in network.lanes:
            step = np.diff(lane.points, axis=0)
            turn = np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
            length = np.hypot(*step.T)
            assert (np.abs(turn) < SHARPEST * (length[1:] + length[:-1]) / 2 + 1e-6).all()


def test_neighbours_are_mutual_and_beside(networks):
    for network in networks:
        for i, lane in enumerate(network.lanes):
            if lane.left is not None:
                other = network.lanes[lane.left]
                assert other.right == i
                middle = lane.points[len(lane.points) // 2]
                assert 2.5 < np.hypot(*(other.points - middle).T).min() < 4.5


def test_drivable_side_is_left_of_edges(networks, plane):
    """All lanes are on the road, and islands, which are closed, run clockwise."""
    for network in networks[:6]:
        edges = [points for points, _ in network.edges]
        lanes = np.concatenate([lane.points[1:-1:2] for lane in network.lanes])
        assert plane.off_road(lanes, edges).max() < -0.3
        for x, y in (points.T for points in edges if np.array_equal(points[0], points[-1])):
            assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() < 0


def test_routes_lead_from_border_to_border(networks):
    for network in networks:
        routes = tabulate(network)
        assert len(routes.lanes) >= 1
        entered = {e for lane in network.lanes for e in lane.exits}
        for route in routes.lanes:
            assert route[0] not in entered
            assert not network.lanes[route[-1]].exits
        step = np.diff(routes.pose[:, :, :2], axis=1)
        assert np.hypot(step[..., 0], step[..., 1]) == pytest.approx(1.0, abs=0.03)
