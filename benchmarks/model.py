"""What training steps and rollouts of the policy cost, against the plain network, in one run.

Behaviour cloning, closed-loop fine-tuning (CAT-K), rollouts of 8 s and tokenisation of one scene:
time, peak memory, operations, and the share of what a large matrix product reaches. The baseline is
`tests/plain`: the published network with a key and a value for every edge, relations by formula, the
map repeated, tokens and targets computed in every step, and a loop over rollouts. Weights are not
trained; agents follow the log, so that scenes stay realistic.

    OMP_NUM_THREADS=1 python benchmarks/model.py
    OMP_NUM_THREADS=1 python benchmarks/model.py --scenario scenario.pb --no-growth
    python benchmarks/model.py --device cuda
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
import tyro
from model_case import write_case
from model_jobs import REPOSITORY, Job, fastest_product, measured
from wosac import MB, one_thread

from simagents.scenarios.scenario import Scenario
from simagents.tokens.scene import tokenize
from simagents.tokens.vocabulary import Vocabulary

ROLLOUTS = 32
CARD = 24 * 2**30
"""Bytes of a graphics card of the middle class."""
REWARDED = 4
"""Rollouts in a step of RFT that is measured; its cost is that many times one."""
WORKS = {
    "bc": "BC step",
    "catk": "CAT-K step",
    "rft": f"RFT step (MPO), {REWARDED} rollouts",
}


@dataclass
class Args:
    """How much to measure."""

    scenario: Path | None = None
    """a serialised Scenario; without it a synthetic one with 50 agents"""
    size: str = "7m"
    """a file of config/model"""
    device: str = "cpu"
    """cpu: one core, float32 and bfloat16; cuda: bfloat16"""
    batch: int = 0
    """copies of the scene in a step; 0: one on a CPU, 16 on a GPU"""
    repeat: int = 5
    """the least of so many times counts; the baseline is measured twice at most"""
    baseline: bool = True
    """also measure the plain network"""
    growth: bool = True
    """also measure how the cost grows"""
    job: str | None = None
    """measure only this, in this process (the benchmark calls itself)"""


def main(args: Args) -> None:
    """Print tables in Markdown."""
    if args.job:
        print(json.dumps(measured(Job(**json.loads(args.job)))))
        return
    torch.set_num_threads(1)
    gpu = args.device == "cuda"
    batch = args.batch or (16 if gpu else 1)
    precisions = ("bfloat16",) if gpu else ("float32", "bfloat16")
    peak = {precision: fastest_product(args.device, precision) for precision in precisions}
    with tempfile.TemporaryDirectory() as folder:
        scenario, vocabulary = write_case(args.scenario, Path(folder))
        job = partial(
            Job, case=folder, size=args.size, device=args.device, batch=batch, repeat=args.repeat
        )
        describe(scenario, vocabulary, batch)
        for precision, speed in peak.items():
            print(
                f"A large product of matrices in {precision}: {speed / 1e9:.0f} thousand million"
                " operations a second."
            )
        compare(args, job, peak)
        if args.growth:
            grow(job, precisions[0])


def describe(scenario: Scenario, vocabulary: Vocabulary, batch: int) -> None:
    """One line about the scene."""
    scene = tokenize(scenario, vocabulary)
    print(
        f"{scenario.id}: {len(scene.agent_class)} agents, {len(scene.map_token)} map tokens,"
        f" {int(scene.valid[:, :-1].sum())} nodes of agents in the log; {batch} in a batch.\n"
    )


def compare(args: Args, job: Callable[..., Job], peak: dict[str, float]) -> None:
    """A table of all kinds of work, ours and the baseline's."""
    unit = "seconds" if args.device == "cuda" else "CPU s"
    print(
        f"\n| work | network | precision | {unit} | peak MB | thousand million operations"
        " | of the limit | scenes/s |\n|---|---|---|--:|--:|--:|--:|--:|"
    )
    works = ("bc", 1), ("catk", 1), ("rollout", 1), ("rollout", ROLLOUTS), ("rft", REWARDED)
    for work, count in works:
        operations, ours = {}, {}
        # The plain network learns by imitation only.
        for plain in (False, True) if args.baseline and work != "rft" else (False,):
            for precision, speed in peak.items():
                looped = plain and count > 1
                numbers = child(
                    job(
                        work=work, plain=plain, precision=precision,
                        rollouts=1 if looped else count,
                        repeat=min(args.repeat, 2) if plain else args.repeat,
                    )
                )  # fmt: skip
                name = WORKS[work] if work != "rollout" else f"{count} x 8 s rolled out"
                kind = f"plain, {count} x one" if looped else "plain" if plain else "ours"
                if numbers is None:
                    print(f"| {name} | {kind} | {precision} | out of memory | | | | |")
                    continue
                times = count if looped else 1
                seconds = numbers["seconds"] * times
                operations.setdefault(plain, numbers["operations"] * times)
                speed_reached = operations[plain] / seconds
                print(
                    f"| {name} | {kind} | {precision} | {seconds:.3f} | {numbers['peak'] / MB:.0f}"
                    f" | {operations[plain] / 1e9:.1f} | {speed_reached / speed:.1%}"
                    f" | {numbers['scenes'] / seconds:.2f} |",
                    flush=True,
                )
                if not plain:
                    ours[precision] = seconds, numbers["peak"]
                if plain and precision in ours:
                    time, memory = ours[precision]
                    print(
                        f"| | ratio | {precision} | {seconds / time:.1f}"
                        f" | {numbers['peak'] / memory:.1f} | {operations[True] / operations[False]:.1f}"
                        " | | |",
                        flush=True,
                    )
    numbers = child(job(work="tokenise", plain=False, precision="float32", device="cpu"))
    print(
        f"| tokenisation, once | ours | | {numbers['seconds']:.3f} | {numbers['peak'] / MB:.0f} | | | |"
    )
    print(
        f"\nOf the memory of a process, {numbers['idle'] / MB:.0f} MB are the interpreter and torch."
    )
    print(
        "Operations are those of matrix products and look-ups; sums, norms and exponentials come on"
        " top. A GPU's memory is what tensors held at most."
    )


