"""Small worlds: score files that can be averaged by hand, and a street to draw."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from simagents.report.columns import COLUMNS
from simagents.scenarios.scenario import (
    STEPS,
    AgentType,
    LightState,
    MapKind,
    RoadEdgeType,
    RoadLineType,
    Scenario,
)

EVALUATION = "0123456789"
PUBLISHED = "system,realism_meta,source_paper,table,wosac_year,split,provenance,note\n"


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """pyplot keeps every figure until it is closed, as `write_figure` does and tests do not."""
    yield
    plt.close("all")


@pytest.fixture
def score(tmp_path):
    """Writes one chunk of scores of a system and returns its path.

    `values` are meta-metrics by scenario; every other column holds the same numbers.
    """

    def write(system, values, chunk=0, evaluation=EVALUATION, **columns):
        path = tmp_path / "scores" / system / evaluation / f"{chunk}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = pd.DataFrame({"scenario_id": list(values)})
        for column in COLUMNS.values():
            if not column.of_scores:
                continue
            for source in filter(None, (column.source, column.over)):
                frame[source] = np.array(list(values.values()), np.float64)
        for name, numbers in columns.items():
            frame[COLUMNS[name].source if name in COLUMNS else name] = numbers
        frame.to_parquet(path, index=False)
        return path

    return write


@pytest.fixture
def history(tmp_path):
    """Writes a run's history, in which every quantity grows by .01 a step; returns its path."""

    def write(run, steps=20, **quantities):
        path = tmp_path / "runs" / run / "history.jsonl"
        path.parent.mkdir(parents=True)
        lines = [
            json.dumps(
                {"step": step, **{key: value + 0.01 * step for key, value in quantities.items()}}
            )
            for step in range(steps)
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def _rows(*systems, published=None):
    """Rows as the workflow passes them, labelled by their first system."""
    given = [[s] if isinstance(s, str) else s for s in systems]
    names = published or [None] * len(given)
    return json.dumps(
        [
            {"label": s[0], "systems": s, "published": name}
            for s, name in zip(given, names, strict=True)
        ]
    )


def _cell(mean, standard_error=0.01, deviation=None, undefined=0):
    return {
        "mean": mean,
        "deviation": deviation,
        "standard_error": standard_error,
        "undefined": undefined,
    }


def _judged(values):
    """(row, to, mean, low, high), completed by a p value that fits the interval, over seeds too."""
    if len(values) > 5:
        return values
    _, _, mean, low, high = values
    if mean is None:
        return (*values, None, "seeds and scenarios")
    excludes_zero = low > 0 or high < 0
    return (*values, 0.001 if excludes_zero else 0.4, "seeds and scenarios")


def _cells(means, *, published=None, differences=(), scale="demo", **facts):
    """Cells of one column, the meta-metric; `means` by label."""
    names = published or [None] * len(means)
    return {
        "scale": scale,
        "data": "synthetic",
        "challenge": 2025,
        "rollouts": 32,
        "evaluation": EVALUATION,
        "scenarios": 4,
        "seeds": 1,
        "columns": ["metametric"],
        "rows": [
            {
                "label": label,
                "published": name,
                "systems": [f"{label.lower()}-{EVALUATION}"],
                "imported": False,
                "shared": None,
                "cells": {"metametric": _cell(mean)},
            }
            for (label, mean), name in zip(means.items(), names, strict=True)
        ],
        "differences": {
            "metametric": [
                dict(zip(("row", "to", "mean", "low", "high", "p", "covers"), values, strict=True))
                for values in map(_judged, differences)
            ]
        },
        **facts,
    }


def _street() -> Scenario:
    """The recorder drives east, a car stands, a pedestrian crosses; one of every map feature."""
    position = np.zeros((3, STEPS, 3), np.float32)
    position[0, :, 0] = np.arange(STEPS)
    position[1, :, :2] = [20.0, -4.0]
    position[2, :, 0], position[2, :, 1] = 30.0, np.linspace(-8, 8, STEPS)
    lines = [
        (MapKind.LANE, 2, [(-50, 0), (150, 0)]),
        (MapKind.LANE, 3, [(-50, -5), (150, -5)]),
        (MapKind.ROAD_LINE, RoadLineType.BROKEN_SINGLE_WHITE, [(-50, 2), (150, 2)]),
        (MapKind.ROAD_LINE, RoadLineType.SOLID_DOUBLE_YELLOW, [(-50, 3), (150, 3)]),
        (MapKind.ROAD_EDGE, RoadEdgeType.BOUNDARY, [(-50, -7), (150, -7)]),
        (MapKind.STOP_SIGN, 0, [(12, 4)]),
        (MapKind.CROSSWALK, 0, [(28, -6), (32, -6), (32, 6), (28, 6)]),
        (MapKind.SPEED_BUMP, 0, [(40, -6), (41, -6), (41, 6), (40, 6)]),
        (MapKind.DRIVEWAY, 0, [(50, 6), (55, 6), (55, 12), (50, 12)]),
    ]
    points = [np.array([(*p, 0.0) for p in line], np.float32) for *_, line in lines]
    return Scenario(
        id="street",
        sdc=0,
        agent_id=np.arange(3),
        agent_type=np.array([AgentType.VEHICLE, AgentType.VEHICLE, AgentType.PEDESTRIAN], np.uint8),
        to_predict=np.array([False, False, True]),
        of_interest=np.zeros(3, bool),
        position=position,
        heading=np.zeros((3, STEPS), np.float32),
        velocity=np.zeros((3, STEPS, 2), np.float32),
        valid=np.ones((3, STEPS), bool),
        size=np.array([[4, 2, 1.5], [4, 2, 1.5], [1, 1, 1.8]], np.float32),
        mean_size=np.array([[4, 2, 1.5], [4, 2, 1.5], [1, 1, 1.8]], np.float32),
        map_id=np.arange(len(lines)),
        map_kind=np.array([kind for kind, *_ in lines], np.uint8),
        map_type=np.array([kind for _, kind, _ in lines], np.uint8),
        map_start=np.cumsum([0, *map(len, points)]),
        map_point=np.concatenate(points),
        speed_limit=np.zeros(len(lines), np.float32),
        link=np.zeros((0, 3), np.int64),
        light_lane=np.array([0]),
        light_state=np.full((1, STEPS), LightState.STOP, np.int8),
        light_stop=np.full((1, STEPS, 3), 5.0, np.float32),
    )


@pytest.fixture
def rows():
    return _rows


@pytest.fixture
def cell():
    return _cell


@pytest.fixture
def cells():
    return _cells


@pytest.fixture
def papers(tmp_path):
    """A folder of two published tables of the same rows, of 2025 and of 2023.

    A .70, B .72, C .71, D unknown, E .70; in 2023 .2 less, and A and B change places.
    """
    papers = tmp_path / "published"
    papers.mkdir()
    values = {"A": "0.70", "B": "0.72", "C": "0.71", "D": "", "E": "0.70"}
    older = {"A": "0.52", "B": "0.50", "C": "0.51"}
    for name, year, table in (("table", "2025", values), ("older", "2023 (V1)", older)):
        lines = [f"{row},{value},Paper,3,{year},val,PAPER,\n" for row, value in table.items()]
        (papers / f"{name}.csv").write_text(PUBLISHED + "".join(lines))
    return papers


@pytest.fixture
def street():
    return _street()
