"""Jobs, hours and bytes of runs and tables, from a plan and measured unit costs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from math import ceil
from operator import add, or_
from typing import Any

from simagents.config.exhibits import OF_TOKENS
from simagents.errors import unknown_key
from simagents.planning.exhibits import Exhibit
from simagents.planning.plan import Plan
from simagents.planning.runs import Run, System

CLONED, CLOSED_LOOP, RECONSTRUCTED = "cloned", "closed_loop", "reconstructed"
UNIT_OF = {
    "bc": CLONED, "noisy_bc": CLONED, "catk": CLOSED_LOOP, "closed_loop_regression": RECONSTRUCTED,
    "forecasting": CLONED,
}  # fmt: skip
"""Unit cost of a scene of a step, by the algorithm's name; all others learn from rollouts with a reward."""
KEPT_SAVES = 2
PLANNERS = 64


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


Parts = dict[tuple[str, ...], Cost]
"""Costs by what they are for, a kind of job and names, so that what several tables share is counted
once."""


class Estimate:
    """A plan with its unit costs, those of config/costs.yaml."""

    def __init__(self, plan: Plan, units: dict[str, Any]):
        self.plan, self.compute = plan, plan.config.compute
        size, sizes = plan.config.size, set(units["seconds"]) - {"common"}
        if size not in sizes:
            raise unknown_key(size, "config/costs.yaml, seconds", sizes)
        self.seconds = units["seconds"]["common"] | units["seconds"][size]
        self.families = {
            family: {"weights": of["weights"][size], "seconds": self.seconds | of["seconds"][size]}
            for family, of in units["families"].items()
        }
        self.planner_seconds = units["planners"]
        self.bytes, self.gpu_second = units["bytes"], units["gpu_second"]
        self.families["smart"] = {"weights": units["weights"][size], "seconds": self.seconds}
        in_shard, self.factor = units["scenes"], 1.0
        if plan.source == "synthetic":
            in_shard = dict.fromkeys(in_shard, plan.scenarios.per_shard)
            self.factor = units["synthetic"]
        self.shards = {split: getattr(plan.scenarios, f"{split}_shards") for split in in_shard}
        self.scenes = {split: in_shard[split] * self.shards[split] for split in in_shard}
        self.jobs = sum(ceil(count / self.compute.shards) for count in self.shards.values())

    def of(self, exhibit: Exhibit) -> Parts:
        """Everything that a table or figure needs, parents of its runs and data included."""
        parts: Parts = {}
        firsts = [row.systems[0] for row in exhibit.rows]
        of_scores = "manoeuvres" not in exhibit.reads
        for system in exhibit.systems:
            if exhibit.evaluation is not None and of_scores:
                key = ("evaluate", system.id, self.plan.evaluation_id(exhibit.evaluation))
                parts[key] = self.evaluate(exhibit.evaluation, system)
            parts |= self.data(system.tokens)
            if exhibit.drives_planners:
                key = ("planners", system.id, self.plan.planners_id)
                parts[key] = self.planners(system)
            if "gradients" in exhibit.reads and system in firsts:
                key = ("gradients", system.id, self.plan.gradients_id)
                parts[key] = self.gradients()
            if "manoeuvres" in exhibit.reads and system in firsts:
                key = ("manoeuvres", system.id, self.plan.evaluation_id(exhibit.evaluation))
                parts[key] = self.manoeuvres(exhibit.evaluation)
            if exhibit.shows(OF_TOKENS):
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
        budget, seconds = run.recipe.budget, self.prices(run)
        unit = UNIT_OF.get(run.recipe.algorithm.name)
        if unit:
            scene = seconds[unit]
        else:
            # Every further pass learns from the same rollouts.
            again = run.recipe.algorithm.passes - 1
            learning = seconds["reinforced"] - seconds["rollout"] - seconds["score"]
            scene = budget.rollouts * (seconds["reinforced"] + again * learning)
        saves = KEPT_SAVES * self.bytes["saved_weight"] + self.bytes["weight"]
        disk = saves * self._family(run)["weights"] + budget.steps * self.bytes["step"]
        return self._on_gpu("train", 1, budget.steps * budget.batch * scene, disk)

    def calibrate(self, run: Run) -> Cost:
        simulated = run.recipe.held_out * run.recipe.budget.rollouts
        return self._on_gpu("calibrate", 1, simulated * self._simulated(run))

    def gradients(self) -> Cost:
        """Of one system: a rollout and its score function take as long as in training."""
        settings = self.plan.gradients
        simulated = settings.scenes * settings.rollouts
        seconds = simulated * self.prices()["reinforced"]
        return self._on_gpu("gradients", 1, seconds, 4 * simulated**2)

    def manoeuvres(self, name: str) -> Cost:
        """Of one system: rollouts of one scene under two goals."""
        seconds = 2 * self.plan.evaluations[name].rollouts * self.prices()["rollout"]
        return self._on_gpu("manoeuvres", 1, seconds)

    def evaluate(self, name: str, system: System | None = None) -> Cost:
        """Of one system, by that evaluation; baselines are taken to cost what SMART does."""
        evaluation = self.plan.evaluations[name]
        scenes = evaluation.limit or self.scenes["validation"]
        seconds = scenes * evaluation.rollouts * self._simulated(system)
        disk = scenes * self.bytes["score"]
        return self._on_gpu("evaluate", self.compute.chunks, seconds, disk)

    def planners(self, system: System) -> Cost:
        """Of 64 planners among one system's agents, each in a world of its own."""
        settings = self.plan.config.planners
        drives = (settings.scenes or self.scenes["validation"]) * settings.rollouts
        seconds = drives * (self.planner_seconds + PLANNERS * self.prices(system)["rollout"])
        disk = drives * PLANNERS * self.bytes["drive"]
        return self._on_gpu("planners", self.compute.chunks, seconds, disk)

    def data(self, tokens: str | None) -> Parts:
        """Scenarios, of which there is one copy, and the vocabulary and chains of one tokenizer."""
        scenes = sum(self.scenes.values())
        cached = scenes * self.prices()["cache"] / 3600
        records = Counter(cache=self.jobs)
        if self.plan.source == "synthetic":
            records["synthesize"] = sum(self.shards.values())
        parts: Parts = {
            ("scenarios", self.plan.data_id): Cost(
                records, core_hours=cached, bytes=scenes * self.bytes["scenario"]
            )
        }
        if tokens is not None:
            chains = Counter(vocabulary=1, tokenize=self.jobs)
            chained = scenes * self.prices()["tokenize"] / 3600
            size = scenes * self.bytes["chain"]
            parts["tokens", tokens] = Cost(chains, core_hours=chained, bytes=size)
        return parts

    def prices(self, system: System | None = None) -> dict[str, float]:
        """Seconds of a core by kind of work, of a system's family; without one, of SMART."""
        return {kind: self.factor * s for kind, s in self._family(system)["seconds"].items()}

    def _family(self, system: System | None) -> dict[str, Any]:
        """Families without prices of their own are taken to cost what SMART does."""
        if not isinstance(system, Run):
            return self.families["smart"]
        model = system.recipe.model
        of_width = self.families.get(f"{model.family}_{getattr(model, 'width', '')}")
        return of_width or self.families.get(model.family, self.families["smart"])

    def _simulated(self, system: System | None) -> float:
        prices = self.prices(system)
        return prices["rollout"] + prices["score"]

    def _on_gpu(self, rule: str, jobs: int, core_seconds: float, disk: int = 0) -> Cost:
        """On a GPU where the scale has some, else on a core."""
        hours, count = core_seconds / 3600, Counter({rule: jobs})
        if self.compute.gpus:
            return Cost(count, gpu_hours=hours * self.gpu_second, bytes=disk)
        return Cost(count, core_hours=hours, bytes=disk)


def total(costs: Iterable[Cost]) -> Cost:
    """Of all together."""
    return reduce(add, costs, Cost())
