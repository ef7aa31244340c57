"""Agents at one moment: boxes by class, the recording vehicle, trails, and what goes wrong."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from simagents.report.map_drawing import LIGHTS
from simagents.report.view import View, points_per_metre
from simagents.scenarios.incident_file import Incidents
from simagents.scenarios.scenario import CURRENT, STEP_SECONDS, AgentType, Scenario

RECORDER = "#c8102e"
CLASS_COLOURS = {
    AgentType.VEHICLE: "#0072b2",
    AgentType.PEDESTRIAN: "#8e5aa8",
    AgentType.CYCLIST: "#009e73",
}
"""What is no pedestrian or cyclist moves as a vehicle, and looks like one."""
PALE = 0.55
"""Share of white in the colour of agents that the metric does not score."""
TRAIL = 20
"""Steps of 0.1 s of the line behind an agent."""
# Shapes differ as well as colours.
COLLISION, OFF_ROAD = ("o", "#e66100"), ("D", "#111111")
CLEARANCE = 2.0
"""Metres between an agent's corners and the ring around it, both sides together."""


@dataclass(frozen=True, eq=False)
class Shown:
    """One rollout of one system."""

    label: str
    path: Float[np.ndarray, "A 81 3"]
    """x, y (m), heading (rad) of `Scenario.simulated`, from the current step on"""
    incidents: Incidents
    """of this rollout alone: R is 1"""

    @classmethod
    def of(
        cls,
        label: str,
        scenario: Scenario,
        rollout: Float[np.ndarray, "A 80 4"],
        incidents: Incidents,
    ) -> "Shown":
        """The logged pose now, and the simulated ones after it."""
        rows = scenario.simulated
        position, heading = scenario.position[rows, CURRENT, :2], scenario.heading[rows, CURRENT]
        now = np.concatenate([position, heading[:, None]], axis=1)[:, None]
        return cls(label, np.concatenate([now, rollout[..., [0, 1, 3]]], axis=1), incidents)

    def count(self, step: int) -> tuple[int, int]:
        """How many scored agents have collided, and left the road, up to a step, 0 to 80."""
        collision, off_road = (
            int(array[0, :, :step].any(axis=-1).sum())
            for array in (self.incidents.collision, self.incidents.off_road)
        )
        return collision, off_road


class Agents:
    """The agents of one rollout in `axes`; `show` moves them from moment to moment."""

    def __init__(self, axes: Axes, scenario: Scenario, view: View, shown: Shown, ring: float):
        """`axes` are framed. `ring` is the least size of marks around agents, in points."""
        self._view, self._shown = view, shown
        self._size = scenario.size[scenario.simulated, :2]
        colours = agent_colours(scenario)
        edges = np.full((len(colours), 3), 1.0)
        edges[scenario.simulated == scenario.sdc] = 0
        self._boxes = PolyCollection(
            [], facecolors=colours, edgecolors=edges, linewidths=0.4, zorder=3
        )
        self._noses = LineCollection(
            [], colors="white", linewidths=0.5, zorder=3.1, capstyle="butt"
        )
        self._trails = LineCollection([], colors=colours, linewidths=0.8, alpha=0.6, zorder=2)
        for collection in (self._trails, self._boxes, self._noses):
            axes.add_collection(collection, autolim=False)
        around = np.linalg.norm(self._size, axis=1) + CLEARANCE
        self._rings = np.maximum(around * points_per_metre(axes), ring) ** 2
        self._marks = [
            (
                axes.scatter(
                    [],
                    [],
                    marker=marker,
                    facecolors="none",
                    edgecolors=colour,
                    linewidths=ring / 8,
                    zorder=4,
                ),
                happens[0],
            )
            for (marker, colour), happens in (
                (COLLISION, shown.incidents.collision),
                (OFF_ROAD, shown.incidents.off_road),
            )
        ]

    def show(self, step: int) -> None:
        """The simulated step, 0 to 80; 0 is the logged current step, of which nothing is judged."""
        path, view = self._shown.path, self._view
        position, heading = path[:, step, :2], path[:, step, 2]
        outlines = view.local(corners(position, heading, self._size))
        self._boxes.set_verts(outlines)
        front = outlines[:, [0, 3]].mean(axis=1)
        middle = outlines.mean(axis=1)
        self._noses.set_segments(np.stack([middle, front], axis=1))
        self._trails.set_segments(view.local(path[:, max(0, step - TRAIL) : step + 1, :2]))
        for mark, happens in self._marks:
            now = happens[:, step - 1] if step else np.zeros(len(middle), dtype=bool)
            mark.set_offsets(middle[now])
            mark.set_sizes(self._rings[now])


