"""`simagents COMMAND …`: every step of the workflow, and the metric on its own.

Commands load when they are called, so that `simagents cache` does not wait for torch.
"""

import sys
from importlib import import_module

import tyro

from simagents.allocator import keep_freed_memory
from simagents.errors import InputError, unknown_key

COMMANDS = {
    "costs": ("simagents.costs", "what every table would cost, before anything is submitted"),
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
    "tokenize": ("simagents.tokens.tokenize", "turn cached scenarios into token chains"),
    "train": (
        "simagents.training.train",
        "train one run; start under torchrun for several processes",
    ),
    "calibrate": (
        "simagents.evaluation.calibrate",
        "mean reward of a policy on held-out training scenes",
    ),
    "evaluate": ("simagents.evaluation.evaluate", "roll a policy out and score it"),
    "score": (
        "simagents.submission.score",
        "score rollouts of any simulator with the WOSAC metric",
    ),
    "submit": ("simagents.submission.submit", "pack rollouts for the challenge's server"),
    "check-submission": (
        "simagents.submission.check_submission",
        "say why the server would refuse an archive",
    ),
    "import-catk": (
        "simagents.exchange.import_catk",
        "turn a CAT-K or SMART checkpoint into weights, recipe and vocabulary",
    ),
    "export-catk": (
        "simagents.exchange.export_catk",
        "write a run's weights and vocabulary under CAT-K's names",
    ),
    "cells": ("simagents.report.cells", "gather scores into the cells of a table"),
    "table": ("simagents.report.table", "typeset cells as LaTeX and Markdown"),
    "training-curves": (
        "simagents.report.training_curves",
        "draw losses, rewards and divergence over training",
    ),
    "rollout-picture": (
        "simagents.report.rollout_picture",
        "draw one scene as several systems simulate it",
    ),
    "sweep-curves": (
        "simagents.report.sweep",
        "draw gain and divergence over the values of a coefficient",
    ),
    "component-gains": (
        "simagents.report.component_gains",
        "draw which parts of the metric one row gains over another",
    ),
    "time-split": ("simagents.report.time_split", "draw where the seconds of a training step go"),
    "numbers": ("simagents.report.numbers", "every number of the paper's prose as a LaTeX macro"),
    "comparison": ("simagents.report.comparison", "published against reproduced, as Markdown"),
}


def main() -> None:
    """Dispatch; print an InputError as one sentence and exit with 2."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = (f"  {command:{width}}  {text}" for command, (_, text) in COMMANDS.items())
        print("usage: simagents COMMAND [--help]", *lines, sep="\n")
        return
    try:
        if name not in COMMANDS:
            raise unknown_key(name, "simagents", COMMANDS)
        keep_freed_memory()
        module = import_module(COMMANDS[name][0])
        module.main(tyro.cli(module.Args, prog=f"simagents {name}", args=sys.argv[2:]))
    except InputError as problem:
        print(f"simagents: {problem}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
