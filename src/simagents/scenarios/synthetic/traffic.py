"""Vehicles and bicycles that drive along routes.

Speed: the intelligent-driver model (Treiber, Hennecke and Helbing 2000, Phys. Rev. E 62, 1805),
behind the vehicle ahead and behind lines at which one has to wait. Unlike the paper, the
acceleration follows what the driver wants with a lag and some noise. Junctions: one asks at the
line, and enters when nobody who has entered before, or who has priority, is in the area of conflict
at the same time. Lanes are changed when the other lane has more room. Sideways a vehicle moves as a
function of the place only, so that it never slides while it stands.

All arrays are [N] or [N, N] (row: the one who looks), steps are 0.2 s.
"""

from dataclasses import dataclass

import numpy as np

from simagents.scenarios.synthetic.cast import Drivers
from simagents.scenarios.synthetic.network import Network, Rule
from simagents.scenarios.synthetic.routes import Routes

STEP = 0.2  # s
_NEVER = 1e9
_EAGER = 1.4  # acceleration with which one expects to enter, and others to arrive, m/s^2
_BRAKES = np.array([-1.0, 2.7, 8.0])
"""Braking, m/s^2, up to which drivers stop for green (never), amber and red."""
_LAZY = 0.5  # with which one expects others to leave, m/s^2


@dataclass
class Fleet:
    """Vehicles before they drive: routes, places (centre of the box), speeds, sizes and drivers."""

    route: np.ndarray
    place: np.ndarray
    speed: np.ndarray
    size: np.ndarray
    """[N, 3]: length, width, height"""
    drivers: Drivers


@dataclass
class Motion:
    """What came of it: route, place and speed at each step, [N, steps], and the lane changes."""

    route: np.ndarray
    place: np.ndarray
    speed: np.ndarray
    shift: np.ndarray
    """[N, 3]: metres left of the new lane when the change began, its place, its length"""
    changed_at: np.ndarray
    """the first recorded step on the new lane; behind the last one where no lane was changed"""


