"""Figure: one scene moment by moment, a row of panels for each system, the same view in all.

The recording vehicle is in the middle now and heads to the right. The first scene that every system
keeps and its first rollout are drawn, so nobody chose them.
"""

from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from simagents.config.figures import Strips
from simagents.errors import InputError
from simagents.report.agent_drawing import Agents, Shown, draw_key, seconds
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.kept_rollouts import read_pictures
from simagents.report.map_drawing import Lights, draw_ground
from simagents.report.view import draw_scale, view_ahead
from simagents.scenarios.incident_file import read_incidents
from simagents.scenarios.scenario import CURRENT, STEP_SECONDS, Scenario
from simagents.scenarios.store import ScenarioStore

LETTERS = 14
"""Of a line of a label, at most: labels stand beside low panels, turned."""
ASPECT = 0.8
"""Height of a panel over its width."""
HALF_WIDTH = 42.0
"""Metres from the recording vehicle to the right border: panels are too small to show more."""
GAP, LINE, TIME, KEY, EDGE = 0.05, 0.13, 0.18, 0.34, 0.02
"""Inches between panels, left of each row for a line of its label, above the first row, below the last, and at
the right, for the frame."""


def draw(settings: Strips, inputs: FigureInputs) -> Figure:
    """Per row its first system. Raises InputError as `read_pictures` and `read_incidents` do."""
    scenario, trajectories = read_pictures(
        inputs.rows, inputs.pictures, ScenarioStore(inputs.scenarios)
    )
    shown = []
    for row, rollouts in zip(inputs.rows, trajectories, strict=True):
        files = [path for path in inputs.incidents if path.parts[-3] == row.systems[0]]
        if not files:
            raise InputError(f"{row.label}: --incidents has no file of {row.systems[0]}.")
        incidents = read_incidents(files[0], scenario)
        shown.append(Shown.of(row.label, scenario, rollouts[0], incidents))
    return strip(scenario, shown, [round(moment / STEP_SECONDS) for moment in settings.moments])


def strip(scenario: Scenario, shown: list[Shown], steps: list[int]) -> Figure:
    """Panels of every system (down) at simulated steps 0 to 80 (across), with marks and a key."""
    columns = len(steps)
    labels = [fill(each.label, LETTERS) for each in shown]
    before = LINE * (1.5 + max(label.count("\n") for label in labels))
    width = (TEXT_WIDTH - before - EDGE - GAP * (columns - 1)) / columns
    height = width * ASPECT
    total = TIME + KEY + len(shown) * (height + GAP)
    figure = plt.figure(figsize=(TEXT_WIDTH, total))
    view = view_ahead(scenario, HALF_WIDTH, ASPECT)
    for row, each in enumerate(shown):
        bottom = total - TIME - (row + 1) * height - row * GAP
        for column, step in enumerate(steps):
            left = before + column * (width + GAP)
            axes = figure.add_axes(
                (left / TEXT_WIDTH, bottom / total, width / TEXT_WIDTH, height / total)
            )
            view.frame(axes)
            draw_ground(axes, scenario, view)
            Lights(axes, scenario, view).show(CURRENT + step)
            Agents(axes, scenario, view, each, ring=5.0).show(step)
            if row == 0:
                axes.set_title(seconds(step), pad=3, fontsize=8, loc="center")
            if column == 0:
                axes.set_ylabel(labels[row], fontsize=8, labelpad=3)
                if row == 0:
                    draw_scale(axes, view)
    draw_key(figure, scenario, fontsize=7.0, columns=5)
    return figure
