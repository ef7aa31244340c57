"""The configuration, checked and expanded; names and functions that several rules use."""

import json
import os
import shlex
from pathlib import Path

from snakemake.exceptions import WorkflowError

from simagents.errors import InputError
from simagents.plan import Plan, Run, validated
from simagents.report.columns import COLUMNS
from simagents.site import Site

SCHEMA = Path(workflow.current_basedir).parent / "schemas/config.schema.yaml"

try:
    PLAN = Plan.of(validated(config, SCHEMA))
    SITE = Site.read()
except InputError as problem:
    raise WorkflowError(str(problem)) from None

COMPUTE = PLAN.config["compute"]
EVALUATION = PLAN.config["evaluation"]


wildcard_constraints:
    kind="scenarios|tokens",
    digest="[0-9a-f]{10}",
    number=r"\d+",
    split="training|validation",
    shard=r"[\w.-]+",
    run=r"[a-z0-9_]+-[0-9a-f]{10}",
    system=r"baseline-[a-z_]+(-[0-9a-f]{10})?|[a-z0-9_]+-[0-9a-f]{10}",
    chunk=r"\d+",
    exhibit="[a-z0-9_]+",


def options(flags):
    """Command-line flags from a mapping; what they hold is part of a rule's params."""
    return " ".join(f"--{key.replace('_', '-')} {value}" for key, value in sorted(flags.items()))


# ---- data ----------------------------------------------------------------------------------------


def shard_names(split):
    """Shards of a split: WOMD's own names where they are linked, ours where we write them."""
    wanted = PLAN.scenarios[f"{split}_shards"]
    if PLAN.source == "synthetic":
        return [f"{split}.tfrecord-{i:05d}-of-{wanted:05d}" for i in range(wanted)]
    folder = Path("resources/womd") / split
    found = sorted(path.name for path in folder.glob("*tfrecord*"))
    if len(found) < wanted:
        raise WorkflowError(
            f"{folder} holds {len(found)} TFRecord files and scale {PLAN.config['scale']} wants"
            f" {wanted}; link WOMD's {split} shards there (DATA.md) or lower"
            f" scenarios.womd.{split}_shards."
        )
    return found[:wanted]


def parts(shards):
    """Splits, cut into what one job works on: split, number of the part, names of its shards."""
    size = COMPUTE["shards"]
    for split, names in shards.items():
        for number, first in enumerate(range(0, len(names), size)):
            yield split, number, names[first : first + size]


def folder_of(wildcards, output):
    """Where a job on several shards writes them."""
    return Path(output[0]).parent


def first_scenario(split, shard):
    """Number of a synthetic shard's first scenario; those of validation start where no training gets."""
    start = 10**9 if split == "validation" else 0
    return start + SHARDS[split].index(shard) * PLAN.data["per_shard"]


def scenarios_of(split):
    """One file that stands for all shards: jobs depend on it, and command lines stay short."""
    return f"<data>/{split}/{len(SHARDS[split])}-shards.txt"


def tokens_of(split, digest):
    return f"{TOKENS}/{digest}/{split}/{len(SHARDS[split])}-shards.txt"


def vocabulary_of(digest):
    return f"{TOKENS}/{digest}/vocabulary.safetensors"


# ---- runs ----------------------------------------------------------------------------------------


def run_tokens(wildcards):
    """What a training run reads of its tokens."""
    digest = PLAN.runs[wildcards.run].tokens
    return {"tokens": tokens_of("training", digest), "vocabulary": vocabulary_of(digest)}


def system_tokens(wildcards):
    """What a system is scored with: its own vocabulary, whatever the others have."""
    digest = PLAN.systems[wildcards.system].tokens
    return {"tokens": tokens_of("validation", digest), "vocabulary": vocabulary_of(digest)}


def parent_of_calibration(wildcards):
    """The run that a threshold is measured on, and its tokens."""
    parent = PLAN.runs[PLAN.calibrations[wildcards.calibration]["parent"]]
    return {
        "recipe": ancient(f"{PLAN.results}/runs/{parent.id}/recipe.json"),
        "weights": f"{PLAN.results}/runs/{parent.id}/model.safetensors",
        "tokens": tokens_of("training", parent.tokens),
        "vocabulary": vocabulary_of(parent.tokens),
    }


def parent_weights(wildcards):
    parent = PLAN.runs[wildcards.run].parent
    return f"{PLAN.results}/runs/{parent.id}/model.safetensors" if parent else []


