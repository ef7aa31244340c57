"""Scenes and rollouts for the page, small: rounded to centimetres, as base64 of whole numbers.

`page/decode.js` reads what is written here. All places are in the frame of the recording vehicle at
the current step: x ahead, y to the left, metres.
"""

from base64 import b64encode
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from simagents.gallery.named_files import Named
from simagents.report.agent_drawing import CLASS_COLOURS, Shown
from simagents.report.map_drawing import BROKEN, LIGHTS, YELLOW, stripes_of
from simagents.report.view import View, view_ahead
from simagents.scenarios.scenario import CURRENT, AgentType, LaneType, MapKind, Scenario

METRES, RADIANS = 0.01, 1e-4
"""Units of places and headings; an error is half of it at most."""
REACH = 160.0
"""Metres around the recording vehicle within which the page has a map."""
CLASSES = list(CLASS_COLOURS)
_STYLES = {
    MapKind.ROAD_EDGE: "edge",
    MapKind.STOP_SIGN: "stop_sign",
    MapKind.CROSSWALK: "crosswalk",
    MapKind.SPEED_BUMP: "speed_bump",
    MapKind.DRIVEWAY: "driveway",
}


def pack(numbers: Float[np.ndarray, "*N"], unit: float) -> dict[str, Any]:
    """Numbers in whole units, in 2 bytes each where all fit, else in 4."""
    whole = np.rint(numbers / unit)
    kind = "int16" if np.abs(whole).max(initial=0) < 2**15 else "int32"
    data = b64encode(whole.astype(kind).astype(f"<i{int(kind[3:]) // 8}").tobytes()).decode()
    return {"type": kind, "unit": unit, "data": data}


def pack_bits(flags: Bool[np.ndarray, "*N"]) -> str:
    """Eight flags a byte, the first in its lowest bit."""
    return b64encode(np.packbits(flags.ravel(), bitorder="little").tobytes()).decode()


def packed_scene(scenario: Scenario, systems: list[Named], most: int) -> dict[str, Any]:
    """A scene with at most so many rollouts of each system; equal rollouts are kept once."""
    view = view_ahead(scenario, REACH, 1.0)
    rows = scenario.simulated
    vehicle = CLASSES.index(AgentType.VEHICLE)
    kinds = [AgentType(kind) for kind in scenario.agent_type[rows]]
    return {
        "id": scenario.id,
        "map": _map(scenario, view),
        "agents": {
            "kind": [CLASSES.index(kind) if kind in CLASSES else vehicle for kind in kinds],
            "recorder": int(np.flatnonzero(rows == scenario.sdc)[0]),
            "scored": np.isin(rows, scenario.evaluated).astype(int).tolist(),
            "size": pack(scenario.size[rows, :2], METRES),
        },
        "lights": _lights(scenario, view),
        "systems": [_system(system, scenario, view, most) for system in systems],
    }


def _system(system: Named, scenario: Scenario, view: View, most: int) -> dict[str, Any]:
    rollouts = system.rollouts(scenario, most)
    if (rollouts == rollouts[:1]).all():
        rollouts = rollouts[:1]
    incidents = system.judged(scenario, rollouts)
    path = np.stack([Shown.of("", scenario, rollout, incidents).path for rollout in rollouts])
    turned = path[..., 2] - view.heading
    return {
        "label": system.label,
        "rollouts": len(rollouts),
        "position": pack(view.local(path[..., :2]), METRES),
        "heading": pack((turned + np.pi) % (2 * np.pi) - np.pi, RADIANS),
        "collision": pack_bits(incidents.collision),
        "off_road": pack_bits(incidents.off_road),
    }


def _map(scenario: Scenario, view: View) -> dict[str, Any]:
    """Lines and outlines by style; the stripes of a crosswalk follow it."""
    styles, lines = [], []
    for feature in range(len(scenario.map_kind)):
        line = view.local(scenario.polyline(feature)[:, :2])
        if not len(line) or not view.sees(line, margin=0.0):
            continue
        kind = MapKind(scenario.map_kind[feature])
        parts = [(_style(kind, int(scenario.map_type[feature])), line)]
        if kind is MapKind.CROSSWALK:
            parts += [("stripe", stripe) for stripe in stripes_of(line)]
        for style, part in parts:
            styles.append(style)
            lines.append(part)
    points = np.concatenate(lines) if lines else np.zeros((0, 2))
    start = np.cumsum([0, *map(len, lines)]).tolist()
    return {"style": styles, "start": start, "points": pack(points, METRES)}


def _style(kind: MapKind, subtype: int) -> str:
    if kind is MapKind.LANE:
        return "bike_lane" if subtype == LaneType.BIKE_LANE else "lane"
    if kind is MapKind.ROAD_LINE:
        return ("yellow" if subtype in YELLOW else "white") + "_broken" * (subtype in BROKEN)
    return _STYLES[kind]


def _lights(scenario: Scenario, view: View) -> dict[str, Any]:
    """Signals that the log lists from the current step on: where, and what each says at each step."""
    state = scenario.light_state[:, CURRENT:]
    says = np.full(state.shape, None, dtype=object)
    for name, (_, _, states) in LIGHTS.items():
        says[np.isin(state, states)] = name
    listed = [row for row, words in enumerate(says) if any(words)]
    stops = [
        scenario.light_stop[row, CURRENT + next(i for i, word in enumerate(says[row]) if word), :2]
        for row in listed
    ]
    places = view.local(np.array(stops)) if stops else np.zeros((0, 2))
    return {"stop": pack(places, METRES), "says": says[listed].tolist()}
