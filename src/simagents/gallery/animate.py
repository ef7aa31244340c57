"""`simagents animate`: kept rollouts of one scene as a film or as a strip of moments."""

from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
from tqdm import tqdm

from simagents.errors import InputError, unknown_value
from simagents.files import replacing
from simagents.gallery.film import DPI, Film
from simagents.gallery.named_files import Named, named_files, scenes_of
from simagents.gallery.writers import writer_for
from simagents.report.agent_drawing import Shown
from simagents.report.figures.strips import strip
from simagents.scenarios.scenario import SIMULATED, STEP_SECONDS, Scenario
from simagents.scenarios.store import ScenarioStore

STRIPS = (".png", ".pdf")


@dataclass
class Args:
    """Animate one rollout of one scene by several systems, side by side: the log first, say."""

    rollouts: list[str]
    """NAME=FILE for each system: rollout files, such as the pictures of `simagents evaluate`"""
    scenarios: list[Path]
    """cached shards that hold the scene, a folder or a list of them (.txt)"""
    out: Path
    """film (.gif, .mp4) or strip of moments (.png, .pdf)"""
    scenario: str = "first"
    """id of a scene that all systems keep"""
    rollout: int = 0
    """which one of each system; 0 is the first, and a system with a single one shows that"""
    width: int = 900
    """pixels of a film"""
    every: int = 1
    """steps of 0.1 s from frame to frame"""
    fps: int = 10
    """frames a second; real time is 10 divided by --every"""
    half_width: float = 0.0
    """of a film, metres from the middle of a panel to its border; 0 for what scored agents need"""
    moments: list[float] = field(default_factory=lambda: [0.0, 2.0, 4.0, 6.0, 8.0])
    """of a strip, seconds after the current step"""


def main(args: Args) -> None:
    """Judge the rollouts as the metric does, draw them, write the file."""
    check(args)
    systems = named_files(args.rollouts)
    store = ScenarioStore(args.scenarios)
    scenes = scenes_of(systems, store)
    name = scenes[0] if args.scenario == "first" else args.scenario
    if name not in scenes:
        raise unknown_value(name, "--scenario, of those that all systems keep", scenes)
    scenario = store[name]
    shown = [one_rollout(system, scenario, args.rollout) for system in systems]
    matplotlib.use("agg")
    if args.out.suffix in STRIPS:
        figure = strip(scenario, shown, [round(moment / STEP_SECONDS) for moment in args.moments])
        with replacing(args.out) as temporary:
            figure.savefig(temporary, format=args.out.suffix[1:], dpi=200)
        return
    writer = writer_for(args.out, args.fps)
    film = Film(scenario, shown, args.width, args.half_width)
    frames = len(range(0, SIMULATED + 1, args.every))
    with replacing(args.out) as temporary, writer.saving(film.figure, temporary, DPI):
        for _ in tqdm(film.steps(args.every), args.out.name, frames, unit="frame"):
            writer.grab_frame()


def check(args: Args) -> None:
    """Raises InputError for numbers that make no picture."""
    limits = {"width": (200, 4000), "every": (1, SIMULATED), "fps": (1, 50), "half_width": (0, 500)}
    for name, (least, most) in limits.items():
        if not least <= getattr(args, name) <= most:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{flag} is {getattr(args, name)} and must be between {least} and {most}."
            )
    for moment in args.moments:
        if not 0 <= moment <= SIMULATED * STEP_SECONDS:
            raise InputError(f"--moments: {moment} is not between 0 and 8 seconds.")


def one_rollout(system: Named, scenario: Scenario, number: int) -> Shown:
    """Raises InputError where the system has several rollouts and not that one."""
    rollouts = system.rollouts(scenario)
    if len(rollouts) == 1:
        number = 0
    if not 0 <= number < len(rollouts):
        raise InputError(
            f"--rollout is {number}, and {system.label} keeps rollouts 0 to {len(rollouts) - 1}."
        )
    chosen = rollouts[number : number + 1]
    return Shown.of(system.label, scenario, chosen[0], system.judged(scenario, chosen))