def calibration(wildcards):
    name = PLAN.runs[wildcards.run].calibration_id
    return f"{PLAN.results}/calibrations/{name}.json" if name else []


def weights_of(wildcards):
    """A run has a recipe and weights; a baseline has neither."""
    if wildcards.system in PLAN.runs:
        run = f"{PLAN.results}/runs/{wildcards.system}"
        return {"recipe": ancient(f"{run}/recipe.json"), "weights": f"{run}/model.safetensors"}
    return {}


# ---- exhibits ------------------------------------------------------------------------------------


def scores_of(exhibit):
    """Every chunk of scores of every system of a table."""
    systems = [system.id for system in exhibit.systems]
    return expand(f"{SCORES}/{{chunk}}.parquet", system=systems, chunk=CHUNKS)


def reconstruction_of(row):
    return f"{TOKENS}/{row.systems[0].tokens}/reconstruction.json"


def histories_of(exhibit):
    """What every run of a table or figure logged while it was trained."""
    runs = [system.id for system in exhibit.systems if isinstance(system, Run)]
    return expand(f"{PLAN.results}/runs/{{run}}/history.jsonl", run=runs)


def of_history(exhibit):
    """Whether it shows something that was logged; only then it waits for the histories."""
    return any(COLUMNS[name].of_history for name in exhibit.settings.get("columns", ()))


def of_tokens(exhibit):
    """Whether it shows something of the vocabularies; only then it waits for their reports."""
    return any(COLUMNS[name].of_tokens for name in exhibit.settings.get("columns", ()))


def rows_of(exhibit):
    """What a report needs to know of the rows of a table or figure, as JSON."""
    asked = of_tokens(exhibit)
    return json.dumps(
        [
            {
                "label": row.label,
                "systems": [s.id for s in row.systems],
                "published": row.published,
                **({"reconstruction": reconstruction_of(row)} if asked else {}),
            }
            for row in exhibit.rows
        ]
    )


def published(table):
    name = PLAN.tables[table].settings.get("published")
    return f"paper/published/{name}.csv" if name else []


def published_names():
    """Published tables by the names of ours, as JSON."""
    names = {table: PLAN.tables[table].settings.get("published") for table in TABLES}
    return json.dumps({table: name for table, name in names.items() if name})


def evaluation_of(table):
    """How the systems of a table are scored."""
    return EVALUATION


def literature(table):
    """Rows of the published file that are shown under ours."""
    return [shlex.quote(row) for row in PLAN.tables[table].settings.get("literature", ())]


def cells_of(figure):
    """Cells of the tables that a figure draws."""
    names = PLAN.figures[figure].settings["tables"]
    return expand(f"{PLAN.results}/tables/{{exhibit}}.json", exhibit=names)


def plan_facts():
    """What the paper's prose may say about the plan, as JSON."""
    told = ("seeds", "tokens", "tokenizers", "model", "budgets", "evaluation", "stages")
    return json.dumps(
        {
            "scale": PLAN.config["scale"],
            "data": PLAN.source,
            "evaluation": PLAN.evaluation_id,
            "captions": {name: f.settings["caption"] for name, f in PLAN.figures.items()},
            "facts": {"scenarios": PLAN.scenarios, **{key: PLAN.config[key] for key in told}},
        }
    )


SHARDS = {split: shard_names(split) for split in ("training", "validation")}
RECORDS = f"resources/synthetic/{PLAN.data_id}" if PLAN.source == "synthetic" else "resources/womd"
TOKENS = f"{PLAN.results}/tokens"
SCORES = f"{PLAN.results}/scores/{{system}}/{PLAN.evaluation_id}"
CHUNKS = range(COMPUTE["chunks"])
PAPER = f"{PLAN.results}/paper/paper.pdf"
TABLES, FIGURES = PLAN.in_paper(PLAN.tables), PLAN.in_paper(PLAN.figures)
CELLS = expand(f"{PLAN.results}/tables/{{exhibit}}.json", exhibit=TABLES)
EVERYTHING_BUT_PDF = [
    f"{PLAN.results}/results.tex",
    f"{PLAN.results}/comparison.md",
    *expand(f"{PLAN.results}/tables/{{exhibit}}.tex", exhibit=TABLES),
    *expand(f"{PLAN.results}/figures/{{exhibit}}.pdf", exhibit=FIGURES),
]
