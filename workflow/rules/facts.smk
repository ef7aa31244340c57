"""What the paper holds, and the facts of the plan that its prose uses."""


def published_names():
    """Published tables by the names of the tables here, as JSON."""
    names = {table: PLAN.tables[table].settings.published for table in TABLES}
    return json.dumps({table: name for table, name in names.items() if name})


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


PAPER = f"{PLAN.results}/paper/paper.pdf"
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
