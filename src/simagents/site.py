"""What a cluster wants to know of every job: partition, account and the like, from one place.

The environment (SIMAGENTS_PARTITION, …) is stronger than `slurm/local.yaml`, which git ignores.
Loads nothing but YAML: Snakemake reads it before each run, and in every job.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from simagents.errors import InputError, unknown_key

LOCAL = Path("slurm/local.yaml")
EXAMPLE = Path("slurm/local.example.yaml")


@dataclass(frozen=True)
class Site:
    """Words for sbatch; empty where the cluster's own default is wanted."""

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    gpu_model: str = ""
    """type of GPU, as the cluster calls it"""
    extra: str = ""
    """further options of sbatch, as they are typed"""

    @staticmethod
    def read(local: Path = LOCAL) -> "Site":
        """Raises InputError where the file holds a key that nobody reads, or a type no job can have."""
        names = [field.name for field in fields(Site)]
        written = _written(local, names)
        site = Site(
            **{
                name: os.environ.get(f"SIMAGENTS_{name.upper()}") or str(written.get(name, ""))
                for name in names
            }
        )
        if not re.fullmatch(r"[\w.]*", site.gpu_model, re.ASCII):
            raise InputError(
                f"gpu_model: Snakemake's executor takes letters, digits, dots and underscores, not"
                f" `{site.gpu_model}`; choose such GPUs by `constraint` or `partition` instead."
            )
        return site

    @property
    def resources(self) -> dict[str, str]:
        """The same under the names of Snakemake's executor, for every job alike."""
        given = {
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "slurm_extra": self.extra,
        }
        # Expressions of Python, as Snakemake takes them for defaults.
        return {name: repr(value) for name, value in given.items() if value}


def _written(local: Path, names: list[str]) -> dict[str, str]:
    if not local.exists():
        return {}
    try:
        content = yaml.safe_load(local.read_text())
    except yaml.YAMLError as problem:
        raise InputError(f"{local}: no valid YAML ({' '.join(str(problem).split())}).") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{local}: wants lines like `partition: gpu`; {EXAMPLE} shows all.")
    for key, value in content.items():
        if key not in names:
            raise unknown_key(str(key), str(local), names)
        if isinstance(value, dict | list):
            raise InputError(f"{local}: `{key}` wants one word or line of text.")
    return {key: value for key, value in content.items() if value is not None}


def first_words(site: Site, local: Path = LOCAL) -> str:
    """What to tell who runs on a cluster without having said where; empty once they have."""
    if shutil.which("sbatch") is None:
        return (
            "There is no sbatch here, so nothing can be submitted; use a login node of a cluster."
        )
    if site != Site() or local.exists():
        return ""
    default = _default_partition()
    taken = (
        f"Jobs go to the partition `{default}`, the cluster's default,"
        if default
        else "This cluster has no default partition and may refuse jobs that name none; they go"
    )
    return (
        f"{taken} under the account that SLURM knows you by. To say otherwise: cp {EXAMPLE} {local},"
        " or set SIMAGENTS_PARTITION and the like (docs/cluster.md)."
    )


def _default_partition() -> str:
    """The partition that Slurm marks with a star; empty where there is none or nobody answers."""
    try:
        listed = subprocess.run(
            ["sinfo", "--noheader", "--format=%P"], capture_output=True, text=True, timeout=30
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((name.rstrip("*") for name in listed if name.endswith("*")), "")


def status_command() -> str:
    """squeue, unless there is a database behind sacct; without one the executor waits for ever."""
    try:
        shown = subprocess.run(
            ["scontrol", "show", "config"], capture_output=True, text=True, timeout=30
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "squeue"
    return "sacct" if "accounting_storage/slurmdbd" in shown else "squeue"
