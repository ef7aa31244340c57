"""`simagents doctor`: one line for each thing that the workflow needs of this machine."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simagents.config.reading import chosen, read, read_yaml
from simagents.costs.estimate import Estimate, total
from simagents.doctor import cluster, data, machine, software
from simagents.doctor.finding import Finding
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.provenance import commit


@dataclass
class Args:
    """Check environment, data, LaTeX, disk, GPU and SLURM, and say what to do. Needs no network."""

    scale: str | None = None
    """demo, small, lab or paper; that of config.yaml if none is given"""
    data: str | None = None
    """synthetic or womd; that of config.yaml if none is given"""
    configfile: Path | None = None
    """keys that win over those of the repository's files, as with Snakemake"""
    profile: Literal["none", "slurm"] = "none"
    """slurm: for `snakemake --profile slurm`, with config/cluster.yaml where no configfile is given"""
    root: Path = Path()
    """folder of the repository"""


def main(args: Args) -> None:
    """Print a line for each check; exit code 1 where one fails."""
    failed = warned = 0
    for finding in examined(args):
        print(finding, flush=True)
        failed += finding.state == "fail"
        warned += finding.state == "warn"
    print(f"\n{failed} failed, {warned} with a warning")
    if failed:
        sys.exit(1)


def examined(args: Args) -> Iterator[Finding]:
    """What each check finds; those of a plan only where the configuration is one."""
    if not (args.root / "pyproject.toml").exists():
        raise InputError(f"{args.root}: not a clone of the repository; go to it or give --root.")
    yield software.python(args.root)
    yield software.packages(args.root)
    found, torch = gpus()
    yield torch
    yield software.latex(args.root)
    yield software.git(commit(args.root))
    submits = args.profile == "slurm"
    configfile = args.configfile or (args.root / "config/cluster.yaml" if submits else None)
    try:
        config = read(args.root, chosen(configfile, scale=args.scale, data=args.data))
        plan = Plan.of(config)
        estimate = Estimate(plan, read_yaml(args.root / "config/costs.yaml"))
    except InputError as problem:
        yield Finding("fail", "configuration", str(problem))
        return
    yield Finding("ok", "configuration", f"scale {config.scale}, {plan.source} data")
    results = args.root / plan.results
    folders = [results, args.root / "resume", args.root / "logs"]
    yield machine.writable(folders)
    yield machine.disk(results, total(estimate.of_paper().values()).bytes)
    yield machine.scratch()
    yield data.data(plan, args.root)
    yield machine.gpus(found, config.compute, config.precision, submits)
    if submits:
        yield cluster.cluster(args.root)
        return
    yield machine.memory(config.compute)
    yield machine.cores(config.compute)


def gpus() -> tuple[list[machine.Gpu], Finding]:
    """The GPUs that torch sees, and whether it loads at all."""
    try:
        import torch

        found = machine.seen_by_torch()
    except (ImportError, OSError, RuntimeError) as problem:  # a broken library or driver
        reason = str(problem).splitlines()[0]
        return [], Finding("fail", "torch", f"does not load ({reason}): {software.INSTALL}")
    return found, Finding("ok", "torch", f"{torch.__version__} on {len(found) or 'no'} GPU(s)")
