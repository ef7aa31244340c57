"""The scenarios in `golden/`, and how they were made.

    PYTHONPATH=tests python -m parity.embedded

writes them anew. They are kept as files, so a later generator does not touch the official values.
"""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from simagents.files import replacing
from simagents.geometry import rotate, wrap_angle
from simagents.scenarios.scenario import (
    CURRENT,
    AgentType,
    LaneType,
    LightState,
    MapKind,
    RoadEdgeType,
    Scenario,
)
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario

GOLDEN = Path(__file__).parent / "golden"


def read(name: str) -> tuple[Scenario, bytes]:
    """An embedded scenario and the proto that it comes from."""
    file = GOLDEN / name / "scenario.pb.gz"
    record = gzip.decompress(file.read_bytes())
    return decode_scenario(record, str(file)), record


def moved(scenario: Scenario, angle: float, dx: float, dy: float) -> Scenario:
    """The same scenario somewhere else: turned about the world's origin, then shifted."""
    cos, sin = np.cos(angle), np.sin(angle)

    def carried(points, by):
        out = points.astype(np.float64)
        x, y = rotate(out[..., 0].copy(), out[..., 1].copy(), cos, sin)
        out[..., 0], out[..., 1] = x + by[0], y + by[1]
        return out.astype(np.float32)

    return replace(
        scenario,
        position=carried(scenario.position, (dx, dy)),
        velocity=carried(scenario.velocity, (0, 0)),
        heading=wrap_angle(scenario.heading + angle).astype(np.float32),
        map_point=carried(scenario.map_point, (dx, dy)),
        light_stop=carried(scenario.light_stop, (dx, dy)),
    )


def turned() -> Scenario:
    """A street along the -x axis: headings of one direction wander across +-pi."""
    scenario = generate_scenario(7, 13)
    heading = np.median(scenario.heading[scenario.sdc, CURRENT:])
    return moved(scenario, np.pi - float(heading), 900.0, 300.0)


def alone() -> Scenario:
    """The recording vehicle by itself, with a road edge that is closed for the official code too."""
    scenario = generate_scenario(7, 48)
    rows = [scenario.sdc]
    names = ("agent_id", "agent_type", "to_predict", "of_interest", "position", "heading",
             "velocity", "valid", "size", "mean_size")  # fmt: skip
    return replace(scenario, sdc=0, **{name: getattr(scenario, name)[rows] for name in names})


def odd() -> Scenario:
    """What real logs have now and then and the generator has not.

    Evaluated agents: one of no known type, one of type OTHER, one without a future, one seen at every
    other step, one that appears at the current step, two in the same place. Road edges: of
    one point, of two, with a point given twice, a ring that is the longest of all, one above the
    road. Lights: one that is not listed for three seconds, one on a motorway.
    """
    scenario = generate_scenario(8, 5)
    here = scenario.position[scenario.sdc, CURRENT]
    around = np.linspace(0, 2 * np.pi, max(np.diff(scenario.map_start)) + 2)
    ring = here + 25 * np.stack([np.cos(around), np.sin(around), 0 * around], axis=-1)
    ring[-1] = ring[0]
    line = here + np.array([[-9.0, 4, 0], [-3, 4.5, 0], [-3, 4.5, 0], [5, 5, 0.2], [9, 3, 0.3]])
    two, above = line[:2] - np.array([0, 9, 0]), line[::-1] + np.array([1, -4, 6])
    scenario = _with_edges(scenario, [line[:1], two, line, ring, above])

    # In the order of tracks; the recording vehicle stays as it is.
    rows = scenario.evaluated[scenario.evaluated != scenario.sdc]
    unset, other, gone, blinking, late, twin = sorted(rows.tolist())[:6]
    kind, valid = scenario.agent_type.copy(), scenario.valid.copy()
    kind[unset], kind[other] = AgentType.UNSET, AgentType.OTHER
    valid[gone, CURRENT + 1 :] = False
    valid[blinking, CURRENT + 1 :: 2] = False
    valid[late, :CURRENT] = False
    position, heading = scenario.position.copy(), scenario.heading.copy()
    position[twin], heading[twin] = position[scenario.sdc], heading[scenario.sdc]
    position[~valid], heading[~valid] = 0, 0

    state, stop, kinds = (
        scenario.light_state.copy(),
        scenario.light_stop.copy(),
        scenario.map_type.copy(),
    )
    state[0, 20:50], stop[0, 20:50] = LightState.UNLISTED, 0
    kinds[scenario.map_id == scenario.light_lane[1]] = LaneType.FREEWAY
    return replace(
        scenario, agent_type=kind, valid=valid, position=position, heading=heading,
        light_state=state, light_stop=stop, map_type=kinds,
    )  # fmt: skip


def _with_edges(scenario: Scenario, lines: list[np.ndarray]) -> Scenario:
    """The same map with further road edges at its end."""
    ids = scenario.map_id.max() + 1 + np.arange(len(lines))
    ends = scenario.map_start[-1] + np.cumsum([len(line) for line in lines])
    more = np.full(len(lines), 1, np.uint8)
    return replace(
        scenario,
        map_id=np.append(scenario.map_id, ids),
        map_kind=np.append(scenario.map_kind, more * MapKind.ROAD_EDGE),
        map_type=np.append(scenario.map_type, more * RoadEdgeType.BOUNDARY),
        map_start=np.append(scenario.map_start, ends),
        map_point=np.concatenate([scenario.map_point, *lines]).astype(np.float32),
        speed_limit=np.append(scenario.speed_limit, np.zeros(len(lines), np.float32)),
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "signal": lambda: generate_scenario(7, 54),  # 15 agents at a junction with lights
    "roundabout": lambda: generate_scenario(7, 56),  # 4 pedestrians evaluated, 9 closed road edges
    "crowd": lambda: generate_scenario(8, 114),  # 47 agents, lights
    "mixed": lambda: generate_scenario(7, 48),  # 2 pedestrians, 2 cyclists evaluated
    "few": lambda: generate_scenario(7, 69),  # 8 agents
    "alone": alone,
    "turned": turned,
    # As far from the origin as WOMD's farthest: a step of float32 is a millimetre there.
    "far": lambda: moved(generate_scenario(7, 117), 0.0, -9500.0, 9300.0),
    "odd": odd,
}
"""By name: what each is there for."""

CASES = {
    "signal": ("log", "noise", "velocity", "walk", "warp", "red"),
    "roundabout": ("noise", "walk", "warp"),
    "crowd": ("noise", "walk"),
    "mixed": ("log", "velocity", "walk"),
    "few": ("noise", "warp"),
    "alone": ("walk", "warp"),
    "turned": ("noise", "walk", "warp"),
    "far": ("noise", "walk", "red"),
    "odd": ("log", "noise", "walk", "red"),
}
"""By scenario: the policies that the official evaluator has scored on it."""


def main() -> None:
    """Write `golden/*/scenario.pb.gz`."""
    for name, make in SCENARIOS.items():
        with replacing(GOLDEN / name / "scenario.pb.gz") as temporary:
            # No date in the file: the same scenario gives the same bytes.
            temporary.write_bytes(gzip.compress(encode_scenario(make()), 9, mtime=0))


if __name__ == "__main__":
    main()