def grow(job: Callable[..., Job], precision: str) -> None:
    """Seconds and peak memory of ours while one size grows."""
    print("\n| ours | | BC step | CAT-K step | 32 rollouts |\n|---|--:|--:|--:|--:|")
    ours = partial(job, plain=False, precision=precision, batch=1, repeat=2)

    def row(title: str, value: int, cells: list[dict | None]) -> None:
        words = [
            f"{c['seconds']:.2f} s, {c['peak'] / MB:.0f} MB" if c else "out of memory"
            for c in cells
        ]
        print(f"| {title} | {value} | " + " | ".join(words) + " |", flush=True)

    def all_works(agents: int, pieces: int) -> list[dict | None]:
        sizes = {"agents": agents, "pieces": pieces}
        return [
            child(ours(work="bc", **sizes)),
            child(ours(work="catk", **sizes)),
            child(ours(work="rollout", rollouts=ROLLOUTS, **sizes)),
        ]

    for agents in (8, 32, 64, 128):
        cells = all_works(agents, 2000)
        row("agents", agents, cells)
    for pieces in (500, 2000, 4000):
        row("map tokens", pieces, all_works(64, pieces))
    for count in (1, 8, 32):
        numbers = child(ours(work="rollout", rollouts=count, agents=64, pieces=2000))
        print(
            f"| rollouts | {count} | | | {numbers['seconds']:.2f} s, {numbers['peak'] / MB:.0f} MB |"
            if numbers
            else f"| rollouts | {count} | | | out of memory |",
            flush=True,
        )
    cells = all_works(128, 4000)
    row("128 agents, map tokens", 4000, cells)
    print(
        f"\nOne scene in {precision}. Agents and rollouts grow over 2000 map tokens, the map and the"
        " rollouts with 64 agents."
    )
    if all(cells):
        largest = max(cell["peak"] for cell in cells)
        print(
            f"128 agents on 4000 map tokens take {largest / 2**30:.1f} GiB at most:"
            f" {largest / CARD:.0%} of 24 GiB."
        )


def child(job: Job) -> dict | None:
    """The job's numbers, from a process of its own; None where memory did not suffice."""
    environment = one_thread() if job.device == "cpu" else dict(os.environ)
    path = [str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH")]
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, __file__, "--job", json.dumps(asdict(job))]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    if "OutOfMemoryError" in finished.stderr or finished.returncode == -signal.SIGKILL:
        return None
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    return json.loads(finished.stdout.splitlines()[-1])


if __name__ == "__main__":
    main(tyro.cli(Args))
