"""The configuration, checked and expanded, and what many rules share."""

import json
import shlex
import sys
from pathlib import Path

from simagents.config.reading import read
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.planning.runs import Baseline, Run
from simagents.site import Site


def stop(problem):
    """End with one sentence. A WorkflowError would print the stack below it."""
    sys.exit(f"simagents: {problem}")


try:
    # Snakemake's own `config` holds config.yaml and what the command line and the profile change.
    PLAN = Plan.of(read(Path(), config))
    # Snakemake parses this file before it checks its targets.
    PLAN.check_targets(sys.argv[1:])
    SITE = Site.read()
except InputError as problem:
    stop(problem)

COMPUTE = PLAN.config.compute
TOKENS = f"{PLAN.results}/tokens"
SCORES = f"{PLAN.results}/scores/{{system}}/{{evaluation}}"
PLANNERS = f"{PLAN.results}/planners/{{system}}/{{planners}}"
CHUNKS = range(COMPUTE.chunks)
TABLES, FIGURES = PLAN.by_default(PLAN.tables), PLAN.by_default(PLAN.figures)


wildcard_constraints:
    kind="scenarios|tokens",
    digest="[0-9a-f]{10}",
    number=r"\d+",
    split="training|validation",
    shard=r"[\w.-]+",
    run="|".join(PLAN.runs),  # trained here; imports have a rule each
    system=r"baseline-[a-z_]+(-[0-9a-f]{10})?|[a-z0-9_]+-[0-9a-f]{10}",
    evaluation="[0-9a-f]{10}",
    chunk=r"\d+",
    exhibit="[a-z0-9_]+",
    named="[a-z0-9_]+",
    scenario=r"[\w-]+",
    gradients="[0-9a-f]{10}",
    planners="[0-9a-f]{10}",


def options(flags):
    """Command-line flags from a mapping; what they hold is part of a rule's params."""
    return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in sorted(flags.items()))
