"""Scores -> cells -> tables, figures -> paper."""

PAPER = f"{PLAN.results}/paper/paper.pdf"
CELLS = expand("<results>/tables/{exhibit}.json", exhibit=PLAN.tables)


def rows_of(exhibit):
    """What a report needs to know of the rows of a table or figure, as JSON."""
    return json.dumps(
        [
            {"label": row.label, "systems": [s.id for s in row.systems], "published": row.published}
            for row in exhibit.rows
        ]
    )


def published(table):
    name = PLAN.tables[table].settings.get("published")
    return f"paper/published/{name}.csv" if name else []


def figure_of_kind(kind):
    """A constraint that lets only figures of one kind through."""
    return "|".join(name for name, f in PLAN.figures.items() if f.settings["kind"] == kind) or "(?!)"


rule cells:
    input:
        lambda wildcards: scores_of(PLAN.tables[wildcards.exhibit]),
    output:
        "<results>/tables/{exhibit}.json",
    log:
        "<logs>/cells/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rows=lambda wildcards: rows_of(PLAN.tables[wildcards.exhibit]),
        columns=lambda wildcards: PLAN.tables[wildcards.exhibit].settings["columns"],
        facts=options(
            {
                "scale": PLAN.config["scale"],
                "data": PLAN.source,
                "challenge": EVALUATION["challenge"],
                "rollouts": EVALUATION["rollouts"],
            }
        ),
    shell:
        "simagents cells --rows {params.rows:q} --columns {params.columns} --scores {input}"
        " {params.facts} --out {output} >{log} 2>&1"


rule table:
    input:
        cells="<results>/tables/{exhibit}.json",
        published=lambda wildcards: published(wildcards.exhibit),
        template="paper/templates/table.tex.j2",
    output:
        tex="<results>/tables/{exhibit}.tex",
        md="<results>/tables/{exhibit}.md",
    log:
        "<logs>/table/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        caption=lambda wildcards: PLAN.tables[wildcards.exhibit].settings["caption"],
        published=lambda wildcards, input: f"--published {input.published}" if input.published else "",
    shell:
        "simagents table {input.cells} --caption {params.caption:q} {params.published}"
        " --out-tex {output.tex} --out-md {output.md} >{log} 2>&1"


rule training_curves:
    input:
        lambda wildcards: expand(
            "<results>/runs/{run}/history.jsonl",
            run=[s.id for s in PLAN.figures[wildcards.exhibit].systems if isinstance(s, Run)],
        ),
    output:
        pdf=report(
            "<results>/figures/{exhibit}.pdf",
            caption="../report/training.rst",
            category="Figures",
            labels={"figure": "{exhibit}"},
        ),
        png="<results>/figures/{exhibit}.png",
    log:
        "<logs>/figure/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    wildcard_constraints:
        exhibit=figure_of_kind("training_curves"),
    params:
        rows=lambda wildcards: rows_of(PLAN.figures[wildcards.exhibit]),
    shell:
        "simagents training-curves --rows {params.rows:q} --histories {input}"
        " --out {output.pdf} >{log} 2>&1"


rule rollout_picture:
    input:
        pictures=lambda wildcards: expand(
            SCORES + "/0.pictures.safetensors",
            system=[s.id for s in PLAN.figures[wildcards.exhibit].systems],
        ),
        scenarios=scenarios_of("validation"),
    output:
        pdf=report(
            "<results>/figures/{exhibit}.pdf",
            caption="../report/rollouts.rst",
            category="Figures",
            labels={"figure": "{exhibit}"},
        ),
        png="<results>/figures/{exhibit}.png",
    log:
        "<logs>/figure/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    wildcard_constraints:
        exhibit=figure_of_kind("rollouts"),
    params:
        rows=lambda wildcards: rows_of(PLAN.figures[wildcards.exhibit]),
    shell:
        "simagents rollout-picture --rows {params.rows:q} --pictures {input.pictures}"
        " --scenarios {input.scenarios} --out {output.pdf} >{log} 2>&1"
