"""`simagents COMMAND …`: every step of the workflow, and the metric on its own.

A command's module loads when the command is called, so that `simagents cache` does not wait for
torch. Only the completion script of a shell needs all of them.
"""

import sys
from functools import reduce
from importlib import import_module
from operator import or_
from typing import Annotated, Any

import tyro

from simagents.allocator import keep_freed_memory
from simagents.errors import InputError, unknown_value

# Group -> command -> module with `Args` and `main`, and what the command does.
GROUPS = {
    "data": {
        "synthesize": (
            "simagents.scenarios.synthetic.__main__",
            "write synthetic scenarios in WOMD's format",
        ),
        "cache": ("simagents.scenarios.cache", "decode a TFRecord shard into a memory-mapped one"),
        "vocabulary": ("simagents.tokens.build", "build the motion and map vocabularies"),
        "reconstruction": (
            "simagents.tokens.reconstruction",
            "how well a vocabulary follows logs that it was not built from",
        ),
        "given-vocabulary": (
            "simagents.tokens.given",
            "measure a vocabulary that came with an imported model",
        ),
        "tokenize": ("simagents.tokens.tokenize", "turn cached scenarios into token chains"),
    },
    "training": {
        "config-reference": (
            "simagents.config.documentation",
            "write the tables of config/README.md and the editors' schema",
        ),
        "costs": (
            "simagents.costs.tables",
            "what every table would cost, before anything is submitted",
        ),
        "power": (
            "simagents.power.tables",
            "which published differences a scale's seeds and scenes would resolve",
        ),
        "calibrate": (
            "simagents.evaluation.calibrate",
            "mean reward of a policy on held-out training scenes",
        ),
        "train": (
            "simagents.training.train",
            "train one run; start under torchrun for several processes",
        ),
    },
    "evaluation": {
        "evaluate": ("simagents.evaluation.evaluate", "roll a policy out and score it"),
        "rank-planners": (
            "simagents.evaluation.rank_planners",
            "what planners are worth among the agents of a run or a baseline",
        ),
        "gradients": (
            "simagents.evaluation.gradients",
            "score functions and rewards of rollouts, for the noise of gradients",
        ),
        "manoeuvres": (
            "simagents.evaluation.manoeuvres",
            "roll a policy out under different goals of one vehicle, for a figure",
        ),
    },
    "report": {
        "cells": ("simagents.report.cells", "gather scores into the cells of a table"),
        "table": ("simagents.report.table", "typeset cells as LaTeX and Markdown"),
        "figure": ("simagents.report.draw_figure", "draw curves, rollouts, sweeps or differences"),
        "gradient-table": (
            "simagents.report.gradient_table",
            "signal, noise and scenes needed of every credit rule, as Markdown",
        ),
        "numbers": (
            "simagents.report.numbers",
            "every number of the paper's prose as a LaTeX macro",
        ),
        "trace": ("simagents.trace.cell", "which runs, settings, data and code made a cell"),
        "comparison": (
            "simagents.report.comparison",
            "published against reproduced, as Markdown",
        ),
    },
    "exchange": {
        "import-catk": (
            "simagents.exchange.import_catk",
            "turn a CAT-K or SMART checkpoint into weights, recipe and vocabulary",
        ),
        "adopt": (
            "simagents.exchange.adopt",
            "copy an imported model to the runs of the workflow",
        ),
        "export-catk": (
            "simagents.exchange.export_catk",
            "write a run's weights and vocabulary under CAT-K's names",
        ),
    },
    "challenge": {
        "score": (
            "simagents.submission.score",
            "score rollouts of any simulator with the WOSAC metric",
        ),
        "submit": ("simagents.submission.submit", "pack rollouts for the challenge's server"),
        "check-submission": (
            "simagents.submission.check_submission",
            "say why the server would refuse an archive",
        ),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
COMPLETION = ("--tyro-print-completion", "--tyro-write-completion")


def main() -> None:
    """Dispatch; print an InputError as one sentence and exit with 2."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(overview())
        return
    try:
        if name in COMPLETION:
            tyro.cli(every_command(), prog="simagents", args=sys.argv[1:])
        if name not in COMMANDS:
            raise unknown_value(name, "COMMAND", COMMANDS)
        keep_freed_memory()
        module = import_module(COMMANDS[name][0])
        module.main(tyro.cli(module.Args, prog=f"simagents {name}", args=sys.argv[2:]))
    except InputError as problem:
        print(f"simagents: {problem}", file=sys.stderr)
        sys.exit(2)


def overview() -> str:
    """All commands by group."""
    width = max(map(len, COMMANDS))
    lines = ["usage: simagents COMMAND [--help]"]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {name:{width}}  {text}" for name, (_, text) in commands.items()]
    lines += ["", f"shell completion: simagents {COMPLETION[0]} {{bash,zsh,tcsh}}"]
    return "\n".join(lines)


def every_command() -> Any:
    """The union of all commands' arguments, each a subcommand; imports every command's module."""
    return reduce(
        or_,
        (
            Annotated[import_module(module).Args, tyro.conf.subcommand(name, description=text)]
            for name, (module, text) in COMMANDS.items()
        ),
    )


if __name__ == "__main__":
    main()
