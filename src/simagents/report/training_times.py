"""What training took on the machine that made this copy, stage by stage, from the runs' own logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from simagents.errors import InputError
from simagents.files import read_json
from simagents.report.histories import read_histories
from simagents.report.latex import escaped, in_prose
from simagents.report.sheet import Column, Paragraph, Sheet, write_document

Json = dict[str, Any]

_SECONDS, _CORE_SECONDS = "seconds", "cpu_seconds"
"""Wall time of a step in a history, and processor time of all its processes; older runs lack the latter."""


@dataclass
class Args:
    """Print how long runs trained."""

    histories: list[Path]
    """…/runs/{run}/history.jsonl, each beside its provenance.json"""
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
    gpus: float = 0.0
    """wall time of these, times the GPUs that they held, s"""


def main(args: Args) -> None:
    """Write the times."""
    made = {path.parent.name: _provenance(path) for path in args.histories}
    gpus = {run: _gpus(facts) for run, facts in made.items()}
    histories = read_histories(args.histories, (_SECONDS, _CORE_SECONDS))
    times = list(stage_times(histories, gpus))
    machines = "; ".join(sorted(set(map(_machine, made.values()))))
    columns = [
        Column("stage", "name"),
        *map(Column, ("runs", "steps", "s a step", "wall s", "core s")),
    ]
    on_gpus = any(gpus.values())
    if on_gpus:
        columns.append(Column("GPU s"))
    text = (
        "Training alone, from the logs of steps, while other jobs may have run on the same machine. "
        "Reading batches, saving, and the simulation and scoring of evaluations are not in it. "
        "Seconds a step are a median, the others sums over the steps of all runs of a stage. Core seconds are "
        "processor time of all processes of a run, n/a where runs did not log it"
        f"{'; GPU seconds are wall seconds times GPUs' if on_gpus else ''}. Made with: {machines}."
    )
    lines = [_line(time, on_gpus) for time in (*times, _total(times))]
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
        sum(time.gpus for time in times),
    )


def stage_times(
    histories: Mapping[str, pd.DataFrame], gpus: Mapping[str, int]
) -> Iterator[StageTime]:
    """By stage, in the order in which they are given; `gpus` has those of each run.

    Raises InputError where no time was logged.
    """
    stages: dict[str, dict[str, pd.DataFrame]] = {}
    for run, history in histories.items():
        if _SECONDS not in history:
            raise InputError(f"{run}: its history has no `{_SECONDS}`; train the run again.")
        stages.setdefault(run.rpartition("-")[0], {})[run] = history
    for stage, logged in stages.items():
        steps = pd.concat([history[_SECONDS] for history in logged.values()])
        cores = [h[_CORE_SECONDS].sum() for h in logged.values() if _CORE_SECONDS in h]
        yield StageTime(
            stage,
            len(logged),
            len(steps),
            float(steps.median()),
            float(steps.sum()),
            float(sum(cores)) if len(cores) == len(logged) else None,
            float(sum(history[_SECONDS].sum() * gpus[run] for run, history in logged.items())),
        )


def _provenance(history: Path) -> Json:
    path = history.with_name("provenance.json")
    if not path.exists():
        raise InputError(f"{path}: there is no such file; train the run again.")
    return read_json(path)


def _gpus(made: Json) -> int:
    """Each process of a run has one, where it has any. Older files say nothing of them."""
    return made["processes"] if made.get("hardware", {}).get("gpu") else 0


def _machine(made: Json) -> str:
    hardware = made.get("hardware", {})
    cores = f"{hardware['cores']} cores" if "cores" in hardware else None
    parts = (hardware.get("gpu"), hardware.get("cpu"), cores, made["machine"])
    versions = f"Python {made['python']}, torch {made['packages']['torch']}"
    return ", ".join([versions, *filter(None, parts)])


def _line(time: StageTime, on_gpus: bool) -> list[str]:
    return [
        escaped(time.stage.replace("_", " ")),
        in_prose(time.runs),
        in_prose(time.steps),
        "–" if time.step is None else f"{time.step:.2f}",
        in_prose(round(time.wall)),
        in_prose(None if time.cores is None else round(time.cores)),
        *([in_prose(round(time.gpus))] if on_gpus else []),
    ]
