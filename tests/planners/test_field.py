"""What the look-ahead reads from grids, against the exact numbers."""

import torch

from simagents.planners.field import CELL, FAR, Field
from simagents.planners.surroundings import Surroundings


def places(scene, field, offset, count=400):
    """Places around the route, in the scene's frame and in the grid's."""
    generator = torch.manual_seed(1)
    near = scene.route[torch.randint(20, 80, (count,), generator=generator)]
    points = near + (torch.rand(count, 2, generator=generator) - 0.5) * 2 * offset
    return points, (points - field.origin[0]).unbind(1)


def test_progress_and_distance_from_the_route_are_exact_to_centimetres(scenarios):
    for scenario in scenarios:
        scene = Surroundings.of(scenario)
        field = Field.of([scene])
        points, (x, y) = places(scene, field, 4.0)
        point = field.point_near(x, y, torch.zeros(len(x), dtype=torch.int64))
        progress, lateral = field.along(x, y, point)
        exact_progress, exact_lateral = scene.project(points)
        assert (lateral - exact_lateral).abs().max() < 0.05
        # Inside of sharp bends neighbouring segments share places.
        assert (progress - exact_progress).abs().quantile(0.9) < 0.05
        assert (progress - exact_progress).abs().max() < 0.6


def test_off_road_agrees_with_the_metric_but_within_a_third_of_a_metre_of_the_edge(scenarios):
    """Of 400 boxes a scene only those whose outermost corner is nearer to an edge than 0.36 m may differ."""
    from simagents.metrics.road_edges import distance_to_road_edge

    for scenario in scenarios:
        scene = Surroundings.of(scenario)
        field = Field.of([scene])
        points, (x, y) = places(scene, field, 10.0)
        heading = torch.rand(len(x), generator=torch.manual_seed(2)) * 6.28
        size = torch.from_numpy(scenario.mean_size[scenario.sdc])
        half = (size[0] / 2).expand_as(x), (size[1] / 2).expand_as(x)
        first = torch.zeros(len(x), dtype=torch.int64)
        point = field.point_near(x, y, first)
        off = field.off_road(x, y, heading.cos(), heading.sin(), half, first, point)
        poses = torch.cat([points, heading[:, None]], dim=1)[:, None].double()
        exact = scene.off_road(poses, size)[:, 0]
        world = (points.double() + torch.from_numpy(scene.origin)).float()
        height = torch.full_like(x, scene.height)
        boxes = torch.stack([world[:, 0], world[:, 1], height, heading])[:, None, None]
        edge = distance_to_road_edge(
            scene.edges, boxes, size[None], torch.zeros(1, dtype=torch.int64), budget=1 << 20
        ).flatten()
        sure = edge.abs() > CELL / 2**0.5
        assert torch.equal(off[sure], exact[sure])
        assert (off != exact).float().mean() < 0.02
        assert off.any()
        assert not off.all()


def test_far_from_the_route_everything_is_off_the_road_and_off_the_route(scenarios):
    scene = Surroundings.of(scenarios[0])
    field = Field.of([scene])
    x = y = torch.tensor([-500.0, 0.0, 1e4])
    first = torch.zeros(3, dtype=torch.int64)
    half = torch.full((3,), 2.0), torch.full((3,), 1.0)
    point = field.point_near(x, y, first)
    assert field.off_road(x, y, torch.ones(3), torch.zeros(3), half, first, point).all()
    assert (field.along(x, y, point)[1] == FAR).all()
