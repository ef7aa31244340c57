"""Kernels that a step launches on an accelerator, and how often Python waits for it, without having one.

The published size on `tests/standin`, a device whose numbers the CPU computes. Views and allocations do
not count. Steps of training are counted up to their gradients: an optimiser that treats all weights at
once adds a few.

    OMP_NUM_THREADS=1 PYTHONPATH=tests python benchmarks/launches.py
    OMP_NUM_THREADS=1 PYTHONPATH=tests python benchmarks/launches.py --scenario scenario.pb --batches 1 8
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from model_case import write_case
from model_jobs import Job, case_of, loss_of, work_of

from simagents.scenarios.scenario import Scenario
from simagents.tokens.vocabulary import Vocabulary
from standin.device import NAME, standin

ROLLOUTS = 2
WORKS = {
    "bc": "BC step",
    "catk": "CAT-K step",
    "rft": f"RFT step (MPO), {ROLLOUTS} rollouts",
    "rollout": f"{ROLLOUTS} rollouts of 8 s, for each of 18 nodes",
}
NODES = 18


@dataclass
class Args:
    """What to count."""

    scenario: Path | None = None
    """a serialised Scenario; without it a synthetic one"""
    size: str = "7m"
    """a file of config/model"""
    agents: int = 12
    """of each scene: counts hardly depend on them, and times do"""
    pieces: int = 300
    """of the map"""
    batches: tuple[int, ...] = (1, 2)
    """copies of the scene in a step"""


def main(args: Args) -> None:
    """Print a table of kernels, waits and uploads."""
    with tempfile.TemporaryDirectory() as folder:
        scenario, vocabulary = write_case(args.scenario, Path(folder))
    print("| work | scenes | kernels | waits | uploads |\n|---|--:|--:|--:|--:|")
    for work, title in WORKS.items():
        for batch in args.batches:
            job = Job(
                "", work, False, "float32", args.size, NAME, batch, 1, ROLLOUTS, args.agents,
                args.pieces,
            )  # fmt: skip
            numbers = counted(job, scenario, vocabulary)
            if work == "rollout":
                numbers = [number / NODES for number in numbers]
            print(
                f"| {title} | {batch} |", " | ".join(f"{n:,.0f}" for n in numbers), "|", flush=True
            )


def counted(job: Job, scenario: Scenario, vocabulary: Vocabulary) -> list[int]:
    """Kernels, waits and uploads of one step."""
    torch.manual_seed(0)
    with standin() as counts:
        case = case_of(job, scenario, vocabulary)
        trains = job.work != "rollout"
        step = loss_of(job, *case) if trains else work_of(job, *case)
        kinds = (counts.kernels, counts.waits, counts.uploads)
        for kind in kinds:
            kind.clear()
        result = step()
        if trains:
            result.backward()
    return [kind.total() for kind in kinds]


if __name__ == "__main__":
    main(tyro.cli(Args))
