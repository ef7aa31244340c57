"""Figure: one scene as several systems simulate it, the same part of the world in every panel.

The recording vehicle is in the middle and heads to the right.
"""

from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from jaxtyping import Float, Float32
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from simagents.config.figures import Rollouts
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.map_drawing import draw_map
from simagents.report.rows import Row
from simagents.report.view import View
from simagents.scenarios.rollout_file import RolloutFile
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import ScenarioStore

Trajectories = Float32[np.ndarray, "R A 80 4"]

FAINT = 6
"""Rollouts drawn faintly beside the first."""
MOVES = 1.5
"""Metres; agents that stay nearer to their place in every panel are drawn without a colour."""
DOT_STEPS = 5
"""Steps of 0.1 s between dots."""
NEAR, FAR = 40.0, 64.0
"""Metres from the recording vehicle to the right border of the picture, at least and at most."""
ASPECT = 0.66
"""Height of a panel over its width."""
GAP, TITLE, KEY = 0.1, 0.2, 0.22
"""Inches between panels, over each of them, and for the line under them all."""

RECORDER = "#c8102e"
STILL = "#a9a9a9"
GOAL = {
    "marker": "*",
    "markersize": 9,
    "color": "#f2c100",
    "markeredgecolor": "black",
    "markeredgewidth": 0.5,
}


@dataclass(frozen=True)
class Panel:
    """One picture of the scene."""

    title: str
    trajectories: Trajectories
    """of the agents of `Scenario.simulated`"""
    goal: Float[np.ndarray, "2 2"] | None = None
    """where the agent with a goal is now, and the goal; metres in the world frame"""


def read_pictures(
    rows: list[Row], paths: list[Path], store: ScenarioStore
) -> tuple[Scenario, list[Trajectories]]:
    """The scene and, per row, the trajectories of its first system, as `Scenario.simulated` has it.

    Raises InputError where a system has no pictures, where no scene is common to all, and where
    agents are not those of the scene.
    """
    holders: dict[str, dict[str, RolloutFile]] = {row.systems[0]: {} for row in rows}
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; evaluate with --pictures first.")
        file = RolloutFile(path)
        for scene in file.ids:
            holders.setdefault(path.parts[-3], {})[scene] = file
    scenes_of_rows = [holders[row.systems[0]] for row in rows]
    for row, scenes in zip(rows, scenes_of_rows, strict=True):
        if not scenes:
            raise InputError(
                f"{row.label}: no pictures of {row.systems[0]} given; set compute.pictured."
            )
    common = [scene for scene in store.ids if all(scene in scenes for scenes in scenes_of_rows)]
    if not common:
        raise InputError("no scene of these shards is pictured by every system.")
    scenario = store[common[0]]
    trajectories = []
    for row, scenes in zip(rows, scenes_of_rows, strict=True):
        picture = scenes[scenario.id].read(scenario.id)
        trajectories.append(as_simulated(scenario, *picture, row.label))
    return scenario, trajectories


def as_simulated(
    scenario: Scenario, object_id: np.ndarray, rollouts: np.ndarray, label: str
) -> Trajectories:
    """Rollouts with agents in the order of `Scenario.simulated`. Raises InputError for other agents."""
    ids = scenario.agent_id[scenario.simulated]
    if not np.array_equal(np.sort(object_id), np.sort(ids)):
        raise InputError(
            f"{label}: its picture has other agents than the scenario; give the shards"
            " that were evaluated."
        )
    return rollouts[:, np.argsort(object_id)[np.argsort(np.argsort(ids))]]


def draw(settings: Rollouts, inputs: FigureInputs) -> Figure:
    """The first scene, in the order of the shards, that every system has a picture of.

    One panel per row, with the row's first system; colours are agents, the same in every panel.
    Raises InputError as `read_pictures` does.
    """
    store = ScenarioStore(inputs.scenarios)
    scenario, trajectories = read_pictures(inputs.rows, inputs.pictures, store)
    titles = [row.label for row in inputs.rows]
    return panels(scenario, [Panel(*both) for both in zip(titles, trajectories, strict=True)])


