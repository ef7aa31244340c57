"""Inputs of the figure rule, by kind of figure, and captions."""

import re

from simagents.report.apart import apart


def pictures_of(figure):
    """Rollouts of a few scenarios by every system of a figure."""
    return expand(f"{SCORES}/0.pictures.safetensors", **scored(figure))


def incidents_of(figure):
    """When agents of the rollouts of every row's first system collide or leave the road."""
    systems = [row.systems[0].id for row in figure.rows]
    evaluation = PLAN.evaluation_id(figure.evaluation)
    return expand(f"{SCORES}/0.incidents.safetensors", system=systems, evaluation=evaluation)


def gradients_of(figure):
    """Score functions and rewards of every row's first seed."""
    systems = [row.systems[0] for row in figure.rows]
    for system in systems:
        if isinstance(system, Baseline):
            stop(f"figures.{figure.name}: the baseline {system.name} has no weights; name a stage.")
    ids = [system.id for system in systems]
    return [f"{PLAN.results}/gradients/{name}/{PLAN.gradients_id}.safetensors" for name in ids]


def manoeuvres_of(figure):
    """Rollouts of every row's first seed under goals of different manoeuvres."""
    systems = [row.systems[0] for row in figure.rows]
    for system in systems:
        if isinstance(system, Baseline):
            stop(f"figures.{figure.name}: the baseline {system.name} sees no goals; name a stage.")
    evaluation = PLAN.evaluation_id(figure.evaluation)
    return [f"{PLAN.results}/manoeuvres/{system.id}/{evaluation}.safetensors" for system in systems]


# Inputs of the kinds of figures, by the names of their command-line options.
FIGURE_FILES = {
    "cells": lambda figure: cells_of(figure.name),
    "gradients": gradients_of,
    "histories": histories_of,
    "incidents": incidents_of,
    "manoeuvres": manoeuvres_of,
    "pictures": pictures_of,
    "planners": planners_of,
    "scenarios": lambda figure: scenarios_of("validation"),
    "scores": scores_of,
}


def figure_inputs(name):
    """The inputs that its kind reads, and the look of all figures; a figure depends on nothing else."""
    read = {
        files: FIGURE_FILES[files](PLAN.figures[name]) for files in sorted(PLAN.figures[name].reads)
    }
    return {**read, "style": "paper/paper.mplstyle"}


def figure_rows(name):
    """Labels and systems, for the kinds that draw systems."""
    figure = PLAN.figures[name]
    return f"--rows {shlex.quote(rows_of(figure))}" if figure.rows else ""


def scale_and_data():
    """What to know of every picture."""
    scale, data = PLAN.config.scale, PLAN.source
    warning = ", not comparable with published numbers" if apart(scale, data) else ""
    return f"Scale {scale}, {data} data{warning}."


def in_rst(caption):
    """A caption of the configuration as the report reads it."""
    return re.sub(r"\$(.+?)\$", r":math:`\1`", caption)


def plain_caption(name):
    """The caption for the report, which reads reStructuredText; with the scenes in which planners drove."""
    figure = PLAN.figures[name]
    caption = f"{in_rst(figure.settings.caption)} {scale_and_data()}"
    shown = [figure, *(PLAN.tables[table] for table in figure.tables)]
    if not any(exhibit.drives_planners for exhibit in shown):
        return caption
    scenes = PLAN.config.planners.scenes
    drives = (
        f"Planners drove in the first {scenes} scenes."
        if scenes
        else "Planners drove in all scenes."
    )
    return f"{caption} {drives} Their tables have the correlation between halves of them."
