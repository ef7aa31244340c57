"""Figure: one scene as several systems simulate it, the same part of the world in every panel.

The recording vehicle is in the middle and heads to the right.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from simagents.config.figures import Rollouts
from simagents.report.agent_drawing import RECORDER, corners
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.kept_rollouts import read_pictures
from simagents.report.map_drawing import draw_map
from simagents.report.view import FAR, NEAR, View, draw_scale, view_of_scored
from simagents.scenarios.rollout_file import Trajectories
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import ScenarioStore

FAINT = 6
"""Rollouts drawn faintly beside the first."""
MOVES = 1.5
"""Metres; agents that stay nearer to their place in every panel are drawn without a colour."""
DOT_STEPS = 5
"""Steps of 0.1 s between dots."""
ASPECT = 0.66
"""Height of a panel over its width."""
GAP, TITLE, KEY = 0.1, 0.2, 0.22
"""Inches between panels, over each of them, and for the line under them all."""

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
    firsts = [rollouts[0, ..., :2] for rollouts in trajectories]
    columns = {1: 1, 2: 2, 4: 2}.get(len(shown), 3)
    lines = -(-len(shown) // columns)
    width = (TEXT_WIDTH - GAP * (columns - 1)) / columns
    height = width * ASPECT
    goals = [panel.goal for panel in shown if panel.goal is not None]
    goal = bool(goals)
    total = lines * (height + TITLE) + KEY * (1 + goal)
    figure = plt.figure(figsize=(TEXT_WIDTH, total))
    view = (
        _view_of(scenario, np.concatenate(goals))
        if goal
        else view_of_scored(scenario, firsts, ASPECT)
    )
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
            draw_scale(axes, view)
    _key(figure, columns, goal=goal)
    return figure


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
