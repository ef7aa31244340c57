"""What training took on the machine that made this copy, stage by stage, from the runs' own logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simagents.errors import InputError
from simagents.files import read_json
from simagents.report.histories import read_histories
from simagents.report.latex import escaped, in_prose
from simagents.report.sheet import Column, Paragraph, Sheet, write_document

_SECONDS, _CORE_SECONDS = "seconds", "cpu_seconds"
"""Wall time of a step in a history, and processor time of all its processes; older runs lack the latter."""


@dataclass
class Args:
    """Print how long runs trained."""

    histories: list[Path]
    """…/runs/{run}/history.jsonl, each beside its provenance.json"""
    gpus: int
    """of a run; 0 for none"""
    out: Path
    """Markdown"""
    out_tex: Path
    """LaTeX, for the appendix"""
    out_html: Path


@dataclass(frozen=True)
class StageTime:
    """All runs of a stage together."""

    stage: str
    runs: int
    steps: int
    step: float | None
    """None for stages together; median wall time of a step, s"""
    wall: float
    """of all steps of all runs, one after the other, s"""
    cores: float | None
    """processor time of these, s; None where a run did not log it"""


def main(args: Args) -> None:
    """Write the times."""
    times = list(stage_times(read_histories(args.histories)))
    machines = sorted({_machine(path) for path in args.histories})
    columns = [
        Column("stage", "name"),
        *map(Column, ("runs", "steps", "s a step", "wall s", "core s")),
    ]
    on = "on the processor alone"
    if args.gpus:
        columns.append(Column("GPU s"))
        on = f"on {args.gpus} GPU{'s' if args.gpus > 1 else ''}, held during its wall seconds"
    text = (
        "Training alone, from the logs of steps, while other jobs may have run on the same machine. "
        "Reading batches, saving, and the simulation and scoring of evaluations are not in it. "
        "Seconds a step are a median, the others sums over the steps of all runs of a stage. A run "
        f"trained {on}. Core seconds are n/a where runs did not log them. Software and machine: {'; '.join(machines)}."
    )
    lines = [_line(time, args.gpus) for time in (*times, _total(times))]
    blocks = [Paragraph(escaped(text)), Sheet(columns, lines)]
    write_document("Training times", blocks, args.out, args.out_tex, args.out_html)


def _total(times: list[StageTime]) -> StageTime:
    known = [time.cores for time in times if time.cores is not None]
    return StageTime(
        "all",
        sum(time.runs for time in times),
        sum(time.steps for time in times),
        None,
        sum(time.wall for time in times),
        sum(known) if len(known) == len(times) else None,
    )


def stage_times(histories: Mapping[str, pd.DataFrame]) -> Iterator[StageTime]:
    """By stage, in the order in which stages are given. Raises InputError where no time was logged."""
    stages: dict[str, list[pd.DataFrame]] = {}
    for run, history in histories.items():
        if _SECONDS not in history:
            raise InputError(f"{run}: its history has no `{_SECONDS}`; train the run again.")
        stages.setdefault(run.rpartition("-")[0], []).append(history)
    for stage, logged in stages.items():
        steps = pd.concat([history[_SECONDS] for history in logged])
        cores = [history[_CORE_SECONDS].sum() for history in logged if _CORE_SECONDS in history]
        yield StageTime(
            stage,
            len(logged),
            len(steps),
            float(steps.median()),
            float(steps.sum()),
            float(sum(cores)) if len(cores) == len(logged) else None,
        )


def _machine(history: Path) -> str:
    path = history.with_name("provenance.json")
    if not path.exists():
        raise InputError(f"{path}: there is no such file; train the run again.")
    made = read_json(path)
    packages = made["packages"]
    return f"Python {made['python']}, torch {packages['torch']}, {made['machine']}"


def _line(time: StageTime, gpus: int) -> list[str]:
    return [
        escaped(time.stage.replace("_", " ")),
        in_prose(time.runs),
        in_prose(time.steps),
        "–" if time.step is None else f"{time.step:.2f}",
        in_prose(round(time.wall)),
        in_prose(None if time.cores is None else round(time.cores)),
        *([in_prose(round(time.wall * gpus))] if gpus else []),
    ]
