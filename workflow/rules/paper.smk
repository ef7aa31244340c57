"""Scores -> cells -> tables, figures -> paper."""


# Seconds each: not worth a cluster job, and LaTeX need only be where Snakemake runs.
localrules:
    cells,
    table,
    figure,
    numbers,
    comparison,
    recipe_table,
    training_times,
    gradient_table,
    paper,


rule cells:
    input:
        scores=lambda wildcards: scores_of(PLAN.tables[wildcards.exhibit]),
        reconstruction=lambda wildcards: (
            list(map(reconstruction_of, PLAN.tables[wildcards.exhibit].rows))
            if PLAN.tables[wildcards.exhibit].shows(OF_TOKENS)
            else []
        ),
        histories=lambda wildcards: (
            histories_of(PLAN.tables[wildcards.exhibit])
            if PLAN.tables[wildcards.exhibit].shows(OF_HISTORY)
            else []
        ),
        planners=lambda wildcards: (
            planners_of(PLAN.tables[wildcards.exhibit])
            if PLAN.tables[wildcards.exhibit].drives_planners
            else []
        ),
    output:
        "<results>/tables/{exhibit}.json",
    log:
        "<logs>/cells/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        rows=lambda wildcards: rows_of(PLAN.tables[wildcards.exhibit]),
        columns=lambda wildcards: PLAN.tables[wildcards.exhibit].columns,
        histories=lambda wildcards, input: (
            f"--histories {input.histories}" if input.histories else ""
        ),
        planners=lambda wildcards, input: (f"--planners {input.planners}" if input.planners else ""),
        facts=lambda wildcards: cell_facts(PLAN.tables[wildcards.exhibit]),
    shell:
        "simagents cells --rows {params.rows:q} --columns {params.columns} --scores {input.scores}"
        " {params.histories} {params.planners} {params.facts} --out {output} >{log} 2>&1"


rule table:
    input:
        cells="<results>/tables/{exhibit}.json",
        published=lambda wildcards: published(wildcards.exhibit),
        template="paper/templates/table.tex.j2",
    output:
        tex="<results>/tables/{exhibit}.tex",
        md="<results>/tables/{exhibit}.md",
        html=report(
            "<results>/tables/{exhibit}.html",
            caption="../report/table.rst",
            category=TABLES_OF_ALL,
            subcategory=lambda wildcards: paper_of(wildcards.exhibit),
            labels={"table": "{exhibit}"},
        ),
    log:
        "<logs>/table/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        caption=lambda wildcards: PLAN.tables[wildcards.exhibit].settings.caption,
        described=lambda wildcards: in_rst(PLAN.tables[wildcards.exhibit].settings.caption),
        published=lambda wildcards, input: (
            f"--published {input.published}" if input.published else ""
        ),
        literature=lambda wildcards: (
            f"--literature {' '.join(rows)}" if (rows := literature(wildcards.exhibit)) else ""
        ),
        transposed=lambda wildcards: (
            "--transposed" if PLAN.tables[wildcards.exhibit].settings.transposed else ""
        ),
    shell:
        "simagents table {input.cells} --caption {params.caption:q} {params.published}"
        " {params.literature} {params.transposed}"
        " --out-tex {output.tex} --out-md {output.md} --out-html {output.html} >{log} 2>&1"


rule figure:
    input:
        unpack(lambda wildcards: figure_inputs(wildcards.exhibit)),
    output:
        pdf="<results>/figures/{exhibit}.pdf",
        # Browsers show it in place; not all of them do that with PDF.
        png=report(
            "<results>/figures/{exhibit}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: category_of(wildcards.exhibit),
            labels={"figure": "{exhibit}"},
        ),
    log:
        "<logs>/figure/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        kind=lambda wildcards: PLAN.figures[wildcards.exhibit].settings.kind,
        settings=lambda wildcards: PLAN.figures[wildcards.exhibit].settings.model_dump_json(
            exclude={"kind"}
        ),
        rows=lambda wildcards: figure_rows(wildcards.exhibit),
        files=lambda wildcards, input: " ".join(
            f"--{name} {files}" for name, files in input.items()
        ),
        caption=lambda wildcards: plain_caption(wildcards.exhibit),
    shell:
        "simagents figure {params.kind} --settings {params.settings:q} {params.rows} {params.files}"
        " --out {output.pdf} >{log} 2>&1"


