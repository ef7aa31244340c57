"""What the one figure rule needs to know of the kinds of figures."""

import re

from simagents.config.figures import FIGURES
from simagents.config.keys import read_as

try:
    FIGURE_SETTINGS = {
        name: read_as(FIGURES.kind_of(figure.settings["kind"]), figure.settings, f"figures.{name}")
        for name, figure in PLAN.figures.items()
    }
except InputError as problem:
    raise WorkflowError(str(problem)) from None


def pictures_of(figure):
    """Rollouts of a few scenarios by every system of a figure."""
    systems = [system.id for system in figure.systems]
    return expand(f"{SCORES}/0.pictures.safetensors", system=systems)


# What the kinds of figures read, by the names that the command line has for it.
FIGURE_FILES = {
    "cells": lambda figure: cells_of(figure.name),
    "histories": histories_of,
    "pictures": pictures_of,
    "scenarios": lambda figure: scenarios_of("validation"),
    "scores": scores_of,
}


def figure_inputs(name):
    """Only what its kind reads: a figure waits for nothing else."""
    return {
        files: FIGURE_FILES[files](PLAN.figures[name])
        for files in sorted(FIGURE_SETTINGS[name].reads)
    }


def figure_rows(name):
    """Labels and systems, for the kinds that draw systems."""
    figure = PLAN.figures[name]
    return f"--rows {shlex.quote(rows_of(figure))}" if figure.rows else ""


def plain_caption(name):
    """The caption for the report, which reads reStructuredText."""
    return re.sub(r"\$(.+?)\$", r":math:`\1`", FIGURE_SETTINGS[name].caption)
