"""Where a result came from: commit, versions, machine."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("simagents", "torch", "deepspeed", "numpy", "snakemake")


def provenance() -> dict[str, Any]:
    """What to keep beside a result. No time stamps: equal work gives equal files."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "hardware": {"cpu": _processor(), "cores": os.cpu_count(), "memory_gb": memory_gb()},
    }


CHANGED = "+changes"
"""What follows the commit of a working tree that differs from it."""


def commit(root: Path = Path()) -> str:
    """The working tree's commit, with `CHANGED` where it has some; `unknown` outside of git."""
    try:
        head = _git(root, "rev-parse", "--short=10", "HEAD")
        return (
            f"{head}{CHANGED}"
            if _git(root, "status", "--porcelain", "--untracked-files=no")
            else head
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def memory_gb() -> float | None:
    """Memory of the machine in 10^9 bytes; None where the system does not say."""
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
    except (ValueError, OSError):
        return None


def _processor() -> str:
    """Linux names the model for each core; other systems know it by themselves."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
