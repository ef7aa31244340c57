"""The configuration, checked and expanded; names and functions that several rules use."""

import json
import os
import shlex
import sys
from collections import Counter
from pathlib import Path

from simagents.config.exhibits import OF_HISTORY, OF_TOKENS
from simagents.config.reading import read
from simagents.errors import InputError
from simagents.plan import Plan
from simagents.report.apart import apart
from simagents.runs import Baseline, Import, Run
from simagents.site import Site
from simagents.trace.place import plain


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


# ---- data ----------------------------------------------------------------------------------------


def shard_names(split):
    """Shards of a split: WOMD's file names, or names of our own for synthetic ones."""
    if PLAN.source == "synthetic":
        count = getattr(PLAN.scenarios, f"{split}_shards")
        return [f"{split}.tfrecord-{number:05d}-of-{count:05d}" for number in range(count)]
    try:
        return PLAN.linked_shards(split)
    except InputError as problem:
        stop(problem)


def parts(shards):
    """Splits, divided among jobs: split, number of the part, names of its shards."""
    size = COMPUTE.shards
    for split, names in shards.items():
        for number, first in enumerate(range(0, len(names), size)):
            yield split, number, names[first : first + size]


def folder_of(wildcards, output):
    """The output folder of a job on several shards."""
    return Path(output[0]).parent


def first_scenario(split, shard):
    """Number of a synthetic shard's first scenario; validation starts at a number beyond training."""
    start = 10**9 if split == "validation" else 0
    return start + SHARDS[split].index(shard) * PLAN.scenarios.per_shard


def scenarios_of(split):
    """The file that lists all shards: jobs depend on it, so command lines stay short."""
    return f"<data>/{split}/{len(SHARDS[split])}-shards.txt"


def tokens_of(split, digest):
    return f"{TOKENS}/{digest}/{split}/{len(SHARDS[split])}-shards.txt"


def vocabulary_of(digest):
    return f"{TOKENS}/{digest}/vocabulary.safetensors"


def given_vocabulary(wildcards):
    """The vocabulary of an import; nothing where one is built."""
    given = PLAN.given_tokens.get(wildcards.digest)
    return f"{PLAN.results}/runs/{given.id}/vocabulary.safetensors" if given else []


def vocabulary_command(wildcards, input):
    """How the vocabulary is made: built by a rule, or taken from an import."""
    settings = PLAN.config.tokens.model_dump(mode="json", exclude={"revision"})
    if input.get("given"):
        return f"given-vocabulary --given {input.given} --snippets {settings['snippets']}"
    tokenizer = PLAN.tokenizers[wildcards.digest].model_dump_json()
    return f"vocabulary {options(settings)} --tokenizer {shlex.quote(tokenizer)}"


# ---- runs ----------------------------------------------------------------------------------------


def token_files(split, digest):
    """A vocabulary and the scenes of a split that it tokenises; nothing for a system without one."""
    if digest is None:
        return {}
    return {"tokens": tokens_of(split, digest), "vocabulary": vocabulary_of(digest)}


def token_flags(wildcards, input):
    """Flags for these files."""
    if not input.get("tokens"):
        return ""
    return f"--tokens {input.tokens} --vocabulary {input.vocabulary}"


def run_tokens(wildcards):
    """The tokenised files of a training run."""
    return token_files("training", PLAN.runs[wildcards.run].tokens)


def system_tokens(wildcards):
    """The vocabulary of a system and the scenes that it is scored on."""
    return token_files("validation", PLAN.systems[wildcards.system].tokens)


def gradient_tokens(wildcards):
    """The vocabulary of a system whose gradients are measured, and the training scenes."""
    return token_files("training", PLAN.systems[wildcards.system].tokens)


def parent_of_calibration(wildcards):
    """The run that a threshold is measured on, and its tokens."""
    parent = PLAN.calibrations[wildcards.calibration].parent
    return {
        "recipe": ancient(f"{PLAN.results}/runs/{parent.id}/recipe.json"),
        "weights": f"{PLAN.results}/runs/{parent.id}/model.safetensors",
        **token_files("training", parent.tokens),
    }


def parent_weights(wildcards):
    parent = PLAN.runs[wildcards.run].parent
    return f"{PLAN.results}/runs/{parent.id}/model.safetensors" if parent else []


