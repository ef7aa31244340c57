"""Random-shooting model-predictive planners (Peng et al. 2024, ECCV, section 5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from simagents.geometry import rotate
from simagents.metrics.overlap import overlap
from simagents.models.paths import Motion
from simagents.models.tensors import row_of
from simagents.planners.bicycle import WHEELBASE, arc, curvature, drive
from simagents.planners.field import Field
from simagents.planners.planner import Decide, PlannedWorlds, View
from simagents.planners.reward import COLLISION, OFF_ROAD, OFF_ROUTE, OFF_ROUTE_METRES, PROGRESS
from simagents.scenarios.scenario import STEP_SECONDS
from simagents.simulation.speed import travelled

STEERING = 0.3
"""Largest steering angle of a candidate (rad). Our choice, as is the acceleration: the paper prints neither."""
ACCELERATION = 4.0
"""Largest acceleration and braking of a candidate (m/s²)."""
SIZES = (3, 5, 7, 9)
"""Numbers of steering angles, and of accelerations, of the 16 libraries: their products are the paper's
16 values of J between 9 and 81."""
DEPTHS = (6, 8, 12, 16)
"""Steps of 0.1 s that candidates last: the paper's four values of D."""


@dataclass(frozen=True)
class Shooter:
    """One planner: the best of J candidates over D steps, of which it executes the first one."""

    steerings: int
    accelerations: int
    depth: int

    @property
    def name(self) -> str:
        return f"J{self.steerings}x{self.accelerations}-D{self.depth}"

    def library(self) -> tuple[list[float], list[float]]:
        """Steering (rad) and acceleration (m/s²) of the J candidates: all pairs of evenly spaced
        values. The gentlest come first, because the first of equal candidates is chosen."""
        pairs = product(
            _spaced(STEERING, self.steerings), _spaced(ACCELERATION, self.accelerations)
        )
        gentle = sorted(pairs, key=lambda pair: (abs(pair[0]), abs(pair[1]), *pair))
        return [steering for steering, _ in gentle], [acceleration for _, acceleration in gentle]


def _spaced(most: float, count: int) -> list[float]:
    return [most * (2 * number / (count - 1) - 1) for number in range(count)]


SIXTY_FOUR = tuple(Shooter(a, b, depth) for a, b, depth in product(SIZES, SIZES, DEPTHS))
"""All planners of the paper."""


class RandomShooting:
    """A set of such planners. All candidates of all worlds are scored at once.

    A candidate keeps its steering and acceleration for D steps while the other agents keep their
    velocities. Its score is the reward of `reward.py`, summed over the steps; the road's edge and the route
    are read from a `Field`, boxes are compared exactly.
    """

    def __init__(self, shooters: Sequence[Shooter] = SIXTY_FOUR):
        self.shooters = tuple(shooters)
        self.names = tuple(each.name for each in shooters)

    def start(self, worlds: PlannedWorlds) -> Decide:
        return _Candidates(self.shooters, worlds)


