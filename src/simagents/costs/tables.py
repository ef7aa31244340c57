"""`simagents costs`: the estimate as tables, by exhibit, by stage, and what would cut it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from math import ceil
from pathlib import Path

from simagents.config.changes import Json, merged
from simagents.config.reading import read, read_yaml
from simagents.costs.estimate import (
    CLONED,
    CLOSED_LOOP,
    RECONSTRUCTED,
    UNIT_OF,
    Cost,
    Estimate,
    Parts,
    total,
)
from simagents.files import print_or_write
from simagents.planning.plan import Plan

_TRAINING = {
    CLONED: "cloning the log",
    CLOSED_LOOP: "closed-loop imitation",
    RECONSTRUCTED: "closed-loop regression",
}
_REWARDED = "learning from rewards"
_OTHER = {
    "evaluate": "rollouts and scores of tables",
    "calibrate": "thresholds of rewards",
    "planners": "drives of planners",
}
"""Kinds of work: trainings by their unit cost, and other jobs."""


@dataclass
class Args:
    """Jobs, hours and disk of every table and figure, from measured unit costs. Needs no data."""

    scale: str = "paper"
    """demo, small, lab or paper"""
    size: str | None = None
    """of the model, a file of config/model; that of the scale if none is given"""
    configfile: Path | None = None
    """keys that win over those of the repository's files, as with Snakemake"""
    out: Path | None = None
    """write there instead of printing"""
    root: Path = Path()
    """folder of the repository"""


def main(args: Args) -> None:
    """Print Markdown, or write it."""
    choices = {"scale": args.scale} | ({"size": args.size} if args.size else {})
    if args.configfile:
        choices = merged(choices, read_yaml(args.configfile))
    print_or_write(report(args.root, choices), args.out)


def report(root: Path, choices: Json) -> str:
    """All tables of a scale."""
    units = read_yaml(root / "config/costs.yaml")
    estimate = Estimate(Plan.of(read(root, choices)), units)
    parts = [by_exhibit(estimate), longest(estimate), by_work(estimate)]
    changes = units["cuts"].get(estimate.plan.config.scale)
    if changes:
        parts.append(cuts(root, choices, units, changes))
    return "\n\n".join(parts)


def by_exhibit(estimate: Estimate) -> str:
    """A table of all tables and figures."""
    exhibits = estimate.plan.exhibits
    by_default = estimate.plan.by_default(exhibits)
    seen: Parts = {}
    lines = [
        "| | runs | jobs | GPU hours | core hours | disk | GPU hours on top of those above |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in sorted(exhibits, key=lambda name: name not in by_default):
        parts = estimate.of(exhibits[name])
        new = {key: cost for key, cost in parts.items() if key not in seen}
        title = name if name in by_default else f"{name} (on demand)"
        lines.append(f"{_row(title, parts)} {_hours(total(new.values()).gpu_hours)} |")
        seen |= new
        if name == by_default[-1]:
            lines.append(f"{_row('**the paper**', estimate.of_paper())} |")
    return "\n".join(lines)


def longest(estimate: Estimate) -> str:
    """A sentence on the longest run, and whether its retries suffice."""
    compute = estimate.compute
    run = max(estimate.plan.runs.values(), key=lambda run: sum(estimate.train(run).hours))
    cost, gpus = estimate.train(run), compute.gpus
    hours = cost.gpu_hours / gpus if gpus else cost.core_hours
    limit, tries = compute.minutes / 60, compute.retries + 1
    enough = "enough" if hours <= limit * tries else "**too few**"
    where = f"{gpus} GPUs" if gpus else "one core"
    return (
        f"The longest run is {run.id}: {_hours(hours)} hours on {where}, in jobs of at most"
        f" {_hours(limit)} hours, of which {ceil(hours / limit)} are needed and {tries} allowed:"
        f" {enough}."
    )


def by_work(estimate: Estimate) -> str:
    """A table of what the paper's hours are spent on: kinds of work, and stages within them."""
    spent: dict[str, dict[str, Cost]] = {}
    for kind, stage, cost in _works(estimate):
        stages = spent.setdefault(kind, {})
        stages[stage] = stages.get(stage, Cost()) + cost
    unit = _unit(estimate)
    whole = _paper_hours(estimate)
    lines = [
        f"| work | stage | runs | {_UNITS[unit]} hours | of all |",
        "|---|---|--:|--:|--:|",
    ]

    def line(kind: str, stage: str, cost: Cost) -> str:
        hours, runs = cost.hours[unit], cost.jobs["train"] or ""
        return f"| {kind} | {stage} | {runs} | {_hours(hours)} | {hours / whole:.1%} |"

    for kind, stages in _most_first({kind: total(of.values()) for kind, of in spent.items()}, unit):
        lines.append(line(f"**{kind}**", "", stages))
        lines += [line("", stage, cost) for stage, cost in _most_first(spent[kind], unit) if stage]
    return "\n".join(lines)


def cuts(root: Path, choices: Json, units: Json, changes: Json) -> str:
    """A table of what each change of a configuration saves on its own, and all of them together."""
    whole = Estimate(Plan.of(read(root, choices)), units)
    unit, hours = _unit(whole), _paper_hours(whole)
    lines = [f"| change | {_UNITS[unit]} hours saved | left of {_hours(hours)} |", "|---|--:|--:|"]
    for title, change in {**changes, "all of these": reduce(merged, changes.values())}.items():
        left = _paper_hours(Estimate(Plan.of(read(root, merged(choices, change))), units))
        lines.append(f"| {title} | {_hours(hours - left)} | {_hours(left)} |")
    return "\n".join(lines)


_UNITS = ("GPU", "core")


def _unit(estimate: Estimate) -> int:
    """Which of a cost's hours a scale is measured by: of GPUs where it has some."""
    return 0 if estimate.compute.gpus else 1


def _paper_hours(estimate: Estimate) -> float:
    return total(estimate.of_paper().values()).hours[_unit(estimate)]


def _works(estimate: Estimate) -> Iterator[tuple[str, str, Cost]]:
    """Kind, stage where it is a training, and cost of everything that the paper needs."""
    for key, cost in estimate.of_paper().items():
        rule, name = key[:2]
        if rule != "train":
            yield _OTHER.get(rule, "scenarios and tokens"), "", cost
            continue
        recipe = estimate.plan.runs[name].recipe
        kind = _TRAINING.get(UNIT_OF.get(recipe.algorithm.name, ""), _REWARDED)
        yield kind, recipe.stage, cost


def _most_first(costs: dict[str, Cost], unit: int) -> list[tuple[str, Cost]]:
    """Without what costs none of these hours."""
    some = [item for item in costs.items() if item[1].hours[unit]]
    return sorted(some, key=lambda item: -item[1].hours[unit])


def _row(title: str, parts: Parts) -> str:
    cost = total(parts.values())
    return (
        f"| {title} | {cost.jobs['train']} | {cost.jobs.total()} | {_hours(cost.gpu_hours)}"
        f" | {_hours(cost.core_hours)} | {cost.bytes / 1e9:,.1f} GB |"
    )


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 or not hours else f"{hours:.2g}"
