"""What tables would cost, before anything is submitted."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from math import ceil
from operator import add, or_
from pathlib import Path
from typing import Any

from simagents.config.changes import merged
from simagents.config.reading import read, read_yaml
from simagents.errors import unknown_key
from simagents.files import replacing
from simagents.plan import Exhibit, Plan
from simagents.report.columns import COLUMNS
from simagents.runs import Run

UNIT_OF = {"bc": "cloned", "noisy_bc": "cloned", "catk": "closed_loop"}
"""Unit cost of a scene of a step, by the algorithm's name; all others learn from rollouts with a reward."""
KEPT_SAVES = 2


@dataclass
class Args:
    """Jobs, hours and disk of every table and figure, from measured unit costs. Needs no data."""

    scale: str = "paper"
    """demo, small or paper"""
    size: str | None = None
    """of the model, a file of config/model; that of the scale if none is given"""
    configfile: Path | None = None
    """keys that win over those of the repository's files, as with Snakemake"""
    out: Path | None = None
    """write there instead of printing"""
    root: Path = Path()
    """folder of the repository"""


@dataclass(frozen=True)
class Cost:
    """Of some jobs together."""

    jobs: Counter[str] = field(default_factory=Counter)
    """that are submitted, by rule; those that run where Snakemake runs are not counted"""
    gpu_hours: float = 0.0
    core_hours: float = 0.0
    bytes: int = 0

    @property
    def hours(self) -> tuple[float, float]:
        """Of GPUs and of cores."""
        return self.gpu_hours, self.core_hours

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.jobs + other.jobs,
            self.gpu_hours + other.gpu_hours,
            self.core_hours + other.core_hours,
            self.bytes + other.bytes,
        )


Parts = dict[Hashable, Cost]
"""Costs by what they are for, so that what several tables share is counted once."""


def main(args: Args) -> None:
    """Print Markdown, or write it."""
    choices = {"scale": args.scale} | ({"size": args.size} if args.size else {})
    if args.configfile:
        choices = merged(choices, read_yaml(args.configfile))
    plan = Plan.of(read(args.root, choices))
    units = read_yaml(args.root / "config/costs.yaml")
    text = Estimate(plan, units).text()
    if args.out is None:
        print(text)
        return
    with replacing(args.out) as temporary:
        temporary.write_text(text + "\n")


