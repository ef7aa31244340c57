"""Score rollouts of any simulator with the metric of the Waymo Open Sim Agents Challenge.

outcome = score_files("validation/", "submission.tar.gz", challenge=2025)
print(summarise(outcome.scores))
print(outcome.refused)
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import torch
import tyro
from tqdm import tqdm

from simagents.device import check_device
from simagents.errors import InputError
from simagents.files import replacing
from simagents.metrics import Challenge, LogReference, Scores, rollout_statistics, score
from simagents.scenarios.lookup import ScenarioLookup
from simagents.submission.entry import Entry
from simagents.submission.joint_scene import ROLLOUTS, arranged
from simagents.submission.parallel import ordered
from simagents.submission.progress import Progress, digest_of
from simagents.submission.sources import Sources
from simagents.submission.summary import summarise, typeset

FIELDS = [field.name for field in fields(Scores)]
TWICE = "is given more than once; it is not scored."
NAMELESS, NO_ID = "(a scenario without id)", "has no scenario_id."


@dataclass
class Args:
    """Score rollouts; started again after a kill, it goes on.

    Exits with 0 if all scenarios are scored, with 1 if some are refused or lack rollouts, and with
    2 if nothing can be done. docs/submission.md has the formats.
    """

    scenarios: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SCENARIOS")]
    """TFRecord files of WOMD or cached shards (.safetensors): one, a folder, or a quoted pattern"""
    simulated: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ROLLOUTS")]
    """official shards (.binproto…), an archive of them (.tar.gz) or our own rollout files
    (.safetensors): one, a folder, or a quoted pattern"""
    challenge: Literal[2023, 2024, 2025]
    """which year's weights and bins"""
    out: Path = Path("scores.parquet")
    """one row per scenario, columns by the official names"""
    workers: int = 1
    """processes; changes no number"""
    evaluator: Literal["1.6.7", "1.6.4"] = "1.6.7"
    """version of the official code; 1.6.4 has the numbers of the leaderboard of 2024"""
    rollouts: int = ROLLOUTS
    """joint scenes of each scenario"""
    partial: bool = False
    """scenarios without rollouts are meant to have none"""
    device: str = "cpu"
    """or cuda; last bits may differ"""


@dataclass
class Outcome:
    """Scores, and why some are missing."""

    scores: pd.DataFrame
    """one row per scenario, by id; columns by the official names"""
    refused: dict[str, str]
    """scenario -> what is wrong with its rollouts"""
    missing: list[str]
    """scenarios without rollouts"""
    damage: list[str]
    """shards that could not be read to their end, and scenario records that are unusable"""


def main(args: Args) -> None:
    """Write the scores, print their summary, and name what is not scored on stderr."""
    torch.set_num_threads(1)
    challenge = challenge_of(args.challenge, args.evaluator)
    scenarios, sources = ScenarioLookup(args.scenarios), Sources(args.simulated)
    progress = Progress(
        args.out,
        digest_of(
            [*scenarios.paths, *sources.files],
            challenge=args.challenge, evaluator=args.evaluator, rollouts=args.rollouts,
            device=args.device, version=version("simagents"),
        ),
    )  # fmt: skip
    if progress.finished:
        print(f"{len(progress.finished)} scenarios are finished already.", file=sys.stderr)
    with closing(progress):
        outcome = score_entries(
            scenarios, sources, challenge, args.rollouts, args.workers, args.device, progress,
            shown=True,
        )  # fmt: skip
        outcome.scores.attrs = {
            "challenge": args.challenge, "evaluator": args.evaluator,
            "rollouts": args.rollouts,
        }  # fmt: skip
        with replacing(args.out) as temporary:
            outcome.scores.to_parquet(temporary, index=False)
        progress.forget()
    if args.partial:
        outcome.missing = []
    for scenario in outcome.missing:
        print(f"{scenario}: has no rollouts.", file=sys.stderr)
    for problem in outcome.damage:
        print(problem, file=sys.stderr)
    print(
        f"WOSAC {args.challenge}, evaluator {args.evaluator}, {args.rollouts} rollouts each:"
        f" {len(outcome.scores)} scenarios scored, {len(outcome.refused)} refused,"
        f" {len(outcome.missing)} without rollouts."
    )
    if len(outcome.scores):
        print(typeset(summarise(outcome.scores[FIELDS])), f"Scores are in {args.out}.", sep="\n")
    if outcome.refused or outcome.missing or outcome.damage:
        sys.exit(1)


