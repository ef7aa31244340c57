"""Verdicts on made-up cells."""

import json
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.report import comparison
from simagents.report.comparison import Args, orderings
from simagents.report.published import read_published

HEAD = "system,realism_meta,source_paper,table,wosac_year,split,provenance,note\n"


@pytest.fixture
def folder(tmp_path):
    """Two published tables of the same rows, of 2025 and of 2023.

    A .70, B .72, C .71, D unknown, E .70; in 2023 .2 less, and A and B change places.
    """
    folder = tmp_path / "published"
    folder.mkdir()
    values = {"A": "0.70", "B": "0.72", "C": "0.71", "D": "", "E": "0.70"}
    older = {"A": "0.52", "B": "0.50", "C": "0.51"}
    for name, year, table in (("table", "2025", values), ("older", "2023 (V1)", older)):
        lines = [f"{row},{value},Paper,3,{year},val,PAPER,\n" for row, value in table.items()]
        (folder / f"{name}.csv").write_text(HEAD + "".join(lines))
    return folder


def verdicts(content, folder):
    pairs = orderings(content, read_published(folder / "table.csv"))
    return [(o.better, o.worse, o.verdict) for o in pairs]


def test_verdicts(folder, cells):
    """B over A is seen; C over A is not resolved; C over B, which the paper denies, is seen."""
    content = cells(
        {"A": 0.5, "B": 0.6, "C": 0.7},
        published=["A", "B", "C"],
        differences=[(1, 0, 0.1, 0.05, 0.15), (2, 0, 0.2, -0.1, 0.5), (2, 1, 0.1, 0.02, 0.2)],
    )
    assert verdicts(content, folder) == [
        ("B", "A", "confirmed"),
        ("C", "A", "not resolved"),
        ("B", "C", "contradicted"),
    ]


def test_the_difference_is_that_of_the_better_row(folder, cells):
    """C - B = +.1 in [.02, .2] is B - C = -.1 in [-.2, -.02]."""
    content = cells(
        {"B": 0.6, "C": 0.7}, published=["B", "C"], differences=[(1, 0, 0.1, 0.02, 0.2)]
    )
    (ordering,) = orderings(content, read_published(folder / "table.csv"))
    assert (ordering.reproduced, ordering.low, ordering.high) == (-0.1, -0.2, -0.02)
    assert ordering.published == pytest.approx(0.01)


def test_a_chosen_row_without_values_is_above_all_others(tmp_path, cells):
    """The paper says which value is the best and no more; nothing is said of the others' order."""
    head = HEAD.replace("system", "alpha").replace("note", "status")
    (tmp_path / "table.csv").write_text(head + "0.77,,Paper,5,2025,val,PAPER,chosen optimum; …\n")
    content = cells(
        {"A": 0.5, "B": 0.6, "C": 0.55},
        published=[None, "0.77", None],
        differences=[(1, 0, 0.1, 0.05, 0.15), (2, 0, 0.05, 0.01, 0.1), (2, 1, -0.05, -0.2, 0.1)],
    )
    assert verdicts(content, tmp_path) == [("B", "A", "confirmed"), ("B", "C", "not resolved")]


@pytest.mark.parametrize("other", ["D", "E"])
def test_unknown_and_equal_published_values_order_nothing(folder, other, cells):
    content = cells(
        {"A": 0.5, other: 0.6}, published=["A", other], differences=[(1, 0, 0.1, 0.05, 0.15)]
    )
    assert verdicts(content, folder) == []


def test_what_is_not_defined_is_not_resolved(folder, cells):
    content = cells(
        {"A": 0.5, "B": None}, published=["A", "B"], differences=[(1, 0, None, None, None)]
    )
    assert verdicts(content, folder) == [("B", "A", "not resolved")]


def test_one_seed_gives_no_verdict(folder, cells):
    content = cells(
        {"A": 0.5, "B": 0.6},
        published=["A", "B"],
        differences=[(1, 0, 0.1, 0.05, 0.15, 1e-9, "one seed")],
    )
    assert verdicts(content, folder) == [("B", "A", "not judged")]