class Estimate:
    """A plan with its unit costs, those of config/costs.yaml."""

    def __init__(self, plan: Plan, units: dict[str, Any]):
        self.plan, self.compute = plan, plan.config.compute
        size, sizes = plan.config.size, set(units["seconds"]) - {"common"}
        if size not in sizes:
            raise unknown_key(size, "config/costs.yaml, seconds", sizes)
        self.seconds = units["seconds"]["common"] | units["seconds"][size]
        self.bytes, self.gpu_second = units["bytes"], units["gpu_second"]
        self.weights = units["weights"][size]
        in_shard = units["scenes"]
        if plan.source == "synthetic":
            in_shard = dict.fromkeys(in_shard, plan.scenarios.per_shard)
            self.seconds = {kind: units["synthetic"] * s for kind, s in self.seconds.items()}
        self.shards = {split: getattr(plan.scenarios, f"{split}_shards") for split in in_shard}
        self.scenes = {split: in_shard[split] * self.shards[split] for split in in_shard}
        self.jobs = sum(ceil(count / self.compute.shards) for count in self.shards.values())

    def text(self) -> str:
        """A table of all tables and figures, and what the longest run takes."""
        exhibits = self.plan.exhibits
        by_default = self.plan.by_default(exhibits)
        seen: Parts = {}
        lines = [
            "| | runs | jobs | GPU hours | core hours | disk | GPU hours on top of those above |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for name in sorted(exhibits, key=lambda name: name not in by_default):
            parts = self.of(exhibits[name])
            new = {key: cost for key, cost in parts.items() if key not in seen}
            title = name if name in by_default else f"{name} (on demand)"
            lines.append(f"{self._row(title, parts)} {_hours(_total(new.values()).gpu_hours)} |")
            seen |= new
            if name == by_default[-1]:
                lines.append(f"{self._row('**the paper**', self.of_paper())} |")
        return "\n".join([*lines, "", self.longest()])

    def longest(self) -> str:
        """A sentence on the longest run, and whether its retries suffice."""
        run = max(self.plan.runs.values(), key=lambda run: sum(self.train(run).hours))
        cost, gpus = self.train(run), self.compute.gpus
        hours = cost.gpu_hours / gpus if gpus else cost.core_hours
        limit, tries = self.compute.minutes / 60, self.compute.retries + 1
        enough = "enough" if hours <= limit * tries else "**too few**"
        where = f"{gpus} GPUs" if gpus else "one core"
        return (
            f"The longest run is {run.id}: {_hours(hours)} hours on {where}, in jobs of at most"
            f" {_hours(limit)} hours, of which {ceil(hours / limit)} are needed and {tries} allowed:"
            f" {enough}."
        )

    def of(self, exhibit: Exhibit) -> Parts:
        """Everything that a table or figure needs, parents of its runs and data included."""
        parts: Parts = {}
        settings = exhibit.settings
        for system in exhibit.systems:
            if exhibit.evaluation is not None:
                key = ("evaluate", system.id, self.plan.evaluation_id(exhibit.evaluation))
                parts[key] = self.evaluate(exhibit.evaluation)
            parts |= self.data(system.tokens)
            if any(COLUMNS[name].of_tokens for name in getattr(settings, "columns", ())):
                parts["reconstruction", system.tokens] = Cost(Counter(reconstruction=1))
            while isinstance(system, Run):
                parts["train", system.id] = self.train(system)
                if system.calibration_id:
                    parts["calibrate", system.calibration_id] = self.calibrate(system)
                system = system.parent
        for table in exhibit.tables:
            parts |= self.of(self.plan.tables[table])
        return parts

    def of_paper(self) -> Parts:
        """Everything that the paper's tables and figures need together."""
        exhibits = self.plan.exhibits
        return reduce(or_, [self.of(exhibits[name]) for name in self.plan.by_default(exhibits)])

    def train(self, run: Run) -> Cost:
        budget, seconds = run.recipe.budget, self.seconds
        unit = UNIT_OF.get(run.recipe.algorithm.name)
        if unit:
            scene = seconds[unit]
        else:
            # Every further pass learns from the same rollouts.
            again = run.recipe.algorithm.passes - 1
            learning = seconds["reinforced"] - seconds["rollout"] - seconds["score"]
            scene = budget.rollouts * (seconds["reinforced"] + again * learning)
        saves = KEPT_SAVES * self.bytes["saved_weight"] + self.bytes["weight"]
        disk = saves * self.weights + budget.steps * self.bytes["step"]
        return self._on_gpu("train", 1, budget.steps * budget.batch * scene, disk)

    def calibrate(self, run: Run) -> Cost:
        simulated = run.recipe.held_out * run.recipe.budget.rollouts
        return self._on_gpu("calibrate", 1, simulated * self._simulated())

    def evaluate(self, name: str) -> Cost:
        """Of one system, by that evaluation."""
        evaluation = self.plan.evaluations[name]
        scenes = evaluation.limit or self.scenes["validation"]
        seconds = scenes * evaluation.rollouts * self._simulated()
        disk = scenes * self.bytes["score"]
        return self._on_gpu("evaluate", self.compute.chunks, seconds, disk)

    def data(self, tokens: str | None) -> Parts:
        """Scenarios, of which there is one copy, and the vocabulary and chains of one tokenizer."""
        scenes = sum(self.scenes.values())
        cached = scenes * self.seconds["cache"] / 3600
        records = Counter(cache=self.jobs)
        if self.plan.source == "synthetic":
            records["synthesize"] = sum(self.shards.values())
        parts: Parts = {
            "scenarios": Cost(records, core_hours=cached, bytes=scenes * self.bytes["scenario"])
        }
        if tokens is not None:
            chains = Counter(vocabulary=1, tokenize=self.jobs)
            chained = scenes * self.seconds["tokenize"] / 3600
            size = scenes * self.bytes["chain"]
            parts["tokens", tokens] = Cost(chains, core_hours=chained, bytes=size)
        return parts

    def _simulated(self) -> float:
        return self.seconds["rollout"] + self.seconds["score"]

    def _on_gpu(self, rule: str, jobs: int, core_seconds: float, disk: int = 0) -> Cost:
        """On a GPU where the scale has some, else on a core."""
        hours, count = core_seconds / 3600, Counter({rule: jobs})
        if self.compute.gpus:
            return Cost(count, gpu_hours=hours * self.gpu_second, bytes=disk)
        return Cost(count, core_hours=hours, bytes=disk)

    def _row(self, title: str, parts: Parts) -> str:
        total = _total(parts.values())
        return (
            f"| {title} | {total.jobs['train']} | {total.jobs.total()} | {_hours(total.gpu_hours)}"
            f" | {_hours(total.core_hours)} | {total.bytes / 1e9:,.1f} GB |"
        )


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 or not hours else f"{hours:.2g}"


def _total(costs: Iterable[Cost]) -> Cost:
    return reduce(add, costs, Cost())
