"""A clone of the repository, and `snakemake --profile slurm` in it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import yaml

from simagents.training.resume.save_folder import last
from slurm import processes
from slurm.cluster import Cluster
from slurm.processes import wait_until

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "config", "workflow", "profiles", "slurm", "paper", "envs")
TABLE = "results/demo/tables/training_strategy"
TABLES = tuple(f"{TABLE}.{ending}" for ending in ("json", "tex", "md"))
LAST, RULE = "rft", "train_parent"
"""the stage of the run that is disturbed, which starts from all others, and the rule that trains it"""


class Repository:
    """A folder with the workflow, in which one Snakemake runs at a time."""

    def __init__(self, folder: Path, cluster: Cluster):
        self.folder, self.cluster = folder, cluster
        self.run_name = "none"
        """of the run that is disturbed, once it is known"""
        self._snakemake: subprocess.Popen | None = None

    @staticmethod
    def clone(folder: Path, cluster: Cluster) -> "Repository":
        """As it is in git, with the cut-down configuration added."""
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            folder.mkdir(parents=True, exist_ok=True)
            copy(source, folder / part)
        (folder / "slurm/local.yaml").unlink(missing_ok=True)
        shutil.copy2(Path(__file__).with_name("cut.yaml"), folder / "config/cut.yaml")
        return Repository(folder, cluster)

    def copy(self, folder: Path) -> "Repository":
        """A copy of everything, with modification times."""
        return Repository(Path(shutil.copytree(self.folder, folder, symlinks=True)), self.cluster)

    def forget_last_run(self) -> None:
        """Remove the run and everything computed from it, but not its recipe's name."""
        self.run_name = next(self.folder.glob(f"results/demo/runs/{LAST}-*")).name
        for output in (f"results/demo/runs/{self.run_name}", f"results/demo/scores/{self.run_name}",
                       "results/demo/tables", f"resume/{self.run_name}", "logs"):  # fmt: skip
            shutil.rmtree(self.folder / output)
        (self.folder / "snakemake.log").unlink()

    def change(self, **compute: int) -> None:
        """Set keys of `compute`."""
        path = self.folder / "config/cut.yaml"
        content = yaml.safe_load(path.read_text())
        content["compute"] |= compute
        path.write_text(yaml.safe_dump(content))

    # ---- Snakemake -------------------------------------------------------------------------------

    def start(self, *words: str, **environment: str) -> subprocess.Popen:
        """`snakemake --profile slurm` for the table; `words` are further options."""
        programs = Path(sys.executable).parent
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        # A shell that runs the tests in the background has them, and all that they start, ignore Ctrl-C.
        impatient = [
            "env",
            "--default-signal=INT",
            sys.executable,
            Path(__file__).with_name("impatient.py"),
        ]
        with (self.folder / "snakemake.log").open("ab") as out:
            self._snakemake = subprocess.Popen(
                [*impatient, "--profile", "slurm", "--configfile", "config/cut.yaml",
                 "--latency-wait", "10", *words, "--", *TABLES],
                cwd=self.folder, env={**self.cluster.environment, "PATH": path, **environment},
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        return self._snakemake

    def end(self, limit: float = 400) -> None:
        """Wait for Snakemake, which must succeed."""
        status = self._snakemake.wait(limit)
        assert status == 0, f"Snakemake ended with {status}:\n{self.printed()}\n{self.logged()}"

    def run(self, *words: str) -> None:
        """The whole workflow, to its end."""
        self.start(*words)
        self.end()

    def stop(self) -> None:
        """After a test that failed: neither Snakemake nor its jobs disturb the next one."""
        if self._snakemake is not None:
            self._snakemake.kill()
            self._snakemake.wait()
        left = set(self.cluster.jobs_in(self.folder)) & set(self.cluster.waiting())
        for job in left:
            self.cluster.output_of("scancel", job)
        wait_until("its jobs to end", lambda: not left & set(self.cluster.waiting()), 60)

    def kill_snakemake(self) -> None:
        """With SIGKILL, so that it cannot cancel its jobs."""
        self._snakemake.kill()
        self._snakemake.wait()

    def interrupt(self) -> None:
        """Ctrl-C: Snakemake cancels its jobs, which save. Again where it has not ended, as people do."""
        for patience in (60, 60, 120):
            self._snakemake.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._snakemake.wait(patience)
                break
        assert self._snakemake.poll() is not None, self.printed()
        wait_until("its jobs to end", lambda: not self.cluster.waiting(), 60)

    def unlock(self) -> None:
        """Snakemake needs this after it was killed."""
        self.run("--unlock")

    def printed(self) -> str:
        """What Snakemake printed so far."""
        return (self.folder / "snakemake.log").read_text()

    # ---- the run that is disturbed ---------------------------------------------------------------

    @property
    def resume(self) -> Path:
        return self.folder / "resume" / self.run_name

    def logged(self) -> str:
        """The logs of all attempts to train it, in their order."""
        log = self.folder / f"logs/demo/train/{self.run_name}.attempts.log"
        return log.read_text() if log.exists() else ""

    def saved(self) -> int:
        """Steps of the newest save."""
        return last(self.resume)

    def saves(self) -> list[int]:
        """Steps of all saves, whole or not."""
        return sorted(int(path.name[4:]) for path in self.resume.glob("step*"))

    def wait_for_step(self, step: int) -> str:
        """Wait until that step is trained, saved or not; returns the SLURM job that trains it."""
        history = self.resume / "history.jsonl"

        def reached() -> bool:
            assert self._snakemake.poll() is None, f"Snakemake ended:\n{self.printed()}"
            return history.exists() and len(history.read_text().splitlines()) >= step

        wait_until(f"step {step}", reached, 240, every=0.05)
        return self.jobs()[-1]

    def jobs(self) -> list[str]:
        """SLURM jobs that trained it from here, the oldest first."""
        logs = self.folder.glob(f"logs/slurm/rule_{RULE}/{self.run_name}/*.log")
        return sorted((path.stem for path in logs), key=int)

    def resumed(self) -> list[int]:
        """The step from which each attempt resumed, as its progress bar shows before the first loss."""
        first_steps = re.findall(
            rf"{LAST}: +\d+%\|[^|]*\| (\d+)/\d+ \[[^,\]]*,[^,\]]*\]", self.logged()
        )
        return [int(step) for step in first_steps]

    def ranks(self) -> list[int]:
        """Its training processes, by rank, without those that read data for them."""
        processes_of = {}
        for pid in processes.running(self.cluster.folder):
            environment = processes.environment(pid)
            if f"resume/{self.run_name}" in processes.command(pid) and "RANK" in environment:
                processes_of.setdefault(int(environment["RANK"]), []).append(pid)
        # Readers are forked from their rank, and so younger.
        return [min(processes_of[rank]) for rank in sorted(processes_of)]

    def rest(self) -> list[int]:
        """Stop its processes within a step, like a long step; SLURM continues those that it ends."""
        for pid in (pids := self.ranks()):
            os.kill(pid, signal.SIGSTOP)
        return pids

    def tables(self) -> dict[str, bytes]:
        """The tables as they lie on disk."""
        return {name: (self.folder / name).read_bytes() for name in TABLES}
