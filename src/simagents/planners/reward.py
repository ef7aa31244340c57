"""The reward of a planner: that of its look-ahead, and that by which it is judged."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from simagents.geometry import rotate
from simagents.metrics.overlap import overlap
from simagents.planners.surroundings import Surroundings

COLLISION = -10.0
"""For each step at which the SDC's box overlaps another agent's."""
OFF_ROAD = -1.0
"""For each step at which its box reaches beyond a road edge."""
OFF_ROUTE = -1.0
"""For each step at which its centre is more than OFF_ROUTE_METRES from the route."""
PROGRESS = 1e-4
"""For each metre along the route. Peng et al. 2024, section 5.3, for all four."""
OFF_ROUTE_METRES = 3.5
"""Our choice: the paper names a threshold without its value."""


@dataclass(frozen=True, eq=False)
class Returns:
    """What W drives of T steps came to, undiscounted and without an early stop."""

    collision: Float64[Tensor, "W"]
    """steps in collision"""
    off_road: Float64[Tensor, "W"]
    """steps off the road"""
    off_route: Float64[Tensor, "W"]
    """steps off the route"""
    progress: Float64[Tensor, "W"]
    """metres along the route from the start to the end"""

    @property
    def total(self) -> Float64[Tensor, "W"]:
        """The return."""
        return (
            COLLISION * self.collision
            + OFF_ROAD * self.off_road
            + OFF_ROUTE * self.off_route
            + PROGRESS * self.progress
        )


def returns(
    scene: Surroundings,
    start: Float64[Tensor, "3"],
    path: Float64[Tensor, "W T 3"],
    others: Float64[Tensor, "W T n 3"],
    size: Float[Tensor, "3"],
    other_size: Float[Tensor, "n 3"],
    present: Bool[Tensor, "n T"] | None = None,
) -> Returns:
    """Of the SDC's drives in W worlds of one scene among n agents each.

    Poses are x, y, heading in the scene's frame; `start` is the SDC's before the first step. Agents that
    are not `present` at a step cannot be met there. Exact: no part reads the grids of the look-ahead.
    """
    met = collisions(path, others, size, other_size, present)
    points = torch.cat([start[None, :2], path[..., :2].flatten(0, 1)])
    progress, lateral = scene.project(points)
    lateral = lateral[1:].view(path.shape[:2])
    gained = progress[1:].view(path.shape[:2])[:, -1] - progress[0]
    off_road = scene.off_road(path, size)
    return Returns(
        met.sum(dim=1).double(),
        off_road.sum(dim=1).double(),
        (lateral > OFF_ROUTE_METRES).sum(dim=1).double(),
        gained,
    )


def collisions(
    path: Float64[Tensor, "W T 3"],
    others: Float64[Tensor, "W T n 3"],
    size: Float[Tensor, "3"],
    other_size: Float[Tensor, "n 3"],
    present: Bool[Tensor, "n T"] | None = None,
) -> Bool[Tensor, "W T"]:
    """Whether the SDC's box overlaps any other agent's at each step."""
    gap = others[..., :2] - path[:, :, None, :2]
    reach = torch.hypot(size[0], size[1]) / 2 + torch.hypot(other_size[:, 0], other_size[:, 1]) / 2
    close = gap.square().sum(dim=-1) < reach**2
    if present is not None:
        close &= present.T
    world, step, agent = torch.nonzero(close, as_tuple=True)
    own, other = path[world, step], others[world, step, agent]
    cos, sin = own[:, 2].cos(), own[:, 2].sin()
    turn = other[:, 2] - own[:, 2]
    near = gap[world, step, agent]
    half = other_size[agent].double() / 2
    met = overlap(
        *rotate(near[:, 0], near[:, 1], cos, -sin), turn.cos(), turn.sin(),
        (size[0].double() / 2, size[1].double() / 2), (half[:, 0], half[:, 1]),
    )  # fmt: skip
    at = torch.zeros(path.shape[:2], dtype=torch.bool, device=path.device)
    return at.index_put_((world[met], step[met]), torch.ones_like(met[met]))
