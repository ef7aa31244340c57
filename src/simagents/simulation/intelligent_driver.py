"""The intelligent-driver model on the lane graph: rule-based traffic that keeps its distance."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.errors import InputError
from simagents.geometry import unit_vector, wrap_angle
from simagents.models.paths import AgentState, Motion, Worlds
from simagents.models.scenes import SceneBatch
from simagents.scenarios.agent_class import CLASSES
from simagents.scenarios.scenario import CURRENT, SIMULATED, STEP_SECONDS
from simagents.simulation.controller import Traffic
from simagents.simulation.draws import DrawKeys
from simagents.simulation.lane_ways import SPACING, Lanes, Ways, place_on, stacked
from simagents.simulation.speed import travelled

DESIRED = 15.0
"""Speed in m/s that an agent reaches where nothing is ahead, or its speed at the start where that is higher.
This and the next five: Treiber & Kesting 2013, Traffic Flow Dynamics, Table 11.2, city traffic."""
HEADWAY = 1.0
"""Seconds to the leader."""
JAM = 2.0
"""Metres to a leader that stands."""
EXPONENT = 4
ACCELERATION = 1.0
"""m/s²"""
BRAKING = 1.5
"""m/s², comfortable."""
HARDEST = 8.0
"""Most that brakes can do, m/s². Our choice; the model has no limit."""
MERGE = 10.0
"""Metres within which an agent gets from where it was beside its lane onto it. Our choice."""
_PEDESTRIAN = CLASSES.index("pedestrian")
_CYCLIST = CLASSES.index("cyclist")
_BUDGET = 1 << 22


@dataclass(frozen=True)
class IntelligentDriver:
    """Vehicles and cyclists follow the lane on which they start and keep their distance (IDM).

    At a fork every world draws a branch, where no lane leads on they go straight on. The leader is the
    nearest agent whose box reaches into the strip that the follower's box sweeps along its way, or the
    beginning of a lane whose light is red at the current step: it stays red, because no simulator may
    see the lights' future. Agents farther than 110 m do not count. Cyclists have the parameters of vehicles,
    and a vehicle that stands on a lane, even parked, sets off. Pedestrians, and whoever is on no lane, keep
    their velocity. Nobody changes lanes, gives way or slows down for a bend. Decides every 0.5 s, as
    policies do; acceleration is constant in between.
    """

    seed: int | np.ndarray = 0
    """of the branches; one for all scenes, or one for each"""
    rollouts: int | None = None
    """the draws of a scene's worlds repeat after so many; None: they never do"""
    reads_map = True
    """it needs scenes with their polylines"""

    def take_over(
        self, scenes: SceneBatch, worlds: Worlds, rows: Int64[Tensor, "n"]
    ) -> "_LaneFollowers":
        """Raises InputError where the scenes come without maps."""
        if scenes.map is None:
            raise InputError("the intelligent-driver model needs scenes with their maps.")
        draws = DrawKeys(self.seed, scenes, worlds, self.rollouts)
        return _LaneFollowers(draws, scenes, worlds, rows)


def idm_acceleration(
    speed: Float[Tensor, "n"],
    desired: Float[Tensor, "n"],
    gap: Float[Tensor, "n"],
    closing: Float[Tensor, "n"],
) -> Float[Tensor, "n"]:
    """m/s² of followers `gap` metres behind their leaders, bumper to bumper, approaching at `closing` m/s.

    Treiber, Hennecke & Helbing 2000 (Physical Review E 62:1805), eqs. 2 and 3:
    a (1 - (v/v0)⁴ - (s*/s)²) with s* = s0 + max(0, v T + v Δv / (2 √(a b))). At most HARDEST braking; an
    infinite gap is a free road.
    """
    wanted = JAM + (
        speed * HEADWAY + speed * closing / (2 * (ACCELERATION * BRAKING) ** 0.5)
    ).clamp(min=0)
    wanted = torch.where(gap.isinf(), 0.0, wanted / gap.clamp(min=0.1, max=1e6))
    free = (speed / desired) ** EXPONENT
    return (ACCELERATION * (1 - free - wanted**2)).clamp(min=-HARDEST)