def calibration(wildcards):
    name = PLAN.runs[wildcards.run].calibration_id
    return f"{PLAN.results}/calibrations/{name}.json" if name else []


def weights_of(wildcards):
    """A run or an import has a recipe and weights; a baseline has neither."""
    if isinstance(PLAN.systems[wildcards.system], Baseline):
        return {}
    run = f"{PLAN.results}/runs/{wildcards.system}"
    return {"recipe": ancient(f"{run}/recipe.json"), "weights": f"{run}/model.safetensors"}


def system_flags(wildcards, input):
    """Flags that name a system: its recipe and weights, or a baseline."""
    if input.get("recipe"):
        return f"--recipe {input.recipe} --weights {input.weights}"
    return f"--baseline {PLAN.systems[wildcards.system].name}"


def with_parents(system):
    """A run and all that it starts from; nothing for what is not trained here."""
    while isinstance(system, Run):
        yield system
        system = system.parent


# ---- exhibits ------------------------------------------------------------------------------------


def scores_of(exhibit):
    """Every chunk of scores of every system of a table."""
    return expand(f"{SCORES}/{{chunk}}.parquet", chunk=CHUNKS, **scored(exhibit))


def scored(exhibit):
    """Values of the wildcards of `SCORES` for a table or figure."""
    return {
        "system": [system.id for system in exhibit.systems],
        "evaluation": PLAN.evaluation_id(exhibit.evaluation),
    }


def evaluation_options(wildcards, *without):
    """Flags of an evaluation."""
    settings = PLAN.evaluations_by_id[wildcards.evaluation]
    settings = settings.model_dump(mode="json", exclude=set(without))
    return options({**settings.pop("sampling"), **settings})


def cell_facts(table):
    """Flags with the conditions of a table's scores."""
    evaluation = PLAN.evaluations[table.evaluation]
    flags = {
        "scale": PLAN.config.scale,
        "data": PLAN.source,
        "challenge": evaluation.challenge,
        "rollouts": evaluation.rollouts,
    }
    if table.settings.over is not None:
        flags["over"] = shlex.quote(table.settings.over)
    return options(flags)


def reconstruction_of(row):
    """How well the row's vocabulary follows logs."""
    return f"{TOKENS}/{row.systems[0].tokens}/reconstruction.json"


def histories_of(exhibit):
    """The training logs of every run of a table or figure; imports and baselines have none."""
    runs = [system.id for system in exhibit.systems if isinstance(system, Run)]
    return expand(f"{PLAN.results}/runs/{{run}}/history.jsonl", run=runs)


def planners_of(exhibit):
    """Every chunk of planners' drives among every system of a table or figure."""
    ids = [system.id for system in exhibit.systems]
    return expand(
        f"{PLANNERS}/{{chunk}}.parquet", chunk=CHUNKS, system=ids, planners=PLAN.planners_id
    )


def planner_options():
    """Flags of the drives of planners."""
    settings = PLAN.config.planners.model_dump(mode="json")
    return options({**settings.pop("sampling"), **settings})


def rows_of(exhibit):
    """The rows of a table or figure for the report, as JSON."""
    with_reconstruction = exhibit.shows(OF_TOKENS)
    return json.dumps(
        [
            {
                "label": row.label,
                "systems": [s.id for s in row.systems],
                "published": row.published,
                **({"shared": row.shared} if row.shared else {}),
                **({"reconstruction": reconstruction_of(row)} if with_reconstruction else {}),
                **({"imported": True} if isinstance(row.systems[0], Import) else {}),
            }
            for row in exhibit.rows
        ]
    )


def published(table):
    name = PLAN.tables[table].settings.published
    return f"paper/published/{name}.csv" if name else []


def published_names():
    """Published tables by the names of the tables here, as JSON."""
    names = {table: PLAN.tables[table].settings.published for table in TABLES}
    return json.dumps({table: name for table, name in names.items() if name})


def literature(table):
    """Rows of the published file that are shown below the reproduced ones."""
    return [shlex.quote(row) for row in PLAN.tables[table].settings.literature]


def cells_of(figure):
    """Cells of the tables that a figure draws."""
    tables = PLAN.figures[figure].tables
    return expand(f"{PLAN.results}/tables/{{exhibit}}.json", exhibit=tables)