def panels(scenario: Scenario, shown: list[Panel]) -> Figure:
    """One scene, panel by panel, in the same part of the world and with the same colours.

    Goals and the agents that have them are in the middle, else the recording vehicle.
    """
    trajectories = [panel.trajectories for panel in shown]
    columns = {1: 1, 2: 2, 4: 2}.get(len(shown), 3)
    lines = -(-len(shown) // columns)
    width = (TEXT_WIDTH - GAP * (columns - 1)) / columns
    height = width * ASPECT
    goals = [panel.goal for panel in shown if panel.goal is not None]
    goal = bool(goals)
    total = lines * (height + TITLE) + KEY * (1 + goal)
    figure = plt.figure(figsize=(TEXT_WIDTH, total))
    view = _view_of(scenario, np.concatenate(goals)) if goal else _view(scenario, trajectories)
    colours = _colours(scenario, trajectories)
    for place, panel in enumerate(shown):
        line, column = divmod(place, columns)
        left, bottom = column * (width + GAP), total - (line + 1) * (height + TITLE)
        axes = figure.add_axes(
            (left / TEXT_WIDTH, bottom / total, width / TEXT_WIDTH, height / total)
        )
        view.frame(axes)
        axes.set_title(panel.title, pad=3)
        draw_map(axes, scenario, view)
        _agents(axes, scenario, view, panel.trajectories, colours)
        if panel.goal is not None:
            _goal(axes, view, panel.goal)
        if place == 0:
            _scale_bar(axes, view)
    _key(figure, columns, goal=goal)
    return figure


def _view(scenario: Scenario, trajectories: list[Trajectories]) -> View:
    """As much of the world as the scored agents need in their first rollouts, within reason."""
    centre = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
    whole = View(centre, float(scenario.heading[scenario.sdc, CURRENT]), NEAR, NEAR * ASPECT)
    rows = np.searchsorted(scenario.simulated, scenario.evaluated)
    reach = [
        np.abs(whole.local(rollouts[0, rows, :, :2])) / (1, ASPECT) for rollouts in trajectories
    ]
    half = float(np.clip(np.max(reach) + 4, NEAR, FAR))
    return View(centre, whole.heading, half, half * ASPECT)


def _view_of(scenario: Scenario, points: Float[np.ndarray, "n 2"]) -> View:
    """As much of the world as these points need, within the same limits; the recorder heads right."""
    heading = float(scenario.heading[scenario.sdc, CURRENT])
    turned = View(np.zeros(2), heading, NEAR, NEAR * ASPECT).local(points.astype(np.float64))
    middle, reach = (turned.min(axis=0) + turned.max(axis=0)) / 2, np.ptp(turned, axis=0) / 2
    cos, sin = np.cos(heading), np.sin(heading)
    centre = np.array([cos * middle[0] - sin * middle[1], sin * middle[0] + cos * middle[1]])
    half = float(np.clip(np.max(reach / (1, ASPECT)) + 8, NEAR, FAR))
    return View(centre, heading, half, half * ASPECT)


def _colours(scenario: Scenario, trajectories: list[Trajectories]) -> list[str]:
    """One colour per simulated agent: the recorder red, those that never move grey."""
    start = scenario.position[scenario.simulated, CURRENT, :2]
    moves = np.zeros(len(start), dtype=bool)
    for rollouts in trajectories:
        shift = np.linalg.norm(rollouts[: 1 + FAINT, ..., :2] - start[:, None], axis=-1)
        moves |= shift.max(axis=(0, -1)) > MOVES
    # Given out by distance from the recorder, so that neighbours in its path differ.
    palette = sns.color_palette(
        ["#0072b2", "#e69f00", "#009e73", "#8e5aa8", "#56b4e9", "#b5651d", "#7a8b1f", "#d16ba5"]
    ).as_hex()
    distance = np.linalg.norm(start - scenario.position[scenario.sdc, CURRENT, :2], axis=-1)
    colours, coloured = [STILL] * len(start), 0
    for agent in np.argsort(distance, kind="stable"):
        if scenario.simulated[agent] == scenario.sdc:
            colours[agent] = RECORDER
        elif moves[agent]:
            colours[agent] = palette[coloured % len(palette)]
            coloured += 1
    return colours


def _agents(
    axes: Axes, scenario: Scenario, view: View, rollouts: Trajectories, colours: list[str]
) -> None:
    """Boxes where agents are now, their first rollout with dots, and a few others faintly."""
    rows = scenario.simulated
    position, heading = scenario.position[rows, CURRENT, :2], scenario.heading[rows, CURRENT]
    boxes = view.local(corners(position, heading, scenario.size[rows, :2]))
    for agent, colour in enumerate(colours):
        sdc = rows[agent] == scenario.sdc
        axes.add_patch(
            Polygon(
                boxes[agent],
                facecolor=colour,
                edgecolor="black" if sdc else "white",
                linewidth=0.6 if sdc else 0.3,
                zorder=4 if sdc else 3,
            )
        )
        if colour == STILL:
            continue
        now = np.broadcast_to(position[agent], (len(rollouts), 1, 2))
        paths = view.local(np.concatenate([now, rollouts[:, agent, :, :2]], axis=1))
        axes.add_collection(
            LineCollection(
                paths[1 : 1 + FAINT], colors=colour, alpha=0.3, linewidths=0.4, zorder=2
            ),
            autolim=False,
        )
        axes.plot(*paths[0].T, color=colour, linewidth=0.9, zorder=2.5)
        axes.plot(
            *paths[0, DOT_STEPS::DOT_STEPS].T, color=colour, linestyle="none", marker="o",
            markersize=1.9, markeredgewidth=0, zorder=2.6,
        )  # fmt: skip
        end = rollouts[0, agent, -1]
        outline = corners(end[None, :2], end[None, 3], scenario.size[rows[agent], None, :2])[0]
        axes.add_patch(
            Polygon(
                view.local(outline), facecolor="none", edgecolor=colour, linewidth=0.6, zorder=2.7
            )
        )


def _goal(axes: Axes, view: View, goal: Float[np.ndarray, "2 2"]) -> None:
    line = view.local(goal).T
    axes.plot(*line, color="black", linewidth=0.6, linestyle=(0, (1, 2)), zorder=5)
    axes.plot(*line[:, 1:], linestyle="none", zorder=6, **GOAL)


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


def _scale_bar(axes: Axes, view: View) -> None:
    """A bar of 20 m in the lower left corner, on a ground that keeps it legible."""
    length = 20
    share = length / (2 * view.half_width)
    axes.add_patch(
        Polygon(
            [(0.02, 0.02), (share + 0.06, 0.02), (share + 0.06, 0.14), (0.02, 0.14)],
            transform=axes.transAxes,
            facecolor="white",
            alpha=0.85,
            edgecolor="none",
            zorder=5,
        )
    )
    axes.plot(
        [0.04, 0.04 + share], [0.04, 0.04], transform=axes.transAxes, color="black", linewidth=1.2,
        solid_capstyle="butt", zorder=6,
    )  # fmt: skip
    axes.text(
        0.04 + share / 2, 0.052, f"{length} m", transform=axes.transAxes, ha="center", va="bottom",
        fontsize=7, zorder=6,
    )  # fmt: skip


def _key(figure: Figure, columns: int, *, goal: bool) -> None:
    """What the signs mean, in one line under the panels."""
    box = {"linestyle": "none", "marker": "s", "markersize": 5, "markeredgewidth": 0.6}
    blue = "#0072b2"
    signs = {
        "recording vehicle": {"color": RECORDER, "markeredgecolor": "black", **box},
        "moving agent": {"color": blue, "markeredgecolor": "white", **box},
        "agent at rest": {"color": STILL, "markeredgecolor": "white", **box},
        "a rollout, dots 0.5 s apart": {
            "color": blue, "linewidth": 0.9, "marker": "o", "markersize": 1.9,
        },
        "others": {"color": blue, "linewidth": 0.4, "alpha": 0.5},
        "pose after 8 s": {"markerfacecolor": "none", "markeredgecolor": blue, **box},
    }  # fmt: skip
    if goal:
        signs["goal, of the agent at the dotted line"] = {
            "linestyle": "none", **GOAL, "markersize": 6,
        }  # fmt: skip
    handles = [plt.Line2D([], [], **sign) for sign in signs.values()]
    figure.legend(
        handles, list(signs), loc="lower left", ncols=6 if columns > 1 and not goal else 4 - (columns == 1),
        bbox_to_anchor=(0, 0), borderaxespad=0, fontsize=7, handletextpad=0.4, columnspacing=1.1,
        handlelength=1.4,
    )  # fmt: skip