class _LaneFollowers:
    """n rows in one simulation, of which some follow a way."""

    log_steps = 5

    def __init__(self, draws: DrawKeys, scenes: SceneBatch, worlds: Worlds, rows: Tensor):
        self.rows, self.world = rows, worlds.world
        agent = worlds.agent[rows]
        self.velocity = scenes.velocity[agent, CURRENT]
        self.speed = self.velocity.norm(dim=-1)
        self.desired = self.speed.clamp(min=DESIRED)
        self.ways, self.way = _drawn_ways(draws, scenes, worlds, rows)
        self.on_way = torch.nonzero(self.way >= 0).squeeze(-1)
        self.metres = torch.zeros_like(self.speed)
        pose = scenes.pose[agent, CURRENT].float()
        self.lateral, self.turn = torch.zeros_like(self.speed), torch.zeros_like(self.speed)
        if len(self.on_way):
            chosen = self.on_way
            place, heading = place_on(self.ways, self.way[chosen], self.metres[chosen])
            beside = pose[chosen, :2] - place
            self.lateral[chosen] = beside[:, 1] * heading.cos() - beside[:, 0] * heading.sin()
            self.turn[chosen] = wrap_angle(pose[chosen, 2] - heading)
        # Pairs of a follower and any other agent of its world.
        follower = rows[self.on_way]
        first = torch.searchsorted(self.world, self.world[follower])
        count = torch.searchsorted(self.world, self.world[follower], right=True) - first
        self.follower = torch.repeat_interleave(count)
        begin = (count.cumsum(0) - count)[self.follower]
        self.other = (
            torch.arange(len(self.follower), device=rows.device) - begin + first[self.follower]
        )
        apart = self.other != follower[self.follower]
        self.follower, self.other = self.follower[apart], self.other[apart]

    def __call__(self, traffic: Traffic) -> Motion:
        state = traffic.state.rows(self.rows)
        seconds = torch.arange(1, self.log_steps + 1, device=self.rows.device) * STEP_SECONDS
        straight = state.pose[:, None, :2] + self.velocity[:, None] * seconds[:, None]
        pose = torch.cat([straight, state.pose[:, None, 2:].expand(-1, len(seconds), 1)], dim=-1)
        if not len(self.on_way):
            return Motion(pose, self.velocity)
        chosen = self.on_way
        speed, way = self.speed[chosen], self.way[chosen]
        gap, closing = self._ahead(traffic.state)
        acceleration = idm_acceleration(speed, self.desired[chosen], gap, closing)
        gained = travelled(speed[:, None], acceleration[:, None], seconds)
        metres = self.metres[chosen, None] + gained
        place, heading = place_on(self.ways, way.repeat_interleave(len(seconds)), metres.flatten())
        left = (1 - metres.flatten() / MERGE).clamp(min=0)
        lateral = self.lateral[chosen].repeat_interleave(len(seconds)) * left
        aside = torch.stack([-heading.sin(), heading.cos()], dim=-1)
        heading = heading + self.turn[chosen].repeat_interleave(len(seconds)) * left
        followed = torch.cat([place + lateral[:, None] * aside, heading[:, None]], dim=-1)
        pose = pose.index_copy(0, chosen, followed.view(len(chosen), -1, 3))
        self.metres[chosen] = metres[:, -1]
        after = (speed + acceleration * seconds[-1]).clamp(min=0)
        self.speed[chosen] = after
        end = unit_vector(pose[chosen, -1, 2])
        self.velocity = self.velocity.index_copy(0, chosen, after[:, None] * end)
        return Motion(pose, self.velocity)

    def _ahead(self, state: AgentState) -> tuple[Float[Tensor, "f"], Float[Tensor, "f"]]:
        """Metres to each follower's leader and the speed of approach; infinite and 0 on a free road."""
        chosen = self.on_way
        half = state.size[self.rows[chosen], 0] / 2
        front = self.metres[chosen] + half
        speed, way = self.speed[chosen], self.way[chosen]
        # A red light is passed where the front is beyond it.
        lights = self.ways.red[way] - front[:, None]
        gap = lights.masked_fill(lights < 0, torch.inf).amin(dim=1)
        closing = torch.where(gap.isinf(), 0.0, speed)
        # Beyond 4.5 s* a leader that stands changes the acceleration by less than 5 % of ACCELERATION. Above
        # about 6 m/s that is farther than 110 m, and such a leader counts late.
        sight = 4.5 * (JAM + speed * HEADWAY + speed**2 / (2 * (ACCELERATION * BRAKING) ** 0.5))
        own, other = self.follower, self.other
        between = (state.pose[other, :2] - state.pose[self.rows[chosen][own], :2]).norm(dim=-1)
        near = torch.nonzero(between < sight.clamp(max=100.0)[own] + 10.0).squeeze(-1)
        own, other = own[near], other[near]
        reach, at, heading = self._on_way(state, own, other, way)
        turn = state.pose[other, 2] - heading
        cos, sin = turn.cos(), turn.sin()
        along = (cos.abs() * state.size[other, 0] + sin.abs() * state.size[other, 1]) / 2
        across = (sin.abs() * state.size[other, 0] + cos.abs() * state.size[other, 1]) / 2
        width = state.size[self.rows[chosen], 1] / 2
        meets = (reach < across + width[own]) & (at > self.metres[chosen][own])
        distance = (at - along - front[own]).clamp(min=0.0)
        # The leader's speed along the way; one that comes towards the follower counts as standing.
        pace = state.velocity[other, 0] * heading.cos() + state.velocity[other, 1] * heading.sin()
        pace = pace.clamp(min=0)
        distance = distance.masked_fill(~meets, torch.inf)
        least = gap.scatter_reduce(0, own, distance, "amin")
        leads = meets & (distance <= least[own])
        approach = closing.masked_fill(least < gap, -torch.inf)
        approach = approach.scatter_reduce(0, own[leads], speed[own[leads]] - pace[leads], "amax")
        return least, approach

    def _on_way(
        self, state: AgentState, own: Tensor, other: Tensor, way: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Metres beside the follower's way, metres along it, and its heading there, of other agents."""
        size = max(1, _BUDGET // self.ways.points.shape[1])
        parts = []
        for some, them in zip(own.split(size), other.split(size), strict=True):
            place = state.pose[them, :2]
            way_of = way[some]
            gap = place[:, None] - self.ways.points[way_of]
            nearest = gap.square().sum(dim=-1).argmin(dim=1)
            pick = torch.arange(len(some), device=some.device)
            direction, gap = self.ways.direction[way_of, nearest], gap[pick, nearest]
            ahead = gap[:, 0] * direction[:, 0] + gap[:, 1] * direction[:, 1]
            beside = (gap[:, 1] * direction[:, 0] - gap[:, 0] * direction[:, 1]).abs()
            # Behind the first point or beyond the last one an agent is not beside the way.
            beside = torch.where(ahead.abs() > SPACING, gap.norm(dim=-1), beside)
            parts.append(
                (beside, nearest * SPACING + ahead, torch.atan2(direction[:, 1], direction[:, 0]))
            )
        if not parts:
            empty = state.pose.new_zeros(0)
            return empty, empty, empty
        return tuple(torch.cat(each) for each in zip(*parts, strict=True))


def _drawn_ways(
    draws: DrawKeys, scenes: SceneBatch, worlds: Worlds, rows: Tensor
) -> tuple[Ways, Int64[Tensor, "n"]]:
    """All ways that some row follows, and the number of each row's; -1 for rows without one."""
    numbers = np.full(len(rows), -1, np.int64)
    ways, known, drawn = [], {}, {}
    fastest = float(scenes.velocity[:, CURRENT].norm(dim=-1).clamp(min=DESIRED).max())
    length = fastest * SIMULATED * STEP_SECONDS + 10.0
    lanes: dict[int, Lanes] = {}
    starts: dict[int, tuple[int, float] | None] = {}
    for number, row in enumerate(rows.tolist()):
        agent = int(worlds.agent[row])
        scene = int(scenes.agent_scene[agent])
        if scene not in lanes:
            lanes[scene] = Lanes(scenes.map, scene)
        if agent not in starts:
            kind, pose = int(scenes.agent_class[agent]), scenes.pose[agent, CURRENT].cpu().numpy()
            starts[agent] = (
                None
                if kind == _PEDESTRIAN
                else lanes[scene].lane_of(pose[:2], float(pose[2]), kind == _CYCLIST)
            )
        if starts[agent] is None:
            continue

        def choose(fork: int, exits: int, row: int = row) -> int:
            if fork not in drawn:
                drawn[fork] = draws.uniform(fork)[:, 0].cpu().numpy()
            return int(drawn[fork][row] * exits)

        lane, place = starts[agent]
        followed = lanes[scene].follow(lane, place, length, choose)
        key = (agent, followed)
        if key not in known:
            known[key] = len(ways)
            ways.append(lanes[scene].way(followed, place, length))
        numbers[number] = known[key]
    if not ways:
        blank = torch.zeros(0, 2, 2)
        return Ways(blank, blank, torch.zeros(0, 1)), torch.from_numpy(numbers).to(rows.device)
    found = stacked(ways)
    return (
        Ways(*(each.to(rows.device) for each in (found.points, found.direction, found.red))),
        torch.from_numpy(numbers).to(rows.device),
    )