def agent_colours(scenario: Scenario) -> Float[np.ndarray, "A 3"]:
    """Of the simulated agents by class, the recorder red, paler where the metric does not score them."""
    rows = scenario.simulated
    vehicle = CLASS_COLOURS[AgentType.VEHICLE]
    names = [CLASS_COLOURS.get(AgentType(kind), vehicle) for kind in scenario.agent_type[rows]]
    colours = np.array([to_rgb(name) for name in names])
    colours[rows == scenario.sdc] = to_rgb(RECORDER)
    unscored = ~np.isin(rows, scenario.evaluated)
    colours[unscored] += PALE * (1 - colours[unscored])
    return colours


def corners(
    position: Float[np.ndarray, "A 2"],
    heading: Float[np.ndarray, "A"],
    size: Float[np.ndarray, "A 2"],
) -> Float[np.ndarray, "A 4 2"]:
    """Corners of boxes of that length and width (m), counter-clockwise from front left."""
    along = np.stack([np.cos(heading), np.sin(heading)], axis=-1)[:, None]
    across = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)[:, None]
    front = np.array([1, -1, -1, 1])[:, None] * size[:, None, :1] / 2
    left = np.array([1, 1, -1, -1])[:, None] * size[:, None, 1:] / 2
    return position[:, None] + front * along + left * across


def seconds(step: int) -> str:
    """The time of a simulated step after the current one."""
    return f"{step * STEP_SECONDS:.1f} s"


def draw_key(figure: Figure, scenario: Scenario, fontsize: float, columns: int) -> None:
    """What the signs mean, at the lower left; of classes and lights those that the scene has."""
    box = {"linestyle": "none", "marker": "s", "markersize": 0.8 * fontsize, "markeredgewidth": 0.6}
    signs = {"recording vehicle": {"color": RECORDER, "markeredgecolor": "black", **box}}
    kinds = scenario.agent_type[scenario.simulated]
    for kind, colour in CLASS_COLOURS.items():
        if kind == AgentType.VEHICLE or (kinds == kind).any():
            signs[kind.name.lower()] = {"color": colour, "markeredgecolor": "white", **box}
    unscored = np.asarray(to_rgb(CLASS_COLOURS[AgentType.VEHICLE]))
    signs["pale: not scored, never marked"] = {
        "color": unscored + PALE * (1 - unscored), "markeredgecolor": "white", **box,
    }  # fmt: skip
    for name, (marker, colour) in {"collides": COLLISION, "off the road": OFF_ROAD}.items():
        signs[name] = {
            "linestyle": "none", "marker": marker, "markersize": fontsize * (0.8 if marker == "D" else 1),
            "markerfacecolor": "none", "markeredgecolor": colour, "markeredgewidth": fontsize / 7,
        }  # fmt: skip
    for name, (colour, marker, states) in LIGHTS.items():
        if np.isin(scenario.light_state[:, CURRENT:], states).any():
            signs[f"light: {name}"] = {
                "linestyle": "none", "marker": marker, "markersize": 0.6 * fontsize, "color": colour,
            }  # fmt: skip
    handles = [plt.Line2D([], [], **sign) for sign in signs.values()]
    figure.legend(
        handles, list(signs), loc="lower left", ncols=columns, bbox_to_anchor=(0, 0),
        borderaxespad=0.2, fontsize=fontsize, handletextpad=0.3, columnspacing=1.0, handlelength=1.2,
        frameon=False,
    )  # fmt: skip
