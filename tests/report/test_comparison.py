"""The document, from made-up cells."""

import json
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.report import comparison
from simagents.report.comparison import Args

FILES = {"strategy": "table"}


def written(tmp_path, papers, files=FILES, **tables):
    paths = []
    for name, content in tables.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        paths.append(path)
    out = tmp_path / "comparison.md"
    comparison.main(
        Args(
            paths, papers, json.dumps(files), out, out.with_suffix(".tex"), out.with_suffix(".html")
        )
    )
    return out.read_text()


def test_the_document(tmp_path, papers, cells):
    content = cells(
        {"A": 0.5, "B": 0.6}, published=["A", "B"], differences=[(1, 0, 0.1, 0.05, 0.15)]
    )
    text = written(tmp_path, papers, strategy=content, baselines=cells({"X": 0.1}))
    assert text.index("Scale: demo") < text.index("## strategy")
    line = (
        "| A | Realism | 0.7000 | 0.5000 | -0.2000 | [-0.2318, -0.1682] | not comparable | abcf |"
    )
    assert line in text
    assert "| B | A | 0.0200 | +0.1000 | [+0.0500, +0.1500] | 0.0010 | confirmed |" in text
    assert "the published one. 1 published orderings of two rows: 1 confirmed." in text
    assert "| strategy | 2 | 0 | 1 | 1 | 0 | 0 | 0 |" in text
    assert "baselines" not in text


def test_a_table_of_pairs_has_its_published_values_and_no_orderings(tmp_path, cells):
    """Ours .80 in [.70, .90] less the published .954 is -.154 in [-.254, -.054]."""
    content = cells(
        {"Pre": 0.5, "Fine": 0.6},
        published=["Pre-trained 1M", "Fine-tuned 1M"],
        columns=["rank_pairs"],
        planners={"planners": 64, "scenes": 4, "rollouts": 1, "agents": "logged"},
    )
    pair = {"value": 0.8, "low": 0.7, "high": 0.9}
    for place, row in enumerate(content["rows"]):
        pairs = [pair if place != other else {"value": None} for other in range(2)]
        row["cells"] = {"rank_pairs": {"mean": None, "pairs": pairs}}
    files = {"pairs": "peng_table3_rank_correlation"}
    text = written(tmp_path, Path(__file__).parents[2] / "paper/published", files, pairs=content)
    line = "| Fine, Pre | Rank correlation | 0.954 | 0.800 | -0.154 | [-0.254, -0.054] |"
    assert line in text
    assert "64 planners in 4 scenes" in text
    assert "the paper puts" not in text


def test_what_is_contradicted_is_said_at_the_top(tmp_path, papers, cells):
    content = cells(
        {"A": 0.5, "B": 0.4}, published=["A", "B"], differences=[(1, 0, -0.1, -0.2, -0.05)]
    )
    text = written(tmp_path, papers, strategy=content)
    assert text.index("strategy: B is not above A, but below.") < text.index("## strategy")


def test_tables_of_two_years_are_each_compared_with_their_own(tmp_path, papers, cells):
    """The published order of A and B differs between the years, and so do the verdicts."""
    means, difference = {"A": 0.5, "B": 0.6}, [(1, 0, 0.1, 0.05, 0.15)]
    newer = cells(means, published=["A", "B"], differences=difference)
    older = cells(means, published=["A", "B"], differences=difference, challenge=2023, rollouts=16)
    files = {"strategy": "table", "history": "older"}
    text = written(tmp_path, papers, files, strategy=newer, history=older)
    first, second = text[text.index("## strategy") :].split("## history")
    assert "32 rollouts, metric of WOSAC 2025" in first
    assert "| A | Realism | 0.7000 | 0.5000 | -0.2000 |" in first
    assert "| B | A | 0.0200 | +0.1000 | [+0.0500, +0.1500] | 0.0010 | confirmed |" in first
    assert "16 rollouts, metric of WOSAC 2023" in second
    assert "| A | Realism | 0.5200 | 0.5000 | -0.0200 |" in second
    assert "| A | B | 0.0200 | -0.1000 | [-0.1500, -0.0500] | 0.0010 | contradicted |" in second


@pytest.mark.parametrize(
    ("files", "year", "row", "words"),
    [
        ({}, 2025, "A", "strategy has published rows and no published table"),
        (FILES, 2025, "a", "published table table: unknown key `a`"),
        (
            FILES,
            2023,
            "A",
            "table was measured with the metric of 2025, the scores with that of 2023",
        ),
    ],
)
def test_a_table_without_its_published_rows_is_an_error(
    tmp_path, papers, cells, files, year, row, words
):
    content = cells({"A": 0.5}, published=[row], challenge=year)
    with pytest.raises(InputError, match=words):
        written(tmp_path, papers, files, strategy=content)