class _Candidates:
    """Candidates (world, steering, acceleration) are rows by world; their states at steps 1 to D are
    `states`, by candidate. A pair is another agent and a world in which it may be met."""

    def __init__(self, shooters: Sequence[Shooter], worlds: PlannedWorlds):
        device = worlds.scene.device
        self.field = Field.of(worlds.scenes).to(device)
        self.field_origin = self.field.origin[worlds.scene]
        length, width = worlds.size[:, 0], worlds.size[:, 1]
        self.half = length / 2, width / 2
        members = worlds.member.tolist()
        libraries = [each.library() for each in shooters]
        depth = torch.tensor([each.depth for each in shooters], device=device)[worlds.member]
        count = torch.tensor([len(each[0]) for each in libraries], device=device)[worlds.member]
        self.world_of_row = row_of(count.tolist()).to(device)
        steering = torch.tensor([s for m in members for s in libraries[m][0]], device=device)
        acceleration = torch.tensor([a for m in members for a in libraries[m][1]], device=device)
        self.steering, self.acceleration = steering, acceleration
        first_row = count.cumsum(0) - count
        self.place = torch.arange(len(steering), device=device) - first_row[self.world_of_row]
        self.shape, self.first_row = (len(members), int(count.max())), first_row

        depth_of_row = depth[self.world_of_row]
        self.row = row_of(depth_of_row.tolist()).to(device)
        end = depth_of_row.cumsum(0)
        self.last = end - 1
        step = torch.arange(len(self.row), device=device) - (end - depth_of_row)[self.row] + 1
        self.seconds = step * STEP_SECONDS
        self.world = self.world_of_row[self.row]
        self.state_acceleration = acceleration[self.row]
        bend = curvature(steering, length[self.world_of_row])
        self.curvature, self.axle = bend[self.row], (WHEELBASE * length / 2)[self.world]
        self.state_half = length[self.world] / 2, width[self.world] / 2
        self.first_point = (self.field.width * self.field.height) * worlds.scene[self.world]
        self.states = torch.bincount(self.world, minlength=len(members))
        self.first_state = self.states.cumsum(0) - self.states
        self.horizon = depth * STEP_SECONDS
        self.bend = bend.new_zeros(len(members)).scatter_reduce_(0, self.world_of_row, bend, "amax")
        self.fastest = acceleration.new_zeros(len(members)).scatter_reduce_(
            0, self.world_of_row, acceleration, "amax"
        )

    def __call__(self, view: View) -> Motion:
        chosen = self.scores(view).argmax(dim=1) + self.first_row
        return drive(view.sdc, view.speed, self.steering[chosen], self.acceleration[chosen])

    def scores(self, view: View) -> Tensor:
        """Of all candidates [W, J], -inf where a world's planner has fewer."""
        world = self.world
        metres = travelled(view.speed[world], self.state_acceleration, self.seconds)
        x, y, cos, sin = arc(metres, self.curvature, self.axle)
        hit = self._hits(view, x, y, cos, sin)
        heading = view.sdc.pose[:, 2].float()
        ahead, aside = heading.cos()[world], heading.sin()[world]
        place = view.sdc.pose[:, :2].float() - self.field_origin
        global_x, global_y = rotate(x, y, ahead, aside)
        global_x, global_y = global_x + place[:, 0][world], global_y + place[:, 1][world]
        cos, sin = rotate(cos, sin, ahead, aside)
        point = self.field.point_near(global_x, global_y, self.first_point)
        progress, lateral = self.field.along(global_x, global_y, point)
        off_road = self.field.off_road(
            global_x, global_y, cos, sin, self.state_half, self.first_point, point
        )
        reward = COLLISION * hit + OFF_ROAD * off_road + OFF_ROUTE * (lateral > OFF_ROUTE_METRES)
        # Sums of small whole numbers are exact; only then is the small progress added.
        penalty = torch.zeros_like(self.steering).index_add_(0, self.row, reward)
        score = PROGRESS * progress[self.last].double() + penalty
        table = score.new_full(self.shape, -torch.inf)
        return table.index_put_((self.world_of_row, self.place), score)

    def _hits(
        self, view: View, x: Tensor, y: Tensor, cos: Tensor, sin: Tensor
    ) -> Float32[Tensor, "states"]:
        """1 where a state's box overlaps that of an agent that keeps its velocity, else 0."""
        hit = torch.zeros_like(x)
        world, others = view.world, view.others
        own = view.sdc.pose.float()[world]
        ahead, aside = own[:, 2].cos(), own[:, 2].sin()
        pose = others.pose.float()
        dx, dy = rotate(pose[:, 0] - own[:, 0], pose[:, 1] - own[:, 1], ahead, -aside)
        vx, vy = rotate(others.velocity[:, 0], others.velocity[:, 1], ahead, -aside)
        half = others.size[:, 0] / 2, others.size[:, 1] / 2
        radius = torch.hypot(*half)
        pair = torch.nonzero(self._near(view, dx, dy, vx, vy, radius)).squeeze(-1)
        if not len(pair):
            return hit
        turn = pose[:, 2] - own[:, 2]
        table = torch.stack([dx, dy, vx, vy, turn.cos(), turn.sin(), *half, radius])[:, pair]
        # Every pair with every state of its world.
        of = world[pair]
        count = self.states[of]
        end = count.cumsum(0)
        which = torch.repeat_interleave(count)
        state = torch.arange(len(which), device=x.device) + (
            self.first_state[of] - (end - count)
        ).index_select(0, which)
        seconds = self.seconds.index_select(0, state)
        gap_x, gap_y, speed_x, speed_y = (row.index_select(0, which) for row in table[:4])
        gap_x = gap_x + speed_x * seconds - x.index_select(0, state)
        gap_y = gap_y + speed_y * seconds - y.index_select(0, state)
        reach = (table[8] + torch.hypot(*self.half)[of]).square().index_select(0, which)
        close = torch.nonzero(gap_x * gap_x + gap_y * gap_y < reach).squeeze(-1)
        which, state = which[close], state[close]
        other_cos, other_sin, other_length, other_width = table[4:8, which]
        own_cos, own_sin = cos[state], sin[state]
        met = overlap(
            *rotate(gap_x[close], gap_y[close], own_cos, -own_sin),
            *rotate(other_cos, other_sin, own_cos, -own_sin),
            (self.state_half[0][state], self.state_half[1][state]),
            (other_length, other_width),
        )
        hit[state[met]] = 1.0
        return hit

    def _near(
        self, view: View, dx: Tensor, dy: Tensor, vx: Tensor, vy: Tensor, radius: Tensor
    ) -> Bool[Tensor, "n"]:
        """Which agents might be met: boxes around their way and around all that the SDC can reach."""
        world, horizon = view.world, self.horizon
        most = view.speed * horizon + 0.5 * self.fastest * horizon**2
        outer = torch.hypot(*self.half)
        # |1 - cos(κs)| / κ is at most κs² / 2; the centre swings out by no more than the axle's distance.
        side = torch.minimum(most, 0.5 * self.bend * most**2) + outer
        margin = outer[world] + radius
        t = horizon[world]
        low_x, high_x = torch.minimum(dx, dx + vx * t), torch.maximum(dx, dx + vx * t)
        low_y, high_y = torch.minimum(dy, dy + vy * t), torch.maximum(dy, dy + vy * t)
        back = -margin - torch.where(self.bend * most > 1.5, most, 0.0)[world]
        ahead = (most[world] + margin) > low_x
        return (
            ahead
            & (high_x > back)
            & (low_y < side[world] + margin)
            & (high_y > -side[world] - margin)
        )
