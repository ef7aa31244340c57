"""Numbers of the findings are those of kept tables."""

import json
import re
from pathlib import Path

import pytest

from building import findings
from simagents.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path):
    """A repository that keeps one table of two rows, which differ by -0.03 ± 0.01."""
    tables = tmp_path / findings.KEPT[0] / "tables"
    tables.mkdir(parents=True)
    cell = {"metametric": {"mean": 0.7, "deviation": None, "standard_error": 0.01, "undefined": 0}}
    difference = {"row": 1, "to": 0, "mean": -0.03, "low": -0.04, "high": -0.02, "p": 0.001}
    cells = {
        "challenge": 2025, "scenarios": 80, "rollouts": 32,
        "rows": [{"label": label, "cells": cell} for label in ("SFT", "SFT + MPO")],
        "differences": {"metametric": [{**difference, "covers": "scenarios and seeds"}]},
    }  # fmt: skip
    (tables / "strategy.json").write_text(json.dumps(cells))
    (tables / "strategy.md").write_text(
        "| N = 4 | x |\n|---|--:|\n| MPO | -1.5 |\n\n| N = 8 | x |\n|---|--:|\n| MPO | 2 |\n"
    )
    return tmp_path


def test_numbers_verdicts_and_tables_are_read(root):
    text = """
{{ number("gain:strategy:sft-mpo:sft:metametric") }} {{ number("interval:strategy:sft-mpo:sft:metametric") }}
{{ number("verdict:strategy:sft-mpo:sft:metametric") }} {{ entry("tables/strategy.md", "N = 4", "MPO", "x") }}
{{ entry("tables/strategy.md", "N = 8", "MPO", "x") }}"""
    assert findings.rendered(text, root).split("\n")[1:] == [
        "−0.0300 [−0.0400, −0.0200]", "below −1.5", "2",
    ]  # fmt: skip


def test_headings_of_kept_texts_are_below_those_of_the_page(root):
    (root / findings.KEPT[0] / "noise.md").write_text("# Noise\n\ntext\n\n## A run\n")
    shown = findings.rendered('{{ kept("noise.md") }}', root)
    assert shown == "### Noise\n\ntext\n\n#### A run\n"


def test_a_section_waits_for_its_table_and_what_is_missing_is_named(root):
    text = '{% if has("strategy") %}yes{% endif %}{% if has("alpha") %}no{% endif %}'
    assert findings.rendered(text, root) == "yes"
    (root / "config").symlink_to(ROOT / "config")
    (root / "config.yaml").symlink_to(ROOT / "config.yaml")
    names = findings.rendered("{{ missing() }}", root).split(", ")
    assert "`alpha`" in names
    assert "`strategy`" not in names


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '{{ number("cell:strategy:sft:metametrc") }}',
            "did you mean `cell:strategy:sft:metametric`",
        ),
        ('{{ kept("tables/alpha.md") }}', r"alpha\.md was not kept"),
        (
            '{{ entry("tables/strategy.md", "N = 4", "PPO", "x") }}',
            "has no x of PPO in a table of N = 4",
        ),
    ],
)
def test_what_was_not_kept_has_no_place_on_the_page(root, text, sentence):
    with pytest.raises(InputError, match=sentence):
        findings.rendered(text, root)


def test_no_result_is_typed():
    text = (ROOT / "docs" / "findings.md").read_text()
    assert not re.search(r"(?<!trafficbots-v)\d\.\d", text)


def test_the_readme_of_results_lists_every_kept_table():
    text = (ROOT / "results/README.md").read_text()
    for folder in findings.KEPT:
        for path in (ROOT / folder / "tables").glob("*.md"):
            assert f"[{path.stem}]({path.relative_to(ROOT / 'results')})" in text
