"""Verdicts on made-up cells."""

import pytest

from simagents.report.orderings import orderings
from simagents.report.published import read_published


def verdicts(content, papers):
    pairs = orderings(content, read_published(papers / "table.csv"))
    return [(o.better, o.worse, o.verdict) for o in pairs]


def test_verdicts(papers, cells):
    """B over A is seen; C over A is not resolved; C over B, which the paper denies, is seen."""
    content = cells(
        {"A": 0.5, "B": 0.6, "C": 0.7},
        published=["A", "B", "C"],
        differences=[(1, 0, 0.1, 0.05, 0.15), (2, 0, 0.2, -0.1, 0.5), (2, 1, 0.1, 0.02, 0.2)],
    )
    assert verdicts(content, papers) == [
        ("B", "A", "confirmed"),
        ("C", "A", "not resolved"),
        ("B", "C", "contradicted"),
    ]


def test_the_difference_is_that_of_the_better_row(papers, cells):
    """C - B = +.1 in [.02, .2] is B - C = -.1 in [-.2, -.02]."""
    content = cells(
        {"B": 0.6, "C": 0.7}, published=["B", "C"], differences=[(1, 0, 0.1, 0.02, 0.2)]
    )
    (ordering,) = orderings(content, read_published(papers / "table.csv"))
    assert (ordering.reproduced, ordering.low, ordering.high) == (-0.1, -0.2, -0.02)
    assert ordering.published == pytest.approx(0.01)


def test_a_chosen_row_without_values_is_above_all_others(tmp_path, cells):
    """The paper says which value is the best and no more; nothing is said of the others' order."""
    head = "alpha,realism_meta,source_paper,table,wosac_year,split,provenance,status\n"
    (tmp_path / "table.csv").write_text(head + "0.77,,Paper,5,2025,val,PAPER,chosen optimum; …\n")
    content = cells(
        {"A": 0.5, "B": 0.6, "C": 0.55},
        published=[None, "0.77", None],
        differences=[(1, 0, 0.1, 0.05, 0.15), (2, 0, 0.05, 0.01, 0.1), (2, 1, -0.05, -0.2, 0.1)],
    )
    assert verdicts(content, tmp_path) == [("B", "A", "confirmed"), ("B", "C", "not resolved")]


@pytest.mark.parametrize("other", ["D", "E"])
def test_unknown_and_equal_published_values_order_nothing(papers, other, cells):
    content = cells(
        {"A": 0.5, other: 0.6}, published=["A", other], differences=[(1, 0, 0.1, 0.05, 0.15)]
    )
    assert verdicts(content, papers) == []


def test_what_is_not_defined_is_not_resolved(papers, cells):
    content = cells(
        {"A": 0.5, "B": None}, published=["A", "B"], differences=[(1, 0, None, None, None)]
    )
    assert verdicts(content, papers) == [("B", "A", "not resolved")]


def test_one_seed_gives_no_verdict(papers, cells):
    content = cells(
        {"A": 0.5, "B": 0.6},
        published=["A", "B"],
        differences=[(1, 0, 0.1, 0.05, 0.15, 1e-9, "one seed")],
    )
    assert verdicts(content, papers) == [("B", "A", "not judged")]


def test_a_table_of_many_orderings_needs_smaller_p_values(papers, cells):
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
    assert [verdict for *_, verdict in verdicts(alone, papers)] == ["confirmed"]
    assert {verdict for *_, verdict in verdicts(together, papers)} == {"not resolved"}
