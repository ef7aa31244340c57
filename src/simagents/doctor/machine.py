"""Disk, memory, cores and GPUs, against what the plan needs."""

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from simagents.config.compute import Compute
from simagents.doctor.finding import Finding
from simagents.provenance import memory_gb

GB = 1e9
SCRATCH = 1 * GB
"""Bytes of the temporary folder below which libraries may fail."""
LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Gpu:
    """One that torch sees."""

    name: str
    gigabytes: float
    bfloat16: bool


def writable(folders: list[Path]) -> Finding:
    """Whether files can be made in folders, or in what exists above them. Leaves nothing behind."""
    for folder in folders:
        there = existing(folder)
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as problem:
            return Finding(
                "fail", "permissions",
                f"{there}: cannot be written ({problem.strerror}); work in a folder of your own",
            )  # fmt: skip
    return Finding("ok", "permissions", f"{', '.join(map(str, folders))} can be written")


def disk(results: Path, needed: int) -> Finding:
    """Whether the rest of the plan's files fit; what the folder holds already counts as made."""
    held = 0
    for file in results.rglob("*"):
        with suppress(FileNotFoundError):  # a running workflow renames its temporary files
            held += file.stat().st_size if file.is_file() else 0
    free, left = shutil.disk_usage(existing(results)).free, max(0, needed - held)
    says = f"{free / GB:,.1f} GB free; {results} needs about {left / GB:,.1f} GB more"
    if free < left:
        return Finding("fail", "disk", f"{says}: make room or link {results} to a larger disk")
    return Finding("ok", "disk", says)


def scratch() -> Finding:
    """Whether libraries have room for temporary files."""
    folder = Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    says = f"{free / GB:,.1f} GB free in {folder}"
    if free < SCRATCH:
        return Finding(
            "warn", "tmp", f"{says}, which may be too little; set TMPDIR to a larger disk"
        )
    return Finding("ok", "tmp", says)


def memory(compute: Compute) -> Finding:
    """Whether one training job fits. Without SLURM nothing enforces `mem_mb`, so it is a warning."""
    total, needed = _memory(), compute.mem_mb / 1e3
    if total is None:
        return Finding("warn", "memory", f"unknown; a training job takes up to {needed:.1f} GB")
    says = f"{total:.1f} GB; a training job takes up to {needed:.1f} GB"
    if total < needed:
        return Finding("warn", "memory", f"{says}: choose a smaller scale or compute.micro_batch")
    return Finding("ok", "memory", says)


def _memory() -> float | None:
    """10^9 bytes of the machine, or of the container where it has less."""
    total = memory_gb()
    limit = LIMIT.read_text().strip() if LIMIT.exists() else "max"
    if total is None or limit == "max":
        return total
    return min(total, int(limit) / GB)


def cores(compute: Compute) -> Finding:
    """Whether a training job has its cores; with fewer it is slower, with the same result."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    says = f"{here}; a training job has {compute.workers} process(es) and {compute.threads} core(s)"
    if here < compute.threads:
        return Finding("warn", "cores", f"{says}: it will be slower; results are the same")
    return Finding("ok", "cores", says)


def gpus(found: list[Gpu], compute: Compute, precision: str, submits: bool) -> Finding:
    """Whether there are as many as a training job has; `submits`: jobs run on other machines."""
    names = ", ".join(f"{gpu.name}, {gpu.gigabytes:.0f} GB" for gpu in found) or "none"
    if submits:
        says = f"{names} here; jobs take theirs, {compute.gpus} each, from nodes of the cluster"
        return Finding("ok", "GPU", says)
    if len(found) < compute.gpus:
        return Finding(
            "fail", "GPU",
            f"{names}; a training job has compute.gpus: {compute.gpus}. Use --profile slurm on a"
            " cluster, scale demo or small, or lower compute.gpus and compute.workers",
        )  # fmt: skip
    without = [gpu.name for gpu in found if not gpu.bfloat16]
    if without and precision == "bfloat16":
        return Finding(
            "fail", "GPU", f"{', '.join(without)} has no bfloat16; set precision: float32"
        )
    return Finding("ok", "GPU", names if found else "none, and none is needed")


def seen_by_torch() -> list[Gpu]:
    """Imports torch, which takes seconds."""
    import torch

    if not torch.cuda.is_available():
        return []
    properties = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    # Compute capability 8.0 (Ampere) is the first with bfloat16 in its tensor cores.
    return [Gpu(one.name, one.total_memory / GB, one.major >= 8) for one in properties]


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder
