"""Run the official evaluator and ours on the same rollouts, and print the largest differences.

`make parity` sets the official environment up and calls this.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro

from parity import compare, embedded, policies
from parity.compare import ALLOWED, SCORES_ALLOWED, Difference
from simagents.files import replacing, write_json
from simagents.metrics import Challenge, LogReference, features, score, statistics_of
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.tfrecord import read_records

OFFICIAL = Path(__file__).parent / "official.py"
PINS = Path(__file__).parents[2] / "envs/parity.txt"


@dataclass
class Args:
    """What to compare; without arguments all embedded scenarios."""

    python: Path
    """the interpreter of the official environment"""
    results: Path = Path("results/parity")
    """official values by digest of what they depend on: a run that was killed goes on from there"""
    scenes: list[str] = field(default_factory=lambda: list(embedded.CASES))
    """embedded scenarios"""
    records: list[Path] = field(default_factory=list)
    """TFRecord shards of WOMD whose scenarios to compare as well, with --policies"""
    policies: list[str] = field(default_factory=lambda: ["noise", "walk"])
    """for scenarios of --records"""
    years: list[int] = field(default_factory=lambda: [2023, 2024, 2025])
    record: bool = False
    """keep the official values of embedded scenarios as those that the tests compare with"""


@dataclass
class Case:
    """One set of rollouts."""

    scene: str
    policy: str
    scenario: Scenario
    record: bytes
    """the proto that the scenario comes from"""

    @property
    def rollouts(self) -> np.ndarray:
        return policies.rollouts_of(self.scenario, self.policy)


def cases(args: Args) -> Iterator[Case]:
    """The cases that the arguments name."""
    if unknown := set(args.scenes) - set(embedded.CASES):
        raise SystemExit(
            f"parity: no scenario {min(unknown)}; there are {', '.join(embedded.CASES)}."
        )
    if unknown := set(args.policies) - set(policies.POLICIES):
        names = ", ".join(policies.POLICIES)
        raise SystemExit(f"parity: no policy {min(unknown)}; there are {names}.")
    for scene in args.scenes:
        scenario, record = embedded.read(scene)
        for policy in embedded.CASES[scene]:
            yield Case(scene, policy, scenario, record)
    for path in args.records:
        for record in read_records(path):
            scenario = decode_scenario(record, str(path))
            for policy in filter(partial(policies.applies, scenario), args.policies):
                yield Case(scenario.id, policy, scenario, record)


def official_values(case: Case, args: Args) -> Path:
    """The folder with the output of `official.py` for a case; it runs where the folder is missing."""
    rollouts = case.rollouts
    content = hashlib.blake2b(digest_size=5)
    for part in (case.record, rollouts.tobytes(), OFFICIAL.read_bytes(), PINS.read_bytes()):
        content.update(part)
    content.update(str(args.years).encode())
    folder = args.results / f"{case.scene}-{case.policy}-{content.hexdigest()}"
    if not folder.exists():
        unfinished = folder.with_suffix(".partial")
        with tempfile.TemporaryDirectory() as scratch:
            scenario, arrays = Path(scratch, "scenario.pb"), Path(scratch, "rollouts.npz")
            scenario.write_bytes(case.record)
            named = dict(zip(("x", "y", "z", "heading"), np.moveaxis(rollouts, -1, 0), strict=True))
            np.savez(arrays, object_id=case.scenario.agent_id[case.scenario.simulated], **named)
            command = [args.python, OFFICIAL, "--scenario", scenario, "--rollouts", arrays]
            command += ["--out", unfinished, "--years", *map(str, args.years)]
            # That interpreter must not import our modules.
            environment = {
                name: value for name, value in os.environ.items() if name != "PYTHONPATH"
            }
            subprocess.run(command, check=True, env=environment)
        unfinished.rename(folder)
    return folder


def keep(case: Case, folder: Path) -> None:
    """Write the official values that the tests compare with.

    To be small: of the features per step that are numbers, those of a few rollouts, or of one where
    all are equal. Scores are of all rollouts, and so hold each value's bin.
    """
    arrays = dict(np.load(folder / "features.npz"))
    few = {name: arrays[name] for name in ALLOWED}
    numbers = [name for name in ALLOWED if few[name].ndim == 3 and few[name].dtype != bool]
    equal = all(
        np.array_equal(few[name], few[name][[0] * policies.ROLLOUTS], equal_nan=True)
        for name in numbers
    )
    kept = np.array([0]) if equal else np.array([0, 9, 18, 27])
    few |= {name: few[name][kept] for name in numbers}
    scene = embedded.GOLDEN / case.scene
    with replacing(scene / case.policy / "features.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, rollout=kept, **few)
    with replacing(scene / "log_features.npz") as temporary, temporary.open("wb") as file:
        logged = np.load(folder / "log_features.npz")
        np.savez_compressed(file, valid=logged["valid"], **{name: logged[name] for name in ALLOWED})
    official = json.loads((folder / "official.json").read_text())
    official |= {"policy": case.policy, "rollouts": policies.digest(case.rollouts)}
    write_json(scene / case.policy / "official.json", official)


def main(args: Args) -> int:
    """Compare everything; 1 if anything differs by more than it may."""
    by_feature: dict[str, list[Difference]] = {name: [] for name in ALLOWED}
    by_year: dict[int, dict[str, float]] = {year: {} for year in args.years}
    todo = list(cases(args))
    for number, case in enumerate(todo, 1):
        begun = time.monotonic()
        folder = official_values(case, args)
        took = time.monotonic() - begun
        official = json.loads((folder / "official.json").read_text())["configs"]
        references = {y: LogReference.of(case.scenario, Challenge.of(y)) for y in args.years}
        reference = references[args.years[-1]]
        ours = features(reference, torch.from_numpy(case.rollouts))
        worst = 0.0
        for values, file in ((ours, "features"), (reference.scene.log_features(), "log_features")):
            differences = compare.features_differ(values, np.load(folder / f"{file}.npz"))
            for name, difference in differences.items():
                by_feature[name].append(difference)
        for year, each in references.items():
            numbers = score(each, statistics_of(each, ours)).numbers()
            differences = compare.scores_differ(numbers, official[str(year)])
            worst = max(worst, *differences.values())
            for name, difference in differences.items():
                by_year[year][name] = max(difference, by_year[year].get(name, 0.0))
        if args.record and case.scene in embedded.CASES:
            keep(case, folder)
        print(
            f"[{number}/{len(todo)}] {case.scene}, {case.policy}: scores differ by {worst:.1e} at"
            f" most ({took:.0f} s)",
            flush=True,
        )
    return report(by_feature, by_year)


def report(by_feature: dict[str, list[Difference]], by_year: dict[int, dict[str, float]]) -> int:
    """Print both tables; 1 if anything is beyond what is allowed."""
    within = True
    columns = f"{'largest difference':>20}{'allowed':>10}{'same NaN':>10}{'values':>12}"
    print(f"\n{'feature':34}{columns}")
    for name, several in by_feature.items():
        worst = Difference.worst(several)
        within &= worst.same_nan and worst.largest <= ALLOWED[name]
        nan = "yes" if worst.same_nan else "NO"
        print(f"{name:34}{worst.largest:20.1e}{ALLOWED[name]:10.0e}{nan:>10}{worst.values:12,}")
    print(f"\n{'year':6}{'meta-metric':>20}{'worst field':>20}{'allowed':>10}  which")
    for year, fields in by_year.items():
        name = max(fields, key=fields.get)
        within &= fields[name] <= SCORES_ALLOWED
        numbers = f"{fields['metametric']:20.1e}{fields[name]:20.1e}{SCORES_ALLOWED:10.0e}"
        print(f"{year:<6}{numbers}  {name}")
    print("\nparity: " + ("within what is allowed." if within else "BEYOND what is allowed."))
    return int(not within)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args)))