def challenge_of(year: int, evaluator: str) -> Challenge:
    """A year's configuration as a version of the official code computes it."""
    if evaluator == "1.6.7":
        return Challenge.of(year)
    if evaluator != "1.6.4" or year > 2024:
        raise InputError(f"the evaluator {evaluator} does not know the challenge of {year}.")
    return replace(Challenge.of(year), time_to_collision_of_all=True)


def score_files(
    scenarios: str | Path,
    rollouts: str | Path,
    challenge: int | Challenge,
    *,
    rollouts_each: int = ROLLOUTS,
    workers: int = 1,
    device: str = "cpu",
) -> Outcome:
    """Score files as `simagents score` does, but write none.

    Several workers are processes of their own, so a script that asks for them must be importable:
    its commands stand under `if __name__ == "__main__":`.
    """
    if not isinstance(challenge, Challenge):
        challenge = Challenge.of(challenge)
    return score_entries(
        ScenarioLookup(Path(scenarios)), Sources(Path(rollouts)), challenge, rollouts_each, workers,
        device,
    )  # fmt: skip


def score_entries(
    scenarios: ScenarioLookup,
    sources: Sources,
    challenge: Challenge,
    rollouts_each: int,
    workers: int,
    device: str,
    progress: Progress | None = None,
    *,
    shown: bool = False,
) -> Outcome:
    """Score all that can be, a scenario at a time; what `progress` has is not computed again.

    `shown`: with a bar, and a line for each refused scenario, on stderr.
    """
    if rollouts_each < 1:
        raise InputError("--rollouts must be at least 1.")
    check_device(device)
    finished: dict[str, Any] = progress.finished if progress else {}
    seen: set[str] = set()
    twice: set[str] = set()

    def unfinished() -> Iterator[Entry]:
        for entry in sources:
            if entry.scenario in seen:
                twice.add(entry.scenario)
            elif entry.scenario not in finished:
                yield entry
            seen.add(entry.scenario)

    def tell(scenario: str, result: dict[str, Any]) -> None:
        if shown and "refused" in result:
            tqdm.write(f"{scenario or NAMELESS}: {result['refused']}", file=sys.stderr)

    def conclude(scenario: str, result: dict[str, Any]) -> None:
        finished[scenario] = result
        if progress:
            progress.add(scenario, result)
        tell(scenario, result)

    for scenario, result in finished.items():
        tell(scenario, result)
    scorer = Scorer(scenarios, challenge, rollouts_each, device)
    bar = tqdm(total=len(scenarios), initial=len(finished), unit="scenario", disable=not shown)
    with bar:
        for scenario, result in ordered(scorer, unfinished(), workers, prepare=_one_thread):
            conclude(scenario, result)
            bar.update()
        for scenario in sorted(twice):
            if finished[scenario] != {"refused": TWICE}:
                conclude(scenario, {"refused": TWICE})
    rows = sorted((name, result) for name, result in finished.items() if "refused" not in result)
    return Outcome(
        pd.DataFrame(
            [{"scenario_id": name, **result} for name, result in rows],
            columns=["scenario_id", *FIELDS],
        ),
        {name: result["refused"] for name, result in finished.items() if "refused" in result},
        [scenario for scenario in scenarios if scenario not in seen],
        scenarios.rejected + sources.damage,
    )


@dataclass
class Scorer:
    """Scores one scenario, in whichever process."""

    scenarios: ScenarioLookup
    challenge: Challenge
    rollouts_each: int
    device: str

    def __call__(self, entry: Entry) -> tuple[str, dict[str, Any]]:
        """The scenario, and its scores by name or {"refused": why}."""
        name = entry.scenario
        if name not in self.scenarios:
            return name, {"refused": "is none of the scenarios given." if name else NO_ID}
        try:
            scenario = self.scenarios[name]
            simulated = scenario.agent_id[scenario.simulated]
            _, trajectories = arranged(entry.scenes(), simulated, self.rollouts_each)
            reference = LogReference.of(scenario, self.challenge, device=self.device)
            rollouts = torch.from_numpy(trajectories).to(self.device)
            return name, score(reference, rollout_statistics(reference, rollouts)).numbers()
        except InputError as problem:
            return name, {"refused": str(problem)}


def _one_thread() -> None:
    torch.set_num_threads(1)