def test_a_table_of_many_orderings_needs_smaller_p_values(folder, cells):
    """0.02 alone is a verdict; of three, the smallest counts three times."""
    means, published = {"A": 0.5, "B": 0.6, "C": 0.7}, ["A", "B", "C"]
    seeds = "seeds and scenarios"
    alone = cells(
        {"A": 0.5, "B": 0.6},
        published=["A", "B"],
        differences=[(1, 0, 0.1, 0.01, 0.2, 0.02, seeds)],
    )
    together = cells(
        means,
        published=published,
        differences=[
            (1, 0, 0.1, 0.01, 0.2, 0.02, seeds),
            (2, 0, 0.2, 0.01, 0.4, 0.03, seeds),
            (2, 1, 0.1, -0.1, 0.2, 0.6, seeds),
        ],
    )
    assert [verdict for *_, verdict in verdicts(alone, folder)] == ["confirmed"]
    assert {verdict for *_, verdict in verdicts(together, folder)} == {"not resolved"}


FILES = {"strategy": "table"}


def written(tmp_path, folder, files=FILES, **tables):
    paths = []
    for name, content in tables.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        paths.append(path)
    out = tmp_path / "comparison.md"
    comparison.main(
        Args(
            paths, folder, json.dumps(files), out, out.with_suffix(".tex"), out.with_suffix(".html")
        )
    )
    return out.read_text()


def test_the_document(tmp_path, folder, cells):
    content = cells(
        {"A": 0.5, "B": 0.6}, published=["A", "B"], differences=[(1, 0, 0.1, 0.05, 0.15)]
    )
    text = written(tmp_path, folder, strategy=content, baselines=cells({"X": 0.1}))
    assert text.index("Scale: demo") < text.index("## strategy")
    line = (
        "| A | Realism | 0.7000 | 0.5000 | -0.2000 | [-0.2318, -0.1682] | not comparable | abcf |"
    )
    assert line in text
    assert "| B | A | 0.0200 | +0.1000 | [+0.0500, +0.1500] | 0.001 | confirmed |" in text
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


def test_what_is_contradicted_is_said_at_the_top(tmp_path, folder, cells):
    content = cells(
        {"A": 0.5, "B": 0.4}, published=["A", "B"], differences=[(1, 0, -0.1, -0.2, -0.05)]
    )
    text = written(tmp_path, folder, strategy=content)
    assert text.index("strategy: B is not above A, but below.") < text.index("## strategy")


def test_tables_of_two_years_are_each_compared_with_their_own(tmp_path, folder, cells):
    """The published order of A and B differs between the years, and so do the verdicts."""
    means, difference = {"A": 0.5, "B": 0.6}, [(1, 0, 0.1, 0.05, 0.15)]
    newer = cells(means, published=["A", "B"], differences=difference)
    older = cells(means, published=["A", "B"], differences=difference, challenge=2023, rollouts=16)
    files = {"strategy": "table", "history": "older"}
    text = written(tmp_path, folder, files, strategy=newer, history=older)
    first, second = text[text.index("## strategy") :].split("## history")
    assert "32 rollouts, metric of WOSAC 2025" in first
    assert "| A | Realism | 0.7000 | 0.5000 | -0.2000 |" in first
    assert "| B | A | 0.0200 | +0.1000 | [+0.0500, +0.1500] | 0.001 | confirmed |" in first
    assert "16 rollouts, metric of WOSAC 2023" in second
    assert "| A | Realism | 0.5200 | 0.5000 | -0.0200 |" in second
    assert "| A | B | 0.0200 | -0.1000 | [-0.1500, -0.0500] | 0.001 | contradicted |" in second


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
    tmp_path, folder, cells, files, year, row, words
):
    content = cells({"A": 0.5}, published=[row], challenge=year)
    with pytest.raises(InputError, match=words):
        written(tmp_path, folder, files, strategy=content)
