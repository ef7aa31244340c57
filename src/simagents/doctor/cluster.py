"""Whether jobs can be submitted."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from simagents.doctor.finding import Finding
from simagents.errors import InputError, unknown_value
from simagents.site import LOCAL, Site, first_words

PLUGIN = "snakemake_executor_plugin_slurm"


def cluster(root: Path) -> Finding:
    """Programs, Snakemake's executor, and the partition of the site's settings."""
    missing = [name for name in ("sbatch", "sinfo", "squeue") if shutil.which(name) is None]
    if missing:
        says = f"{', '.join(missing)} not found; use a login node of a cluster"
        return Finding("fail", "SLURM", says)
    if find_spec(PLUGIN) is None:
        says = "Snakemake's executor is missing: pip install -c constraints.txt -e '.[slurm]'"
        return Finding("fail", "SLURM", says)
    try:
        site = Site.read(root / LOCAL)
        there = partitions()
        if site.partition and site.partition not in there:
            raise unknown_value(site.partition, "partition", there)
    except InputError as problem:
        return Finding("fail", "SLURM", str(problem))
    hint = first_words(site, root / LOCAL)
    if hint:
        return Finding("warn", "SLURM", hint)
    return Finding("ok", "SLURM", f"jobs go to partition {site.partition or 'of the cluster'}")


def partitions() -> list[str]:
    """Names that `sinfo` lists. Raises InputError where it does not answer within half a minute."""
    try:
        listed = subprocess.run(
            ["sinfo", "--noheader", "--format=%R"],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as problem:
        raise InputError(f"sinfo does not answer ({type(problem).__name__}).") from None
    return listed.stdout.split()