rule numbers:
    input:
        cells=CELLS,
        vocabulary=f"{TOKENS}/{PLAN.default_tokens}/vocabulary.json",
        published=PUBLISHED,
    output:
        "<results>/results.tex",
    log:
        "<logs>/numbers.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        facts=plan_facts(),
    shell:
        "simagents numbers --cells {input.cells} --vocabulary-report {input.vocabulary}"
        " --plan-facts {params.facts:q} --published {input.published} --out {output} >{log} 2>&1"


rule comparison:
    input:
        cells=CELLS,
        published=PUBLISHED,
    output:
        md="<results>/comparison.md",
        tex="<results>/comparison.tex",
        html=report(
            "<results>/comparison.html",
            caption="../report/comparison.rst",
            category=COMPARISON,
            labels={"document": "every published number and ordering"},
        ),
    log:
        "<logs>/comparison.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        files=published_names(),
    shell:
        "simagents comparison --cells {input.cells} --published paper/published"
        " --files {params.files:q}"
        " --out {output.md} --out-tex {output.tex} --out-html {output.html} >{log} 2>&1"


rule recipe_table:
    input:
        ancient(expand(f"{PLAN.results}/runs/{{run}}/recipe.json", run=SHOWN_RUNS)),
    output:
        md="<results>/recipes.md",
        tex="<results>/recipes.tex",
        html=report(
            "<results>/recipes.html",
            caption="../report/recipes.rst",
            category=RECIPES,
            labels={"document": "recipes"},
        ),
    log:
        "<logs>/recipe_table.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents recipe-table --recipes {input}"
        " --out {output.md} --out-tex {output.tex} --out-html {output.html} >{log} 2>&1"


rule training_times:
    input:
        histories=expand(f"{PLAN.results}/runs/{{run}}/history.jsonl", run=SHOWN_RUNS),
        provenance=expand(f"{PLAN.results}/runs/{{run}}/provenance.json", run=SHOWN_RUNS),
    output:
        md="<results>/training_times.md",
        tex="<results>/training_times.tex",
        html=report(
            "<results>/training_times.html",
            caption="../report/training_times.rst",
            category=RECIPES,
            labels={"document": "training times"},
        ),
    log:
        "<logs>/training_times.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents training-times --histories {input.histories}"
        " --out {output.md} --out-tex {output.tex} --out-html {output.html} >{log} 2>&1"


rule gradient_table:
    input:
        lambda wildcards: gradients_of(PLAN.figures[wildcards.exhibit]),
    output:
        md="<results>/gradients/{exhibit}.md",
        html=report(
            "<results>/gradients/{exhibit}.html",
            caption="../report/gradients.rst",
            category=TABLES_OF_ALL,
            subcategory="Our own",
            labels={"table": "noise of gradients, {exhibit}"},
        ),
    log:
        "<logs>/gradient_table/{exhibit}.log",
    conda:
        "../../envs/simagents.yaml"
    shell:
        "simagents gradient-table --gradients {input} --out {output.md} --out-html {output.html} >{log} 2>&1"


rule everything_but_pdf:
    input:
        EVERYTHING_BUT_PDF,
        BROWSER,
    localrule: True


rule paper:
    input:
        EVERYTHING_BUT_PDF,
        "paper/main.tex",
        "paper/refs.bib",
        *sorted(map(str, Path("paper/sections").glob("*.tex"))),
    output:
        report(
            PAPER,
            caption="../report/paper.rst",
            category=PAPER_ITSELF,
            labels={"document": "paper.pdf"},
        ),
    log:
        "<logs>/paper.log",
    conda:
        "../../envs/simagents.yaml"
    params:
        # Folder of tables and figures, relative to the paper's.
        root=lambda wildcards, output: Path(output[0]).parents[1],
    shell:
        "command -v latexmk >/dev/null || {{ echo 'simagents: there is no latexmk, and so no PDF; install"
        " LaTeX (make latex), or make the rest: snakemake everything_but_pdf' >{log}; exit 1; }};"
        " TEXINPUTS=paper:{params.root}: SOURCE_DATE_EPOCH=1700000000 FORCE_SOURCE_DATE=1"
        " latexmk -pdf -interaction=nonstopmode -halt-on-error -jobname=paper"
        " -outdir={params.root}/paper paper/main.tex >{log} 2>&1"
        " && simagents latex-log {params.root}/paper/paper.log >>{log} 2>&1"
