"""What saves and resumes of a run cost, by number of processes and ZeRO stage.

A save is timed from the call to its return on all processes: parts are gathered, written, flushed to
the disk, and older saves removed. A resume verifies the newest save and loads it. Wall seconds,
the least of several, since others use the machine as well; the baseline is DeepSpeed's own
`save_checkpoint` and `load_checkpoint`, which neither flush nor verify.

    OMP_NUM_THREADS=1 python benchmarks/checkpoints.py
    OMP_NUM_THREADS=1 python benchmarks/checkpoints.py --folder /scratch --processes 1 2 4
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

from simagents.config.recipe import Recipe
from simagents.models.families import build_policy
from simagents.scenarios.synthetic import generate_scenario
from simagents.training.distributed.engine import update, wrap
from simagents.training.distributed.processes import start_processes
from simagents.training.resume.checkpoint import Checkpoint

REPOSITORY = Path(__file__).parents[1]
BAR = 0.02
"""The largest share of a training hour that saves may take."""


@dataclass
class Args:
    """How much to measure, and where."""

    processes: tuple[int, ...] = (1, 2)
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
        numbers = measured(Job(**json.loads(args.job)))
        if dist.get_rank() == 0:
            print(json.dumps(numbers))
        return
    compute = _config("scale/paper")["compute"]
    print("| processes | stage | save | resume | a save | DeepSpeed: save | resume | a save |"
          " 2 % of an hour from |")  # fmt: skip
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for processes in args.processes:
        for stage in args.stages:
            with tempfile.TemporaryDirectory(dir=args.folder) as folder:
                row = _started(processes, Job(args.size, stage, args.repeat, folder))
            least_step = row["save"] * (1 - BAR) / BAR / compute["save_every"]
            print(
                f"| {processes} | {stage} | {row['save']:.2f} s | {row['resume']:.2f} s"
                f" | {row['bytes'] / MB:.1f} MB | {row['deepspeed_save']:.2f} s"
                f" | {row['deepspeed_resume']:.2f} s | {row['deepspeed_bytes'] / MB:.1f} MB"
                f" | {1000 * least_step:.0f} ms a step |",
                flush=True,
            )


def measured(job: Job) -> dict[str, float]:
    """Seconds and bytes of one job; the engine has taken one step, so that moments exist."""
    start_processes()
    recipe = _recipe(job.size)
    policy = build_policy(recipe, vocabulary_of(generate_scenario(0, 0)))

    def engine() -> Any:
        return wrap(policy, recipe, 1, 1, job.stage)

    ours, deepspeed = Path(job.folder) / "ours", Path(job.folder) / "deepspeed"
    trained = engine()
    trained.backward(sum(parameter.square().sum() for parameter in trained.module.parameters()))
    update(trained, recipe.optimiser.clip)
    checkpoint = Checkpoint(trained, ours, "recipe")
    numbers = {
        "save": _least(job.repeat, lambda time: checkpoint.save(time + 1, {})),
        "deepspeed_save": _least(
            job.repeat, lambda time: trained.save_checkpoint(str(deepspeed), tag=f"step{time}")
        ),
        "bytes": _size(ours / f"step{job.repeat}"),
        "deepspeed_bytes": _size(deepspeed / f"step{job.repeat - 1}"),
    }
    fresh = engine()
    numbers["resume"] = _least(job.repeat, lambda _: Checkpoint(fresh, ours, "recipe").resume())
    numbers["deepspeed_resume"] = _least(
        job.repeat, lambda _: fresh.load_checkpoint(str(deepspeed))
    )
    return numbers


def _started(processes: int, job: Job) -> dict[str, float]:
    torchrun = str(Path(sys.executable).with_name("torchrun"))
    command = [torchrun, "--standalone", f"--nproc-per-node={processes}", __file__]
    finished = subprocess.run(
        [*command, "--job", json.dumps(asdict(job))], capture_output=True, text=True,
        env=one_thread(), check=False,
    )  # fmt: skip
    if finished.returncode:
        sys.exit(finished.stderr)
    return json.loads(finished.stdout.splitlines()[-1])


def _least(repeat: int, work: Callable[[int], Any]) -> float:
    """Seconds until the slowest process is done, where all start together."""
    seconds = []
    for turn in range(repeat):
        dist.barrier()
        start = time.perf_counter()
        work(turn)
        dist.barrier()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _config(name: str) -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / f"config/{name}.yaml").read_text())


def _recipe(size: str) -> Recipe:
    """Behaviour cloning; only the model and the optimiser matter here."""
    optimiser = _config("scale/paper")["optimiser"]
    budget = {"steps": 1, "batch": 1, "learning_rate": 5e-4, "rollouts": 0}
    algorithm = {"name": "bc", "label_smoothing": 0.1, "smoothing": "uniform"}
    return Recipe(
        stage="bc", seed=0, revision=0, parent=None, trains="everything",
        model=_config(f"model/{size}")["models"]["smart"], data="", tokens="", held_out=0,
        precision="bfloat16", budget=budget, optimiser=optimiser, algorithm=algorithm,
    )  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Args))
