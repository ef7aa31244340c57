"""`simagents browse`: one page, without network, that plays the kept rollouts of several systems."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from tqdm import tqdm

from simagents.errors import InputError
from simagents.files import replacing
from simagents.gallery.named_files import named_files, scenes_of
from simagents.gallery.packing import CLASSES, packed_scene
from simagents.report import map_drawing
from simagents.report.agent_drawing import (
    CLASS_COLOURS,
    CLEARANCE,
    COLLISION,
    OFF_ROAD,
    PALE,
    RECORDER,
    TRAIL,
)
from simagents.scenarios.scenario import SIMULATED, STEP_SECONDS
from simagents.scenarios.store import ScenarioStore

HALF_WIDTH = 56.0
"""Metres from the middle of a panel to its border, before anyone zooms."""
COLOURS = {
    "ground": "#ffffff",
    "ink": "#111111",
    "recorder": RECORDER,
    "classes": [CLASS_COLOURS[kind] for kind in CLASSES],
    "pale": PALE,
    "collision": COLLISION,
    "off_road": OFF_ROAD,
    "clearance": CLEARANCE,
    "trail": TRAIL,
    "lights": {name: (colour, marker) for name, (colour, marker, _) in map_drawing.LIGHTS.items()},
    "lane": map_drawing.ASPHALT,
    "bike_lane": map_drawing.BIKE_PATH,
    "driveway": map_drawing.PRIVATE,
    "speed_bump": map_drawing.BUMP,
    "crosswalk": map_drawing.CROSSING,
    "white": map_drawing.WHITE_LINE,
    "yellow": map_drawing.YELLOW_LINE,
    "edge": map_drawing.EDGE,
    "sign": map_drawing.SIGN,
    "lane_width": map_drawing.LANE_WIDTH,
    "bike_lane_width": map_drawing.BIKE_LANE_WIDTH,
    "stripe_width": map_drawing.STRIPE,
}
DARK = {
    "ground": "#16181b",
    "ink": "#f2f2f2",
    "recorder": "#ff5a6e",
    "classes": ["#4aa8e8", "#c39adb", "#2fc79a"],
    "collision": (COLLISION[0], "#ff9a3d"),
    "off_road": (OFF_ROAD[0], "#ffffff"),
    "lane": "#2c3035",
    "bike_lane": "#26332b",
    "driveway": "#212428",
    "speed_bump": "#3a3f45",
    "crosswalk": "#3a3f45",
    "white": "#7c838b",
    "yellow": "#a3812f",
    "edge": "#a0a0a0",
}
"""What differs where the reader's system is dark."""
NOTE = (
    "Marks are the metric's own: it judges the scored agents (the recording vehicle and those to"
    " predict), pedestrians included, at the steps at which the log sees them. Lights are as logged."
    " A line behind an agent is its last two seconds. A system whose rollouts are all equal, such as"
    " the log, has one."
)


@dataclass
class Args:
    """Write one HTML file with the scenes that all systems keep, in the order of the shards."""

    rollouts: list[str]
    """NAME=FILE for each system, in the order of the menu: rollout files"""
    scenarios: list[Path]
    """cached shards that hold the scenes, a folder or a list of them (.txt)"""
    out: Path
    """page (.html)"""
    most: int = 4
    """rollouts of each system, at most; the first ones"""
    scenes: int = 12
    """scenes, at most; the first ones"""
    title: str = "Rollouts"


def main(args: Args) -> None:
    """Judge and pack the rollouts; write the page."""
    for name in ("most", "scenes"):
        if getattr(args, name) < 1:
            raise InputError(f"--{name} is {getattr(args, name)} and must be at least 1.")
    systems = named_files(args.rollouts)
    store = ScenarioStore(args.scenarios)
    names = scenes_of(systems, store)[: args.scenes]
    scenes = [
        packed_scene(store[name], systems, args.most)
        for name in tqdm(names, desc=args.out.name, unit="scene")
    ]
    with replacing(args.out) as temporary:
        temporary.write_text(page(scenes, args.title), encoding="utf-8")


def page(scenes: list[dict[str, Any]], title: str) -> str:
    """The HTML, with scenes of `packed_scene` inside."""
    data = {
        "steps": SIMULATED,
        "seconds": STEP_SECONDS,
        "half_width": HALF_WIDTH,
        "colours": COLOURS,
        "dark": DARK,
        "scenes": scenes,
    }
    environment = Environment(
        loader=PackageLoader("simagents.gallery", "page"),
        undefined=StrictUndefined,
        autoescape=False,
    )
    return environment.get_template("browser.html.j2").render(
        title=title,
        note=NOTE,
        colours=COLOURS,
        dark=DARK,
        classes=[(kind.name.lower(), CLASS_COLOURS[kind]) for kind in CLASSES],
        # A name with `</script>` in it would end the element.
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    )
