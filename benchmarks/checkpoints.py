"""What saves and resumes of a run cost, by number of processes and ZeRO stage.

A save is timed from the call to its return on all processes: parts are gathered, written, flushed to
the disk, and older saves removed. A resume proves the newest save whole and loads it. Wall seconds,
the least of several, since others use the machine as well; the baseline is DeepSpeed's own
`save_checkpoint` and `load_checkpoint`, which flush nothing and prove nothing.

    OMP_NUM_THREADS=1 python benchmarks/checkpoints.py
    OMP_NUM_THREADS=1 python benchmarks/checkpoints.py --folder /scratch --worlds 1 2 4
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch.distributed as dist
import tyro
import yaml
from model_case import vocabulary_of
from wosac import MB, one_thread

from simagents.models.build import build_policy
from simagents.recipe import Recipe
from simagents.scenarios.synthetic import generate_scenario
from simagents.training.checkpoint import Checkpoint
from simagents.training.engine import start_processes, wrap

REPOSITORY = Path(__file__).parents[1]
BAR = 0.02
"""The largest share of a training hour that saves may take."""


@dataclass
class Args:
    """How much to measure, and where."""

    worlds: tuple[int, ...] = (1, 2)
    """numbers of processes"""
    stages: tuple[int, ...] = (0, 1, 2)
    """of ZeRO"""
    size: str = "7m"
    """a file of config/model"""
    repeat: int = 5
    """the least of so many times counts"""
    folder: Path | None = None
    """a disk to write to; the system's folder for temporary files if none is given"""
    job: str | None = None
    """measure only this, in this process (the benchmark calls itself)"""


@dataclass(frozen=True)
class Job:
    """One row: saves of all processes of a job."""

    size: str
    stage: int
    repeat: int
    folder: str


def main(args: Args) -> None:
    """Print a table in Markdown."""
    if args.job:
        found = measured(Job(**json.loads(args.job)))
        if dist.get_rank() == 0:
            print(json.dumps(found))
        return
    compute = _config("scale/paper")["compute"]
    print("| processes | stage | save | resume | a save | DeepSpeed: save | resume | a save |"
          " 2 % of an hour from |")  # fmt: skip
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for world in args.worlds:
        for stage in args.stages:
            with tempfile.TemporaryDirectory(dir=args.folder) as folder:
                row = _started(world, Job(args.size, stage, args.repeat, folder))
            least_step = row["save"] * (1 - BAR) / BAR / compute["save_every"]
            print(
                f"| {world} | {stage} | {row['save']:.2f} s | {row['resume']:.2f} s"
                f" | {row['bytes'] / MB:.1f} MB | {row['their_save']:.2f} s"
                f" | {row['their_resume']:.2f} s | {row['their_bytes'] / MB:.1f} MB"
                f" | {1000 * least_step:.0f} ms a step |",
                flush=True,
            )


def measured(job: Job) -> dict[str, float]:
    """Seconds and bytes of one job; the engine has made one step, so that moments are there."""
    start_processes()
    recipe = _recipe(job.size)
    policy = build_policy(recipe, vocabulary_of(generate_scenario(0, 0)))

    def engine() -> Any:
        return wrap(policy, recipe, 1, 1, job.stage)

    ours, theirs = Path(job.folder) / "ours", Path(job.folder) / "theirs"
    trained = engine()
    trained.backward(sum(parameter.square().sum() for parameter in trained.module.parameters()))
    trained.step()
    checkpoint = Checkpoint(trained, ours)
    found = {
        "save": _least(job.repeat, lambda time: checkpoint.save(time + 1, {})),
        "their_save": _least(
            job.repeat, lambda time: trained.save_checkpoint(str(theirs), tag=f"step{time}")
        ),
        "bytes": _size(ours / f"step{job.repeat}"),
        "their_bytes": _size(theirs / f"step{job.repeat - 1}"),
    }
    again = engine()
    found["resume"] = _least(job.repeat, lambda _: Checkpoint(again, ours).resume())
    found["their_resume"] = _least(job.repeat, lambda _: again.load_checkpoint(str(theirs)))
    return found


def _started(world: int, job: Job) -> dict[str, float]:
    torchrun = str(Path(sys.executable).with_name("torchrun"))
    command = [torchrun, "--standalone", f"--nproc-per-node={world}", __file__]
    done = subprocess.run(
        [*command, "--job", json.dumps(asdict(job))], capture_output=True, text=True,
        env=one_thread(), check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _least(repeat: int, work: Callable[[int], Any]) -> float:
    """Seconds until the slowest process is done, where all start together."""
    seconds = []
    for turn in range(repeat):
        dist.barrier()
        begun = time.perf_counter()
        work(turn)
        dist.barrier()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _config(name: str) -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / f"config/{name}.yaml").read_text())


def _recipe(size: str) -> Recipe:
    """Behaviour cloning; of it only the model and the optimiser matter here."""
    optimiser = _config("scale/paper")["optimiser"]
    budget = {"steps": 1, "batch": 1, "learning_rate": 5e-4, "rollouts": 0}
    return Recipe(
        stage="bc", algorithm="bc", seed=0, revision=0, parent=None, trains="everything",
        model=_config(f"model/{size}")["model"], tokens="", held_out=0, precision="bfloat16",
        budget=budget, optimiser=optimiser, coefficients={},
    )  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Args))
