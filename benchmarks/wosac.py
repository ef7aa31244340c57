"""What one evaluation of the realism meta-metric costs, against the official evaluator.

One core against one core, on the same scenario and the same rollouts, in one run: CPU seconds and
peak memory of ours, of the official implementation where its environment is installed
(envs/parity.txt), and the ratios. Then how ours grows with agents, rollouts, map and scenes, and
how far it is from the arithmetic that it does.

    OMP_NUM_THREADS=1 python benchmarks/wosac.py
    OMP_NUM_THREADS=1 python benchmarks/wosac.py --scenario scenario.pb --rollouts rollouts.npz
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from torch.utils._python_dispatch import TorchDispatchMode

from simagents.metrics import (
    Challenge,
    LogReference,
    features,
    leave_one_out,
    rollout_statistics,
    score,
    statistics_of,
)
from simagents.scenarios.scenario import CURRENT, MapKind, Scenario
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario

CHALLENGE = Challenge.of(2025)
OFFICIAL = Path(__file__).parents[1] / "tests/parity/official.py"
MB = 1e6


@dataclass
class Args:
    """How much to measure."""

    scenario: Path | None = None
    """a serialised Scenario; without it a synthetic one with 84 agents"""
    rollouts: Path | None = None
    """arrays x, y, z, heading [R, A, 80] (.npz); without them the log with noise"""
    official: Path = Path(".venv-parity/bin/python")
    """the interpreter beside which the official package is installed; skipped where there is none"""
    repeat: int = 7
    """the least of so many times counts"""
    growth: bool = True
    """also measure how the cost grows"""
    memory_of: Path | None = None
    """measure only the peak memory of this case, in this process (the benchmark calls itself)"""


def main(args: Args) -> None:
    """Print tables in Markdown."""
    torch.set_num_threads(1)
    if args.memory_of:
        print(json.dumps(peak_memory(args.memory_of)))
        return
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder)
        scenario, rollouts = write_case(args, case)
        ours = cost(scenario, rollouts, args.repeat)
        ours |= json.loads(
            subprocess.check_output(
                [sys.executable, __file__, "--memory-of", folder], env=one_thread()
            )
        )
        agents, evaluated = len(scenario.simulated), len(scenario.evaluated)
        print(
            f"{len(rollouts)} rollouts of {agents} agents, {evaluated} of them evaluated;"
            f" {road_segments(scenario)} segments of road edges\n"
        )
        print("| one evaluation | CPU s | peak MB |\n|---|--:|--:|")
        print(f"| ours | {ours['total']:.3f} | {ours['peak'] / MB:.0f} |")
        if args.official.exists():
            official = official_cost(args.official, case)
            print(
                f"| official | {official['cpu_seconds']:.1f} | {official['peak_bytes'] / MB:.0f} |"
            )
            print(
                f"| ratio | {official['cpu_seconds'] / ours['total']:.0f} "
                f"| {official['peak_bytes'] / ours['peak']:.1f} |"
            )
    print(f"\nOf ours, {ours['idle'] / MB:.0f} MB are the interpreter and torch.")
    print("\n| part | ms |\n|---|--:|")
    for part in ("log and map, once", "features", "counts", "score", "all leave-one-out scores"):
        print(f"| {part} | {1e3 * ours[part]:.1f} |")
    evaluation = ours["features"] + ours["counts"] + ours["score"]
    with_all = evaluation + ours["all leave-one-out scores"]
    print(f"\nAn evaluation and all leave-one-out scores: {with_all / evaluation:.3f} evaluations.")
    print(arithmetic(scenario, rollouts, ours["features"]))
    if args.growth:
        growth(args.repeat)


def write_case(args: Args, folder: Path) -> tuple[Scenario, torch.Tensor]:
    """What to measure, also as the files that the official evaluator reads."""
    record = args.scenario.read_bytes() if args.scenario else encode_scenario(crowd(84))
    scenario = decode_scenario(record, str(args.scenario or "synthetic"))
    if args.rollouts:
        arrays = np.load(args.rollouts)
        stacked = np.stack([arrays[name] for name in ("x", "y", "z", "heading")], axis=-1)
        rollouts = torch.from_numpy(stacked)
    else:
        rollouts = noisy(scenario, 32)
    (folder / "scenario.pb").write_bytes(record)
    columns = dict(zip(("x", "y", "z", "heading"), rollouts.unbind(-1), strict=True))
    ids = scenario.agent_id[scenario.simulated]
    np.savez(folder / "rollouts.npz", object_id=ids, **{k: v.numpy() for k, v in columns.items()})
    return scenario, rollouts


# ---- scenes of any size -----------------------------------------------------------------------------


def crowd(agents: int, maps: int = 1, seed: int = 0) -> Scenario:
    """A synthetic scenario with so many agents and copies of its map."""
    scenarios = (generate_scenario(seed, index) for index in range(8))
    largest = max(scenarios, key=lambda scenario: len(scenario.simulated))
    return with_agents(largest, agents, maps, seed)


def with_agents(scenario: Scenario, agents: int, maps: int = 1, seed: int = 0) -> Scenario:
    """The scenario with so many agents, up to eight of them evaluated beside the recording one.

    Further agents are copies of those that it has, some metres aside. Further maps are copies of its
    map, one beside the other.
    """
    random = np.random.default_rng(seed)
    simulated = scenario.simulated
    others = simulated[simulated != scenario.sdc]
    rows = np.concatenate([[scenario.sdc], np.resize(others, agents - 1)])
    copy = np.arange(agents) > len(simulated) - 1
    aside = random.normal(size=(agents, 1, 2)) * 15 * copy[:, None, None]
    position = scenario.position[rows].copy()
    position[..., :2] += np.where(scenario.valid[rows][..., None], aside, 0)
    per_agent = ("agent_type", "of_interest", "heading", "velocity", "valid", "size", "mean_size")
    lines = np.diff(scenario.map_start)
    shift = np.repeat(np.arange(maps), len(scenario.map_point)) * 400
    points = np.tile(scenario.map_point, (maps, 1))
    points[:, 0] += shift.astype(np.float32)
    number = np.arange(maps)[:, None] * (scenario.map_id.max() + 1)
    return replace(
        scenario,
        sdc=0,
        agent_id=np.arange(agents),
        to_predict=(np.arange(agents) > 0) & (np.arange(agents) <= 8),
        position=position,
        map_id=(scenario.map_id + number).flatten(),
        map_kind=np.tile(scenario.map_kind, maps),
        map_type=np.tile(scenario.map_type, maps),
        map_start=np.concatenate([[0], np.cumsum(np.tile(lines, maps))]),
        map_point=points,
        speed_limit=np.tile(scenario.speed_limit, maps),
        **{name: getattr(scenario, name)[rows] for name in per_agent},
    )


def noisy(scenario: Scenario, count: int) -> torch.Tensor:
    """The log as rollouts, each on a way of its own: drift that grows to some metres."""
    rows = scenario.simulated
    log = np.concatenate([scenario.position, scenario.heading[..., None]], axis=-1)[rows]
    seen = scenario.valid[rows]
    last = np.maximum.accumulate(np.where(seen, np.arange(seen.shape[1]), CURRENT), axis=1)
    log = np.take_along_axis(log, np.maximum(last, CURRENT)[..., None], axis=1)[:, CURRENT + 1 :]
    random = np.random.default_rng(0)
    steps = random.normal(size=(count, len(rows), log.shape[1], 4)) * [0.1, 0.1, 0.001, 0.01]
    return torch.from_numpy((log + steps.cumsum(axis=2)).astype(np.float32))


def road_segments(scenario: Scenario) -> int:
    """How many segments its road edges have."""
    return int((np.diff(scenario.map_start)[scenario.map_kind == MapKind.ROAD_EDGE] - 1).sum())


# ---- cost -------------------------------------------------------------------------------------------


def least(repeat: int, work: Callable) -> tuple[object, float]:
    """Result, and the least CPU seconds of several times."""
    seconds = []
    for _ in range(repeat):
        begin = time.process_time()
        result = work()
        seconds.append(time.process_time() - begin)
    return result, min(seconds)


def cost(scenario: Scenario, rollouts: torch.Tensor, repeat: int) -> dict[str, float]:
    """CPU seconds of each part."""
    parts = {}
    reference, parts["log and map, once"] = least(
        repeat, lambda: LogReference.of(scenario, CHALLENGE)
    )
    simulated, parts["features"] = least(repeat, lambda: features(reference, rollouts))
    statistics, parts["counts"] = least(repeat, lambda: statistics_of(reference, simulated))
    _, parts["score"] = least(repeat, lambda: score(reference, statistics).numbers())
    parts["total"] = sum(parts.values())
    _, parts["all leave-one-out scores"] = least(
        repeat, lambda: leave_one_out(reference, statistics)
    )
    return parts


def peak_memory(case: Path) -> dict[str, int]:
    """Bytes of this process before it has read anything, and at the peak of one evaluation."""
    idle = most_resident()
    args = Args(scenario=case / "scenario.pb", rollouts=case / "rollouts.npz")
    scenario = decode_scenario(args.scenario.read_bytes(), "case")
    arrays = np.load(args.rollouts)
    rollouts = torch.from_numpy(np.stack([arrays[k] for k in ("x", "y", "z", "heading")], axis=-1))
    reference = LogReference.of(scenario, CHALLENGE)
    score(reference, rollout_statistics(reference, rollouts)).numbers()
    return {"idle": idle, "peak": most_resident()}


def most_resident() -> int:
    """Most bytes that this process ever held; `getrusage` would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def one_thread() -> dict[str, str]:
    """The environment for a process that computes on one core."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


def official_cost(python: Path, case: Path) -> dict[str, float]:
    """Time and memory of one challenge year, as `official.py` measures its own."""
    command = [
        str(python), str(OFFICIAL), "--scenario", str(case / "scenario.pb"),
        "--rollouts", str(case / "rollouts.npz"), "--out", str(case / "official"),
        "--years", str(CHALLENGE.year),
    ]  # fmt: skip
    subprocess.run(command, check=True, env=one_thread(), stdout=subprocess.DEVNULL)
    return json.loads((case / "official" / "cost.json").read_text())


class Arithmetic(TorchDispatchMode):
    """Counts additions, multiplications, comparisons and the like, one for each element."""

    COUNTED = (
        "add", "sub", "rsub", "mul", "div", "sqrt", "hypot", "cos", "sin", "abs", "neg", "clamp",
        "minimum", "maximum", "sign", "remainder", "lt", "le", "gt", "ge", "eq", "exp", "log",
    )  # fmt: skip

    def __init__(self):
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if function.__name__.split(".")[0].rstrip("_") in self.COUNTED:
            self.operations += result.numel()
        return result


def arithmetic(scenario: Scenario, rollouts: torch.Tensor, seconds: float) -> str:
    """How many operations the features take, and how fast this core could do so many."""
    reference = LogReference.of(scenario, CHALLENGE)
    with Arithmetic() as counter:
        features(reference, rollouts)
    matrix = torch.rand(768, 768)
    values = torch.rand(1 << 15)
    product = least(20, lambda: matrix @ matrix)[1]
    stream = least(200, lambda: values * values)[1]
    speed = counter.operations / seconds
    peak, vector = 2 * len(matrix) ** 3 / product, len(values) / stream
    return (
        f"\nFeatures take {counter.operations / 1e6:.0f} million operations, {speed / 1e9:.2f} thousand"
        f" million a second: {speed / peak:.1%} of what this core reaches in a matrix product,"
        f" {speed / vector:.0%} of what it reaches multiplying vectors that stay in its cache."
    )


# ---- growth -----------------------------------------------------------------------------------------


def growth(repeat: int) -> None:
    """Milliseconds of one evaluation, the log and map apart, as one thing grows."""

    def evaluation(scenario, count=32, scenes=1):
        reference = LogReference.join([LogReference.of(scenario, CHALLENGE)] * scenes)
        rollouts = torch.cat([noisy(scenario, count)] * scenes, dim=1)
        work = lambda: score(reference, rollout_statistics(reference, rollouts))  # noqa: E731
        return 1e3 * least(repeat, work)[1] / scenes

    def row(title, values, unit, of):
        cells = [f"{value}: {of(value):.0f}" for value in values]
        print(f"| {title} | {unit} | " + " | ".join(cells) + " |")

    middle = crowd(64)
    print("\n| ms per scenario | as | | | | |\n|---|---|--:|--:|--:|--:|")
    row("agents", (8, 32, 64, 128), "number", lambda n: evaluation(crowd(n)))
    row("rollouts", (8, 16, 32, 64), "number", lambda n: evaluation(middle, n))
    row("map", (1, 2, 4, 8), "times", lambda n: evaluation(crowd(64, maps=n)))
    row("scenes in a batch", (1, 2, 4, 16), "number", lambda n: evaluation(middle, scenes=n))


if __name__ == "__main__":
    main(tyro.cli(Args))
