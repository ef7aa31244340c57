"""The commands of `simagents`, by group: what each does, and an example that tests parse."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command of the command line."""

    module: str
    """with `Args` and `main`"""
    does: str
    """in one line of the overview"""
    example: str
    """words that follow its name"""


GROUPS = {
    "data": {
        "synthesize": Command(
            "simagents.scenarios.synthetic.__main__",
            "write synthetic scenarios in WOMD's format",
            "--seed 1 --first 0 --count 96 --out records.tfrecord",
        ),
        "cache": Command(
            "simagents.scenarios.cache",
            "decode a TFRecord shard into a memory-mapped one",
            "records.tfrecord --out scenarios.safetensors",
        ),
        "vocabulary": Command(
            "simagents.tokens.build",
            "build the motion and map vocabularies",
            '--scenarios scenarios.safetensors --tokenizer \'{"rule": "k_disks", "size": '
            '256, "tolerance": 0.05}\' --map-size 64 --map-tolerance 0.2 --snippets 2000 '
            "--seed 0 --out vocabulary.safetensors --report vocabulary.json",
        ),
        "reconstruction": Command(
            "simagents.tokens.reconstruction",
            "how well a vocabulary follows logs that it was not built from",
            "--tokens tokens/a.safetensors --vocabulary vocabulary.safetensors --training "
            "vocabulary.json --limit 0 --out reconstruction.json",
        ),
        "given-vocabulary": Command(
            "simagents.tokens.given",
            "measure a vocabulary that came with an imported model",
            "--given imported/vocabulary.safetensors --snippets 2000 --scenarios "
            "scenarios.safetensors --out vocabulary.safetensors --report vocabulary.json",
        ),
        "tokenize": Command(
            "simagents.tokens.tokenize",
            "turn cached scenarios into token chains",
            "scenarios.safetensors --vocabulary vocabulary.safetensors --out tokens",
        ),
    },
    "models": {
        "train": Command(
            "simagents.training.train",
            "train one run; start under torchrun for several processes",
            "--recipe runs/bc/recipe.json --scenarios scenarios.safetensors --tokens "
            "tokens/a.safetensors --vocabulary vocabulary.safetensors --resume resume/bc "
            "--weights model.safetensors --history history.jsonl --provenance "
            "provenance.json",
        ),
        "calibrate": Command(
            "simagents.evaluation.calibrate",
            "mean reward of a policy on held-out training scenes",
            "--recipe runs/sft/recipe.json --weights runs/sft/model.safetensors --scenarios "
            'scenarios.safetensors --settings "$(cat calibration.json)" --out mean.json',
        ),
        "import-catk": Command(
            "simagents.exchange.import_catk",
            "turn a CAT-K or SMART checkpoint into weights, recipe and vocabulary",
            "last.ckpt --agent-vocab A.pkl --map-vocab M.pkl --out imported",
        ),
        "adopt": Command(
            "simagents.exchange.adopt",
            "copy an imported model to the runs of the workflow",
            "imported --out results/demo/runs/bc-0123456789",
        ),
        "export-catk": Command(
            "simagents.exchange.export_catk",
            "write a run's weights and vocabulary under CAT-K's names",
            "last.ckpt --weights runs/bc/model.safetensors --vocabulary "
            "vocabulary.safetensors --out for_catk",
        ),
    },
    "metric": {
        "evaluate": Command(
            "simagents.evaluation.evaluate",
            "roll a policy out and score it",
            "--baseline stand_still --scenarios scenarios.safetensors --rollouts 32 "
            "--challenge 2025 --top-k 0 --temperature 1 --seed 0 --out scores.parquet",
        ),
        "score": Command(
            "simagents.submission.score",
            "score rollouts of any simulator with the WOSAC metric",
            "'validation/*tfrecord*' submission.tar.gz --challenge 2025 --workers 8 --out "
            "scores.parquet",
        ),
        "submit": Command(
            "simagents.submission.submit",
            "pack rollouts for the challenge's server",
            "rollouts.safetensors --metadata submission.yaml",
        ),
        "check-submission": Command(
            "simagents.submission.check_submission",
            "say why the server would refuse an archive",
            "submission.tar.gz --scenarios validation",
        ),
        "rank-planners": Command(
            "simagents.evaluation.rank_planners",
            "what planners are worth among the agents of a run or a baseline",
            "--baseline log --scenarios scenarios.safetensors --out drives.parquet",
        ),
        "gradients": Command(
            "simagents.evaluation.gradients",
            "score functions and rewards of rollouts, for the noise of gradients",
            "--recipe runs/sft/recipe.json --weights runs/sft/model.safetensors --scenarios "
            'scenarios.safetensors --settings "$(cat gradients.json)" --out '
            "gradients.safetensors",
        ),
        "manoeuvres": Command(
            "simagents.evaluation.manoeuvres",
            "roll a policy out under different goals of one vehicle, for a figure",
            "--recipe runs/mloo/recipe.json --weights runs/mloo/model.safetensors "
            "--scenarios scenarios.safetensors --rollouts 4 --top-k 0 --temperature 1 "
            "--seed 0 --limit 0 --out manoeuvres.safetensors",
        ),
        "incidents": Command(
            "simagents.evaluation.incidents",
            "when agents of kept rollouts collide or leave the road, for pictures",
            "--rollouts 0.pictures.safetensors --scenarios scenarios.safetensors --out "
            "0.incidents.safetensors",
        ),
    },
    "report": {
        "cells": Command(
            "simagents.report.cells",
            "gather scores into the cells of a table",
            '--rows \'[{"label": "Still", "systems": ["baseline-stand_still"]}]\' --columns '
            "metametric min_ade --scores scores/baseline-stand_still/0123456789/0.parquet "
            "--scale demo --data synthetic --challenge 2025 --rollouts 32 --out still.json",
        ),
        "table": Command(
            "simagents.report.table",
            "typeset cells as LaTeX and Markdown",
            "still.json --caption 'Standing still' --out-tex still.tex --out-md still.md "
            "--out-html still.html",
        ),
        "figure": Command(
            "simagents.report.draw_figure",
            "draw curves, rollouts, sweeps or differences",
            """sweep --settings '{"caption": "Realism", "tables": ["alpha"]}' """
            "--cells results/demo/tables/alpha.json --out alpha.pdf",
        ),
        "animate": Command(
            "simagents.gallery.animate",
            "kept rollouts of a scene as GIF, MP4 or a strip of moments, systems side by side",
            "--rollouts log=log/0.pictures.safetensors bc=bc/0.pictures.safetensors "
            "--scenarios scenarios.safetensors --out bc.gif",
        ),
        "browse": Command(
            "simagents.gallery.browse",
            "a page that plays kept rollouts: scenes and systems by menu, no network",
            "--rollouts log=log/0.pictures.safetensors bc=bc/0.pictures.safetensors "
            "--scenarios scenarios.safetensors --out browser.html",
        ),
        "latex-log": Command(
            "simagents.report.latex_log",
            "stop at undefined references of the paper, and list boxes that are too wide",
            "results/demo/paper/paper.log",
        ),
        "legible-report": Command(
            "simagents.report.legible_report",
            "draw the workflow of Snakemake's HTML report by rules, in place",
            "results/demo/report.html",
        ),
        "gradient-table": Command(
            "simagents.report.gradient_table",
            "signal, noise and scenes needed of every credit rule, as Markdown and HTML",
            "--gradients results/demo/gradients/*/*.safetensors --out gradients.md --out-html "
            "gradients.html",
        ),
        "numbers": Command(
            "simagents.report.numbers",
            "every number of the paper's prose as a LaTeX macro",
            "--cells results/demo/tables/*.json --vocabulary-report vocabulary.json "
            '--plan-facts "$(cat facts.json)" --out results.tex',
        ),
        "comparison": Command(
            "simagents.report.comparison",
            "published against reproduced, as Markdown, LaTeX and HTML",
            "--cells results/demo/tables/*.json --published paper/published --files "
            '\'{"alpha": "smart_r1_alpha"}\' --out comparison.md --out-tex comparison.tex '
            "--out-html comparison.html",
        ),
        "recipe-table": Command(
            "simagents.report.recipe_table",
            "recipes of runs, stage by stage",
            "--recipes results/demo/runs/*/recipe.json --out recipes.md --out-tex recipes.tex "
            "--out-html recipes.html",
        ),
        "mirror": Command(
            "simagents.mirrors.mirror",
            "show what runs log in TensorBoard or Weights & Biases, while they train too",
            "resume results/demo/runs --tensorboard boards --follow",
        ),
        "training-times": Command(
            "simagents.report.training_times",
            "how long runs trained, stage by stage",
            "--histories results/demo/runs/*/history.jsonl --out times.md "
            "--out-tex times.tex --out-html times.html",
        ),
        "trace": Command(
            "simagents.trace.cell",
            "which runs, settings, data and code made a cell of a table",
            "alpha sft metametric --scale demo",
        ),
        "keep": Command(
            "simagents.reference.keep",
            "copy scores, tables and figures of a finished scale, for git",
            "--scale small --out results/reference/small-xeon",
        ),
        "rebuild": Command(
            "simagents.reference.rebuild",
            "make tables and figures again from kept scores, and compare",
            "results/reference/small-xeon",
        ),
        "repeat": Command(
            "simagents.reference.repeat",
            "whether results of this machine differ from kept ones by more than seeds do",
            "--kept results/reference/small-xeon --results results/small --out repeat.md",
        ),
    },
    "workflow": {
        "doctor": Command(
            "simagents.doctor.examine",
            "what of this machine would stop the workflow, and what to do",
            "--scale paper --profile slurm",
        ),
        "costs": Command(
            "simagents.costs.tables",
            "what every table would cost, before anything is submitted",
            "--scale lab",
        ),
        "power": Command(
            "simagents.power.tables",
            "which published differences a scale's seeds and scenes would resolve",
            "--scale lab --brief",
        ),
        "config-reference": Command(
            "simagents.config.documentation",
            "write the tables of config/README.md and the editors' schema",
            "--check",
        ),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
