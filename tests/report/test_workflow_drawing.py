"""The drawing of the workflow in the HTML report."""

import json

import pytest

from simagents.errors import InputError
from simagents.report.legible_report import redrawn
from simagents.report.workflow_drawing import HEIGHT, WIDTH, drawing, family

NODES = [
    "recipe", "synthesize", "cache_training_0", "cache_training_1", "shards", "tokenize_training_0",
    "shards", "train_parent", "calibrate", "train", "evaluate", "cells",
]  # fmt: skip
LINKS = [
    (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6), (6, 7), (0, 7), (7, 8), (8, 9), (0, 9), (6, 9),
    (9, 10), (4, 10), (10, 11),
]  # fmt: skip
JOBS = {"train": 33, "train_parent": 7, "cache_training_0": 1, "cache_training_1": 1, "cells": 1}


def spec():
    links = [{"source": a, "target": b} for a, b in LINKS]
    return {
        "data": [
            {"name": "node-data", "values": [{"rule": rule} for rule in NODES]},
            {"name": "link-data", "values": links[::2]},
            {"name": "link-data-direct", "values": links[1::2]},
        ]
    }


@pytest.fixture
def drawn():
    boxes, lines = drawing(spec(), JOBS)["data"]
    return {box["text"].split(" ")[0]: box for box in boxes["values"]}, lines["values"]


def test_parts_of_the_data_are_one_box_with_the_number_of_jobs(drawn):
    boxes, _ = drawn
    assert set(boxes) == {
        "recipe", "synthesize", "cache", "tokenize", "train", "calibrate", "evaluate", "cells",
    }  # fmt: skip
    assert boxes["train"]["text"] == "train × 40"
    assert boxes["cache"]["rule"] == "cache_training_0"  # which a click shows
    assert family("tokenize_validation_12") == "tokenize"


def test_a_rule_stands_below_all_that_it_reads(drawn):
    boxes, _ = drawn
    heights = [boxes[name]["y"] for name in ("cache", "tokenize", "train", "evaluate", "cells")]
    assert heights == sorted(set(heights))


def test_only_the_line_back_from_calibration_is_dashed(drawn):
    boxes, lines = drawn
    (back,) = [line for line in lines if line["dash"] == [4, 3]]
    assert back["x2"] == boxes["train"]["x"]
    assert back["x"] == boxes["calibrate"]["x"]


def test_implied_lines_are_left_out(drawn):
    """Cache leads to evaluate by way of train, so it has one line, to tokenize."""
    boxes, lines = drawn
    cache = boxes["cache"]
    below = [
        line for line in lines if (line["x"], line["y"]) == (cache["x"], cache["y"] + HEIGHT / 2)
    ]
    assert [line["x2"] for line in below] == [boxes["tokenize"]["x"]]


def test_boxes_do_not_overlap(drawn):
    boxes = list(drawn[0].values())
    for n, one in enumerate(boxes):
        assert one["wide"] / 2 <= one["x"] <= WIDTH - one["wide"] / 2
        for other in boxes[:n]:
            apart = abs(one["x"] - other["x"]) > (one["wide"] + other["wide"]) / 2
            assert apart or abs(one["y"] - other["y"]) > HEIGHT


def test_the_page_keeps_all_but_the_drawing_and_is_redrawn_once():
    rules = {rule: {"n_jobs": 1} for rule in NODES}
    graph = f"<script>var rulegraph_spec = {json.dumps(spec())};</script>"
    page = f"{graph}<p>A</p><script>var rules = {json.dumps(rules)};</script>"
    once = redrawn(page, "report.html")
    assert once.startswith('<script>var rulegraph_spec = {"$schema"')
    assert once.endswith(page[page.index(";</script><p>") :])
    assert redrawn(once, "report.html") == once


def test_another_page_is_an_error():
    with pytest.raises(InputError, match=r"r\.html: no `rulegraph_spec` in it"):
        redrawn("<html></html>", "r.html")
