"""A scenario's map on paper: asphalt, lines, edges, crosswalks, signs and lights."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon

from simagents.report.view import View, points_per_metre
from simagents.scenarios.scenario import (
    CURRENT,
    LaneType,
    LightState,
    MapKind,
    RoadLineType,
    Scenario,
)

LANE_WIDTH, BIKE_LANE_WIDTH = 3.7, 1.6
"""Metres. WOMD gives centre lines only; so broad strokes along them look like the road."""
STRIPE = 0.6
"""Metres of paint, and of gap, in a crosswalk."""

ASPHALT, BIKE_PATH, PRIVATE = "#ececec", "#e3ebe3", "#f5f5f5"
CROSSING, BUMP = "#dddddd", "#dcdcdc"
EDGE, WHITE_LINE, YELLOW_LINE, SIGN = "#555555", "#ffffff", "#e0b13c", "#b5382f"
LIGHTS = {
    "stop": ("#c0392b", "s", (LightState.STOP, LightState.ARROW_STOP, LightState.FLASHING_STOP)),
    "caution": (
        "#e0a800", "^", (LightState.CAUTION, LightState.ARROW_CAUTION, LightState.FLASHING_CAUTION),
    ),
    "go": ("#3a9d5d", "o", (LightState.GO, LightState.ARROW_GO)),
}  # fmt: skip
"""Colour, marker (for readers who confuse red and green) and states of what a light says."""
BROKEN = {
    RoadLineType.BROKEN_SINGLE_WHITE,
    RoadLineType.BROKEN_SINGLE_YELLOW,
    RoadLineType.BROKEN_DOUBLE_YELLOW,
}
YELLOW = {
    RoadLineType.BROKEN_SINGLE_YELLOW,
    RoadLineType.BROKEN_DOUBLE_YELLOW,
    RoadLineType.SOLID_SINGLE_YELLOW,
    RoadLineType.SOLID_DOUBLE_YELLOW,
    RoadLineType.PASSING_DOUBLE_YELLOW,
}


def draw_map(axes: Axes, scenario: Scenario, view: View) -> None:
    """The part of the map that `view` shows, in `axes` that it has framed, with lights as they are now.

    Widths are in metres, so that they keep their proportion to the vehicles.
    """
    draw_ground(axes, scenario, view)
    Lights(axes, scenario, view).show(CURRENT)


def draw_ground(axes: Axes, scenario: Scenario, view: View) -> None:
    """The same without lights: what never changes."""
    point = points_per_metre(axes)
    lanes, paths = [], []
    for feature, line in _visible(view, scenario, MapKind.LANE):
        (paths if scenario.map_type[feature] == LaneType.BIKE_LANE else lanes).append(line)
    for _, outline in _visible(view, scenario, MapKind.DRIVEWAY):
        axes.add_patch(Polygon(outline, facecolor=PRIVATE, edgecolor="none", zorder=0.4))
    _strokes(axes, paths, BIKE_PATH, BIKE_LANE_WIDTH * point, zorder=0.5)
    _strokes(axes, lanes, ASPHALT, LANE_WIDTH * point, zorder=0.6)
    for _, outline in _visible(view, scenario, MapKind.SPEED_BUMP):
        bump = Polygon(outline, facecolor=BUMP, edgecolor="#c4c4c4", hatch="////", linewidth=0)
        axes.add_patch(bump).set_zorder(0.7)
    for _, outline in _visible(view, scenario, MapKind.CROSSWALK):
        _crosswalk(axes, outline, point)
    for feature, line in _visible(view, scenario, MapKind.ROAD_LINE):
        _road_line(axes, line, RoadLineType(scenario.map_type[feature]), point)
    edges = [line for _, line in _visible(view, scenario, MapKind.ROAD_EDGE)]
    _strokes(axes, edges, EDGE, 0.6, zorder=1.2)
    signs = [line[0] for _, line in _visible(view, scenario, MapKind.STOP_SIGN)]
    if signs:
        axes.plot(
            *np.stack(signs).T, linestyle="none", marker="8", markersize=4, color=SIGN,
            markeredgecolor="white", markeredgewidth=0.4, zorder=1.4,
        )  # fmt: skip


def _visible(view: View, scenario: Scenario, kind: MapKind) -> Iterator[tuple[int, np.ndarray]]:
    """Features of one kind that reach into the picture, as (row, points [n, 2] in the picture)."""
    for feature in np.flatnonzero(scenario.map_kind == kind):
        line = view.local(scenario.polyline(int(feature))[:, :2])
        if view.sees(line, margin=LANE_WIDTH):
            yield int(feature), line


def _strokes(axes: Axes, lines: list[np.ndarray], colour: str, width: float, zorder: float) -> None:
    axes.add_collection(
        LineCollection(lines, colors=colour, linewidths=width, zorder=zorder, capstyle="butt"),
        autolim=False,
    )


def _road_line(
    axes: Axes, line: Float[np.ndarray, "n 2"], kind: RoadLineType, point: float
) -> None:
    """Paint: white on the asphalt, or yellow; broken lines in dashes of 3 m with gaps of 6 m."""
    width = 0.55
    dash = (0, (3 * point / width, 6 * point / width)) if kind in BROKEN else "solid"
    axes.plot(
        *line.T, color=YELLOW_LINE if kind in YELLOW else WHITE_LINE, linewidth=width,
        linestyle=dash, dash_capstyle="butt", zorder=1.0,
    )  # fmt: skip


def _crosswalk(axes: Axes, outline: Float[np.ndarray, "n 2"], point: float) -> None:
    """Stripes across the longer axis of the outline, cut off at its border."""
    area = Polygon(outline, facecolor=CROSSING, edgecolor="none", zorder=0.8)
    axes.add_patch(area)
    stripes = LineCollection(
        stripes_of(outline),
        colors="white",
        linewidths=STRIPE * point,
        zorder=0.9,
        capstyle="butt",
    )
    axes.add_collection(stripes, autolim=False)
    stripes.set_clip_path(area)


def stripes_of(outline: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "m 2 2"]:
    """Middle lines of the stripes of a crosswalk, long enough to be cut off at its outline (m)."""
    middle = outline.mean(axis=0)
    _, _, directions = np.linalg.svd(outline - middle)
    along, across = directions
    reach = np.abs((outline - middle) @ directions.T).max(axis=0)
    places = np.arange(-reach[0] + STRIPE / 2, reach[0], 2 * STRIPE)[:, None]
    ends = [middle + places * along + side * reach[1] * across for side in (-1, 1)]
    return np.stack(ends, axis=1)


class Lights:
    """Stop points of signals, each in the colour and shape of what it says at one logged step."""

    def __init__(self, axes: Axes, scenario: Scenario, view: View):
        self._scenario, self._view = scenario, view
        self._marks = [
            axes.plot(
                [], [], linestyle="none", marker=marker, markersize=2.9, color=colour,
                markeredgecolor="white", markeredgewidth=0.3, zorder=1.5,
            )[0]
            for colour, marker, _ in LIGHTS.values()
        ]  # fmt: skip

    def show(self, step: int) -> None:
        """The state at a step of the log, 0 to 90; signals that the step does not list vanish."""
        for mark, (_, _, states) in zip(self._marks, LIGHTS.values(), strict=True):
            shown = np.isin(self._scenario.light_state[:, step], states)
            mark.set_data(*self._view.local(self._scenario.light_stop[shown, step, :2]).T)