def default_evaluation():
    """The evaluation of most tables; the paper's prose refers to it where it names no table."""
    names = Counter(PLAN.tables[name].evaluation for name in TABLES or PLAN.tables)
    return names.most_common(1)[0][0]


def default_model():
    """Of the stages that name none."""
    return PLAN.config.models[PLAN.config.model]


# What figures read of each row's first system alone.
OF_FIRST_SEED = {"gradients", "incidents", "manoeuvres", "pictures"}


def conditions_of(figure):
    """Under what a figure's numbers were measured: tables, evaluation, seeds."""
    return {
        "tables": figure.tables,
        "evaluation": PLAN.evaluation_id(figure.evaluation) if "scores" in figure.reads else None,
        "seeds": max((len(row.systems) for row in figure.rows), default=0),
        "first_seed": bool(figure.reads & OF_FIRST_SEED),
    }


def plan_facts():
    """The facts of the plan that the paper's prose uses, as JSON."""
    keys = {"seeds", "tokens", "tokenizers", "budgets", "evaluation", "stages"}
    facts = PLAN.config.model_dump(mode="json", include=keys, exclude_none=True)
    facts["stages"] = {n: s for n, s in facts["stages"].items() if n not in PLAN.imported}
    facts["scenarios"] = PLAN.scenarios.model_dump(mode="json")
    # The prose describes the model of BC, from which the other stages start.
    model = PLAN.imported["bc"].recipe.model if "bc" in PLAN.imported else default_model()
    facts["model"] = model.model_dump(mode="json")
    return json.dumps(
        {
            "scale": PLAN.config.scale,
            "data": PLAN.source,
            "evaluation": PLAN.evaluation_id(default_evaluation()),
            "captions": {name: f.settings.caption for name, f in PLAN.figures.items()},
            "figures": {name: conditions_of(PLAN.figures[name]) for name in FIGURES},
            "imported": sorted(PLAN.imported),
            "facts": facts,
        }
    )


PARENTS = {run.parent.id for run in PLAN.runs.values() if isinstance(run.parent, Run)}
SHARDS = {split: shard_names(split) for split in ("training", "validation")}
RECORDS = f"resources/synthetic/{PLAN.data_id}" if PLAN.source == "synthetic" else "resources/womd"
TOKENS = f"{PLAN.results}/tokens"
SCORES = f"{PLAN.results}/scores/{{system}}/{{evaluation}}"
PLANNERS = f"{PLAN.results}/planners/{{system}}/{{planners}}"
CHUNKS = range(COMPUTE.chunks)
PAPER = f"{PLAN.results}/paper/paper.pdf"
TABLES, FIGURES = PLAN.by_default(PLAN.tables), PLAN.by_default(PLAN.figures)
CELLS = expand(f"{PLAN.results}/tables/{{exhibit}}.json", exhibit=TABLES)
GRADIENT_TABLES = [
    f"{PLAN.results}/gradients/{name}.html"
    for name in FIGURES
    if "gradients" in PLAN.figures[name].reads
]
# Published tables that the prose cites, whether this copy has their rows or not.
PUBLISHED = sorted(
    {
        f"paper/published/{table.settings.published}.csv"
        for table in PLAN.tables.values()
        if table.settings.published
    }
)
SHOWN = [*(PLAN.tables[name] for name in TABLES), *(PLAN.figures[name] for name in FIGURES)]
# Runs that this copy shows and their ancestors, in the order of the plan.
_OF_EXHIBITS = {
    run.id for exhibit in SHOWN for system in exhibit.systems for run in with_parents(system)
}
SHOWN_RUNS = [name for name in PLAN.runs if name in _OF_EXHIBITS]
DOCUMENTS = ["comparison", "recipes", "training_times"]
EVERYTHING_BUT_PDF = [
    *GRADIENT_TABLES,
    f"{PLAN.results}/results.tex",
    *expand(f"{PLAN.results}/{{document}}.tex", document=DOCUMENTS),
    *expand(f"{PLAN.results}/tables/{{exhibit}}.tex", exhibit=TABLES),
    *expand(f"{PLAN.results}/figures/{{exhibit}}.pdf", exhibit=FIGURES),
]
