"""Every table of every scale can be set, whatever its rows, columns and number of seeds."""

from pathlib import Path

import pytest

from simagents.config.reading import read
from simagents.planning.plan import Plan
from simagents.report.columns import COLUMNS
from simagents.report.published import read_published
from simagents.report.table import layout
from simagents.report.table_html import html
from simagents.report.table_markdown import markdown

TOP = Path(__file__).parents[2]
SCALES = {
    scale: Plan.of(read(TOP, {"scale": scale, "data": "synthetic"}))
    for scale in ("demo", "small", "lab", "paper")
}
TABLES = [(scale, name) for scale, plan in SCALES.items() for name in plan.tables]


def cells_of(plan, exhibit, cell):
    """Cells as finished runs would give them: a number everywhere, deviations where there are seeds."""
    seeds = max(len(row.systems) for row in exhibit.rows)

    def of(key, row):
        deviation = 0.01 if len(row.systems) > 1 and COLUMNS[key].of_scores else None
        pairs = [{"value": 0.5, "low": 0.4, "high": 0.6} for _ in exhibit.rows]
        return {**cell(0.5), "deviation": deviation, "pairs": pairs}

    keys = exhibit.settings.columns
    planners = any(COLUMNS[key].of_planners for key in keys)
    scored = exhibit.evaluation is not None
    return {
        "scale": plan.config.scale, "data": "synthetic", "evaluation": "0123456789",
        "challenge": plan.evaluations[exhibit.evaluation].challenge if scored else 2025,
        "rollouts": 32, "scenarios": 80, "seeds": seeds, "columns": keys, "over": exhibit.settings.over,
        "rows": [
            {
                "label": row.label, "published": row.published, "shared": row.shared, "imported": False,
                "systems": [system.id for system in row.systems],
                "cells": {key: of(key, row) for key in keys},
            }
            for row in exhibit.rows
        ],
        "differences": {"metametric": []},
        **({"planners": {"scenes": 50, "planners": 64, "rollouts": 1, "agents": "logged"}} if planners else {}),
    }  # fmt: skip


@pytest.mark.parametrize(("scale", "name"), TABLES)
def test_every_row_has_a_cell_of_every_column(scale, name, cell):
    plan = SCALES[scale]
    exhibit = plan.tables[name]
    settings = exhibit.settings
    path = settings.published and TOP / f"paper/published/{settings.published}.csv"
    content = layout(
        name, cells_of(plan, exhibit, cell), settings.caption, None,
        read_published(path) if path else None, tuple(settings.literature), settings.transposed,
    )  # fmt: skip
    for line in (*content["lines"], *content["below"]):
        assert len(line.cells) == len(content["heads"])
    assert name in html(content) or settings.caption[:10] in html(content)
    assert markdown(content).count("\n|") > len(content["lines"])


@pytest.mark.parametrize(("scale", "name"), TABLES)
def test_no_table_of_realism_leaves_out_who_merely_drives_less(scale, name):
    columns = SCALES[scale].tables[name].settings.columns
    assert "metametric" not in columns or "distance" in columns
