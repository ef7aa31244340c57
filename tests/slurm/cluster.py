"""A private Slurm: munged, slurmctld and three slurmd on loopback, children of this process."""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from slurm import processes, settings
from slurm.processes import MARK, wait_until

SYSTEM = Path("/etc/slurm")
"""where Slurm looks first; Snakemake's executor removes SLURM_CONF from the environment of jobs"""
FILES = ("slurm.conf", "gres.conf", "cgroup.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")


class RefusedError(Exception):
    """Why no private Slurm can be started here, in one sentence."""


class Cluster:
    """Started when entered, gone with all its processes when left."""

    def __init__(self):
        self._daemons: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "Cluster":
        _check()
        _remove_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix="simagents-slurm-"))
        self.folder.chmod(0o755)  # munged trusts no other
        self._held = (self.folder / "held").open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        self.environment = {**os.environ, MARK: str(self.folder)}
        for name in ("log", "state", "spool", "dev"):
            (self.folder / name).mkdir()
        for name in settings.NODES:
            for number in range(settings.GPUS):
                device = self.folder / "dev" / f"{name}-{number}"
                os.mknod(device, 0o20666, os.makedev(1, 3))
        settings.write(self.folder)
        SYSTEM.mkdir(exist_ok=True)
        for name in FILES:
            (SYSTEM / name).symlink_to(self.folder / name)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        _remove(self.folder)
        self._held.close()

    # ---- what administrators do, and failures ----------------------------------------------------

    def crash(self, node: str) -> None:
        """The node loses power."""
        processes.kill(lambda: processes.on_node(self.folder, node))
        self._daemons.pop(node).wait()

    def boot(self, node: str) -> None:
        self._daemon(node, "slurmd", "-D", "-N", node)

    def drain(self, node: str) -> None:
        """The node takes no more jobs."""
        self.output_of("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")

    def undrain(self, node: str) -> None:
        self.output_of("scontrol", "update", f"nodename={node}", "state=resume")

    def restart_controller(self, after: float) -> None:
        """It does not answer for `after` seconds."""
        controller = self._daemons.pop("slurmctld")
        controller.terminate()  # it writes its state, as on a reboot of its machine
        controller.wait()
        time.sleep(after)
        self._daemon("slurmctld", "slurmctld", "-D")
        wait_until("the controller to answer", self._answers, 30)

    # ---- commands of users -----------------------------------------------------------------------

    def output_of(self, *words: str) -> str:
        """What one of Slurm's commands prints."""
        finished = subprocess.run(
            words, capture_output=True, text=True, env=self.environment, timeout=60
        )
        if finished.returncode:
            raise RuntimeError(f"{' '.join(words)}: {finished.stderr}")
        return finished.stdout.strip()

    def state(self, job: str) -> str:
        """PENDING, RUNNING, COMPLETED and so on."""
        return self.output_of(
            "squeue", "--states=all", "--noheader", "--format=%T", f"--jobs={job}"
        )

    def nodes_of(self, job: str) -> str:
        """The nodes that it runs on; empty while it waits."""
        return self.output_of(
            "squeue", "--states=all", "--noheader", "--format=%N", f"--jobs={job}"
        )

    def restarts(self, job: str) -> int:
        """How often SLURM itself has restarted it."""
        shown = self.output_of("scontrol", "--oneliner", "show", "job", job)
        return int(re.search(r"Restarts=(\d+)", shown)[1])

    def jobs_in(self, folder: Path) -> dict[str, str]:
        """States of all jobs that were submitted from a folder."""
        listed = self.output_of("squeue", "--states=all", "--noheader", "--format=%i|%T|%Z")
        rows = [line.split("|") for line in listed.splitlines()]
        return {job: state for job, state, where in rows if where == str(folder)}

    def waiting(self) -> list[str]:
        """Jobs that have not ended."""
        return self.output_of("squeue", "--noheader", "--format=%i").split()

    def states(self) -> dict[str, str]:
        """What each node is: idle, mixed, allocated, down and so on."""
        listed = self.output_of(
            "sinfo", "--noheader", "--Node", "--partition=work", "--format=%N %T"
        )
        return dict(line.split() for line in listed.splitlines())

    # ---- its parts -------------------------------------------------------------------------------

    def _start(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        files = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munge.pid",
                 "seed-file": "munge.seed", "log-file": "log/munged.log"}  # fmt: skip
        words = [f"--{flag}={self.folder / name}" for flag, name in files.items()]
        self._daemon("munged", "munged", "--foreground", "--force", *words)
        wait_until("munge's socket", (self.folder / "munge.sock").exists, 10)
        self._daemon("slurmctld", "slurmctld", "-D")
        for node in settings.NODES:
            self.boot(node)
        wait_until("the nodes to be idle", self._idle, 30)

    def _daemon(self, name: str, *words: str) -> None:
        with (self.folder / "log" / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.environment,
                start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        ping = subprocess.run(
            ["scontrol", "ping"], capture_output=True, text=True, env=self.environment
        )
        return "UP" in ping.stdout

    def _idle(self) -> bool:
        for name, daemon in self._daemons.items():
            if daemon.poll() is not None:
                output = (self.folder / "log" / f"{name}.out").read_text()[-2000:]
                raise RefusedError(f"{name} does not start: {output}")
        return self._answers() and set(self.states().values()) == {"idle"}


def _check() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise RefusedError(f"{', '.join(missing)}: not installed; run envs/slurm.sh.")
    if os.geteuid() != 0:
        raise RefusedError("A private Slurm starts jobs, which only root may; run this as root.")
    for name in FILES:
        path = SYSTEM / name
        if (path.exists() or path.is_symlink()) and not _ours(path):
            raise RefusedError(
                f"{path} belongs to a Slurm of this machine on {socket.gethostname()}, which the"
                " tests leave alone; run them elsewhere."
            )


def _ours(path: Path) -> bool:
    """Whether a system file is a link that these tests made."""
    return path.is_symlink() and path.readlink().parent.name.startswith("simagents-slurm-")


def _remove_leftovers() -> None:
    """Remove what a killed test run has left. RefusedError where another run holds its lock."""
    for folder in {(SYSTEM / name).readlink().parent for name in FILES if _ours(SYSTEM / name)}:
        if (folder / "held").exists():
            with (folder / "held").open() as held:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise RefusedError(
                        f"{folder} holds the private Slurm of tests that still run; wait for them."
                    ) from None
        _remove(folder)


def _remove(folder: Path) -> None:
    processes.kill(lambda: processes.running(folder))
    for name in FILES:
        if _ours(SYSTEM / name) and (SYSTEM / name).readlink().parent == folder:
            (SYSTEM / name).unlink()
    shutil.rmtree(folder, ignore_errors=True)
