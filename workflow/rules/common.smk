"""The configuration, checked and expanded; names that several rules use."""

import json
from pathlib import Path

from snakemake.exceptions import WorkflowError

from simagents.errors import InputError
from simagents.plan import Plan, Run, validated

ROOT = Path(workflow.basedir).parent if Path(workflow.basedir).name == "workflow" else Path(workflow.basedir)

try:
    PLAN = Plan.of(validated(config, ROOT / "workflow/schemas/config.schema.yaml"))
except InputError as problem:
    raise WorkflowError(str(problem)) from None

COMPUTE = PLAN.config["compute"]
EVALUATION = PLAN.config["evaluation"]


wildcard_constraints:
    split="training|validation",
    shard=r"[\w.-]+",
    run=r"[a-z0-9_]+-[0-9a-f]{10}",
    system=r"baseline-[a-z_]+|[a-z0-9_]+-[0-9a-f]{10}",
    chunk=r"\d+",
    exhibit="[a-z0-9_]+",


def options(flags):
    """Command-line flags from a mapping; what they hold is part of a rule's params."""
    return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in flags.items())
