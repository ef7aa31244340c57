"""What tables and figures are made of: scores, histories, drives, and their rows as JSON."""

from collections import Counter

from simagents.config.exhibits import OF_HISTORY, OF_TOKENS
from simagents.planning.runs import Import


def scores_of(exhibit):
    """Every chunk of scores of every system of a table."""
    return expand(f"{SCORES}/{{chunk}}.parquet", chunk=CHUNKS, **scored(exhibit))


def scored(exhibit):
    """Values of the wildcards of `SCORES` for a table or figure."""
    return {
        "system": [system.id for system in exhibit.systems],
        "evaluation": PLAN.evaluation_id(exhibit.evaluation),
    }


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


def cells_of(figure):
    """Cells of the tables that a figure draws."""
    tables = PLAN.figures[figure].tables
    return expand(f"{PLAN.results}/tables/{{exhibit}}.json", exhibit=tables)


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


def published(table):
    name = PLAN.tables[table].settings.published
    return f"paper/published/{name}.csv" if name else []


def literature(table):
    """Rows of the published file that are shown below the reproduced ones."""
    return [shlex.quote(row) for row in PLAN.tables[table].settings.literature]


def default_evaluation():
    """The evaluation of most tables; the paper's prose refers to it where it names no table."""
    names = Counter(PLAN.tables[name].evaluation for name in TABLES or PLAN.tables)
    return names.most_common(1)[0][0]
