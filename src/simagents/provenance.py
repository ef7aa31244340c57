"""Where a result came from: commit, versions, machine."""

import platform
import subprocess
from importlib.metadata import version
from typing import Any

_PACKAGES = ("simagents", "torch", "deepspeed", "numpy", "snakemake")


def provenance() -> dict[str, Any]:
    """What to keep beside a result. No time stamps: equal work gives equal files."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str:
    """The working tree's commit, with `+changes` where it has some; `unknown` outside of git."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        return f"{head}+changes" if _git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()