class Traffic:
    """State of all vehicles; `drive` moves it on."""

    def __init__(self, network: Network, routes: Routes, fleet: Fleet, colour, blocked, rng):
        """`colour` as in `lights.cycle`, `blocked` as in `walkers.occupied`, every 0.2 s."""
        self.network, self.routes, self.rng = network, routes, rng
        self.route, self.s, self.v = fleet.route.copy(), fleet.place.copy(), fleet.speed.copy()
        self.drivers, self.length = fleet.drivers, fleet.size[:, 0]
        count = len(self.s)
        self.a = np.zeros(count)
        self.noise = np.zeros(count)
        # One more row each, for routes without a light or a crosswalk: index -1 finds it.
        steps = colour.shape[1] if len(colour) else blocked.shape[1]
        self.colour = np.concatenate([colour, np.zeros((1, steps), colour.dtype)]).T.copy()
        self.blocked = np.concatenate([blocked, np.zeros((1, steps), bool)]).T.copy()
        self.changed = np.full(count, 1 << 30)
        self.shift = np.zeros((count, 3))
        self.shift[:, 2] = 1.0
        self.waited = np.full(count, _NEVER)
        self.held = np.zeros(count, bool)
        self.rows = np.arange(count)
        self.wide = any(lane.left is not None for lane in network.lanes)
        self.half_length = self.length / 2
        self.half = self.half_length[:, None] + self.half_length
        self.comfort = 1.0 / (2 * np.sqrt(self.drivers.push * self.drivers.brake))
        self.response = 1 - np.exp(-STEP / self.drivers.lag)
        self.gap, self.want = np.empty((2, count)), np.empty((2, count))
        self._on_routes(self.rows)
        self.granted = self.free_entry | (self.s > self.gate)

    def _on_routes(self, rows):
        """Look up what depends on the routes only; `rows` are those that have changed."""
        table, r = self.routes, self.route
        self.gate, self.second = table.gate[r], table.second_gate[r]
        self.signal, self.rank = table.signal[r], table.rank[r]
        rule = table.rule[r]
        self.free_entry = rule == Rule.NONE
        self.must_halt, self.has_light = rule == Rule.STOP, rule == Rule.SIGNAL
        self.crosswalk, self.second_crosswalk = table.crosswalk[r], table.second_crosswalk[r]
        if len(rows) == len(r):
            pair = r[:, None], r[None, :]
            self.offset = table.offset[pair]
            self.low, self.high = table.low[pair], table.high[pair]
            self.cross = table.cross[pair]
            return
        for i in rows:
            self.offset[i], self.offset[:, i] = table.offset[r[i], r], table.offset[r, r[i]]
            self.low[i], self.low[:, i] = table.low[r[i], r], table.low[r, r[i]]
            self.high[i], self.high[:, i] = table.high[r[i], r], table.high[r, r[i]]
            self.cross[i], self.cross[:, i] = table.cross[r[i], r], table.cross[r, r[i]]

    def drive(self, steps: int, skip: int) -> Motion:
        """Drive for `steps` steps and record all but the first `skip`."""
        kept = np.empty((3, steps - skip, len(self.s)))
        shocks = self.rng.standard_normal((steps, len(self.s))) * 0.11
        for t in range(steps):
            if t >= skip:
                kept[:, t - skip] = self.route, self.s, self.v
            if t % 2 == 0:
                self._ask(t)
            if t % 5 == 3 and self.wide:
                self._change_lanes(t)
            self._move(t, shocks[t])
        route, place, speed = kept.transpose(0, 2, 1)
        return Motion(route.astype(np.intp), place, speed, self.shift, self.changed - skip)

    def _leaders(self):
        """Free metres to the vehicle ahead and its speed."""
        there = self.s + self.offset
        ahead = there - self.s[:, None]
        seen = (ahead > 0) & (there > self.low) & (there < self.high)  # NaN is never seen
        gap = np.where(seen, ahead - self.half, _NEVER)
        who = gap.argmin(axis=1)
        return gap[self.rows, who], self.v[who]

    def _waits(self, t):
        """Free metres to the line at which one has to stop now."""
        front = self.s + self.half_length
        half_square = self.v * self.v / 2
        line = self.gate - front
        needed = half_square / np.maximum(line, 0.3)  # braking, m/s^2
        colour, blocked = self.colour[t][self.signal], self.blocked[t]
        closed = needed < _BRAKES[colour]
        # Who had leave to enter but can still stop for the light loses it.
        self.granted &= ~(closed & (line > 0.2) & self.has_light)
        closed |= blocked[self.crosswalk] & (needed < 5.0)
        closed |= ~self.granted
        wait = np.where(closed & (line > -1.0), line, _NEVER)
        line = self.second - front
        closed = blocked[self.second_crosswalk] & (line > -1.0)
        if closed.any():
            closed &= half_square / np.maximum(line, 0.3) < 5.0
            wait = np.minimum(wait, np.where(closed, line, _NEVER))
        self.held = closed & (line < 12.0)
        return wait

    def _move(self, t, shock):
        d, v = self.drivers, self.v
        k, part = self.routes.index(self.s)
        table = self.routes.speed
        here = table[self.route, k]
        wish = (here + part * (table[self.route, k + 1] - here)) * d.haste
        self.gap[0], lead = self._leaders()
        self.gap[1] = self._waits(t)
        closing = v * v * self.comfort
        self.want[0] = d.gap + np.maximum(0.0, v * d.headway + closing - v * lead * self.comfort)
        self.want[1] = 0.9 + 0.6 * v + closing
        ratio = v / wish
        ratio *= ratio
        press = (self.want / np.maximum(self.gap, 0.2)).max(axis=0)
        free = np.where(ratio < 1, d.push * (1 - ratio * ratio), np.maximum(-3.0, 2.2 * (wish - v)))
        acceleration = np.minimum(free, d.push * (1 - ratio * ratio - press * press))
        acceleration = np.maximum(acceleration, -7.5)
        self.noise = 0.85 * self.noise + shock
        acceleration += np.where((v > 1.0) & (acceleration > -2.0), self.noise, 0.0)
        self.a += (acceleration - self.a) * self.response
        speed = np.maximum(v + self.a * STEP, 0.0)
        # The model creeps for ever; people stop.
        still = (speed < 0.25) & (acceleration < 0.15)
        if still.any():
            speed[still] = np.maximum(0.0, v[still] - STEP)
            self.a[(speed == 0.0) & (self.a < 0)] = 0.0
        self.s = self.s + (v + speed) * (STEP / 2)
        self.v = speed

    def _ask(self, t):
        """Grant those who are near their line and may enter the junction."""
        if self.granted.all():
            return
        front = self.s + self.half_length
        line = self.gate - front
        halted = (self.v < 0.5) & (line < 4.0) & (line > -1.0)
        self.waited = np.where(halted & (self.waited == _NEVER), t, self.waited)
        near = ~self.granted & (line < self.v * self.v / 4.4 + 0.6 * self.v + 5.0) & (line > -2.0)
        near &= ~self.must_halt | (self.waited < t)
        near &= self.colour[t][self.signal] < 2
        near &= ~self.blocked[t][self.crosswalk]
        rows = np.flatnonzero(near)
        if not len(rows):
            return
        enter, leave, their_enter, their_leave = self.cross[rows].transpose(2, 0, 1)
        s, v, half = self.s[rows, None], self.v[rows, None], self.length[rows, None] / 2
        mine_in = _time(enter - s - half - 1.0, v, _EAGER)
        mine_out = _time(leave - s + half + 1.0, v, _EAGER * 0.7)
        rear = self.s - self.length / 2
        their_in = _time(their_enter - front - 1.0, self.v, _EAGER)
        rest = their_leave - rear + 1.0
        their_out = np.where(self.held, _NEVER, _time(rest, self.v, _LAZY))
        open_ = self.granted | (
            (self.rank > self.rank[rows, None])
            & (self.colour[t][self.signal] < 2)
            & (self.waited == _NEVER)
        )
        with np.errstate(invalid="ignore"):
            meets = (mine_in - 0.7 < their_out) & (their_in < mine_out + 1.2) & (rest > 0)
        free = ~(meets & open_).any(axis=1)
        order = np.lexsort((line[rows], self.waited[rows]))
        taken = []
        for k in order[free[order]]:
            i = rows[k]
            if all(np.isnan(self.cross[i, j, 0]) for j in taken):
                self.granted[i] = True
                taken.append(i)

    def _change_lanes(self, t):
        """Let one driver whose own lane is slow take the one beside it."""
        slow = (self.changed > t) & (self.v > 3.0) & ~self.routes.bicycle[self.route]
        rows = np.flatnonzero(slow & (self.s > -40) & (self.s < self.routes.length[self.route]))
        if not len(rows):
            return
        i = rows[self.rng.integers(len(rows))]
        room = self._room(self.route[i], self.s[i], i)[0]
        if room > 45.0 and self.rng.random() > 0.25:
            return
        for r, s in self._beside(i):
            ahead, behind, chase = self._room(r, s, i)
            safe = behind > 4.0 + chase * 0.8 + max(0.0, chase - self.v[i]) * 3.0
            if safe and ahead > max(room * 1.2, 8.0 + 1.2 * self.v[i]):
                self._take(i, r, s, t)
                return

    def _room(self, r, s, me):
        """Metres free ahead and behind at a place of a route, and the speed of who is behind."""
        there = self.s + self.routes.offset[r, self.route] - s
        there[me] = np.nan
        reach = (self.length + self.length[me]) / 2
        with np.errstate(invalid="ignore"):
            ahead = np.where(there >= 0, there - reach, _NEVER)
            behind = np.where(there < 0, -there - reach, _NEVER)
        last = behind.argmin()
        return ahead.min(), behind[last], self.v[last] if behind[last] < _NEVER else 0.0

    def _beside(self, i):
        """Routes on the lanes beside the vehicle's, with its place on them."""
        table, r, s = self.routes, self.route[i], self.s[i]
        begin = table.lane_start[r]
        lane = next((k for k in reversed(table.lanes[r]) if begin[k] <= s), table.lanes[r][0])
        here = self.network.lanes[lane]
        if here.inside or (
            here.exits and self.gate[i] - s < 35.0 + 2.0 * self.v[i] and self.gate[i] > s
        ):
            return
        pose = table.poses(r, s)
        for other in (here.left, here.right):
            if other is None:
                continue
            choices = np.flatnonzero(~np.isnan(table.lane_start[:, other]))
            # Once out of the junction, the lanes passed on the way there no longer matter.
            k = choices[self.rng.integers(len(choices))]
            place = s - begin[lane] + table.lane_start[k, other]
            for _ in range(
                3
            ):  # project onto the other route; in bends the first guess is metres off
                beside = table.poses(k, place)
                off = pose[:2] - beside[:2]
                place += off[0] * np.cos(beside[2]) + off[1] * np.sin(beside[2])
            yield k, place

    def _take(self, i, r, s, t):
        pose, target = self.routes.poses(self.route[i], self.s[i]), self.routes.poses(r, s)
        off = pose[:2] - target[:2]
        left = -off[0] * np.sin(target[2]) + off[1] * np.cos(target[2])
        self.shift[i] = left, s, max(18.0, self.rng.uniform(3.2, 4.6) * self.v[i])
        self.route[i], self.s[i] = r, s
        self.changed[i] = t + 1
        self._on_routes([i])
        self.granted[i] = self.free_entry[i] or self.s[i] > self.gate[i]


def _time(distance, speed, acceleration):
    """Seconds until a distance is covered, from a speed and with an acceleration; NaN stays NaN."""
    root = np.sqrt(speed * speed + 2 * acceleration * np.maximum(distance, 0.0))
    return (root - speed) / acceleration
