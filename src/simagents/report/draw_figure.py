"""`simagents figure KIND`: draws a figure of any kind from the files that its kind reads."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from simagents.config.figures import FIGURES, FigureSettings
from simagents.config.keys import module_of, read_as
from simagents.errors import InputError
from simagents.files import read_json, read_object
from simagents.report.figure_files import save, use_style
from simagents.report.figure_inputs import FigureInputs
from simagents.report.histories import read_histories
from simagents.report.planner_values import read_planners
from simagents.report.rows import read_rows
from simagents.report.scores import read_scores


@dataclass
class Args:
    """Draw a figure; a PNG is written beside the PDF. Each kind reads some of these files."""

    kind: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="KIND")]
    """training_curves, rollouts, strips, sweep, component_gains, time_split, gradient_noise, goal_rollouts, goal_rates,
    or a kind of your own"""
    settings: str
    """JSON: the figure's other keys, as in the configuration"""
    out: Path
    """figure (.pdf)"""
    rows: str = ""
    """JSON list of {"label", "systems"}, for kinds that draw systems"""
    cells: list[Path] = field(default_factory=list)
    """of tables, from `simagents cells`"""
    histories: list[Path] = field(default_factory=list)
    """…/runs/{run}/history.jsonl"""
    gradients: list[Path] = field(default_factory=list)
    """…/gradients/{run}/{digest}.safetensors"""
    incidents: list[Path] = field(default_factory=list)
    """of the pictures, …/scores/{system}/{evaluation}/0.incidents.safetensors"""
    manoeuvres: list[Path] = field(default_factory=list)
    """…/manoeuvres/{run}/{evaluation}.safetensors"""
    pictures: list[Path] = field(default_factory=list)
    """rollout files …/scores/{system}/{evaluation}/*.safetensors"""
    planners: list[Path] = field(default_factory=list)
    """…/planners/{system}/{digest}/{chunk}.parquet"""
    scenarios: list[Path] = field(default_factory=list)
    """cached shards that hold the pictured scenes"""
    scores: list[Path] = field(default_factory=list)
    """…/scores/{system}/{evaluation}/{chunk}.parquet"""
    style: Path = Path("paper/paper.mplstyle")


def main(args: Args) -> None:
    """Draw and write the figure."""
    settings = read_settings(args.kind, read_object(args.settings, "--settings", dict))
    draw = module_of(settings, FIGURES.home, FIGURES.tag).draw
    inputs = read_inputs(settings, args)
    use_style(args.style)
    save(draw(settings, inputs), args.out)


def read_settings(kind: str, keys: dict[str, Any]) -> FigureSettings:
    """Settings of that kind. Raises InputError for an unknown kind and for an unknown key."""
    return read_as(FIGURES.kind_of(kind), {**keys, "kind": kind}, "--settings")


def read_inputs(settings: FigureSettings, args: Args) -> FigureInputs:
    """What this kind reads. Raises InputError where the command line does not give it."""
    for name in sorted(settings.reads):
        if not getattr(args, name):
            raise InputError(f"--{name}: a figure of kind {settings.kind} reads these; give them.")
    cells = {path.stem: read_json(path) for path in args.cells}
    for table in getattr(settings, "tables", ()):
        if table not in cells:
            raise InputError(f"--cells: the table {table} is drawn and not given; add its cells.")
    return FigureInputs(
        rows=read_rows(args.rows) if args.rows else [],
        cells=cells,
        histories=read_histories(args.histories),
        gradients=args.gradients,
        incidents=args.incidents,
        manoeuvres=args.manoeuvres,
        pictures=args.pictures,
        planners=read_planners(args.planners),
        scenarios=args.scenarios,
        scores=read_scores(args.scores)[1],
    )
