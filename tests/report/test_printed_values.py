"""Published numbers beside made-up cells."""

import pytest

from simagents.report.printed_values import REASONS, printed_values, unmatched
from simagents.report.published import read_published
from simagents.report.sources import provenance_in_words

HEAD = "system,realism_meta,min_ade,source_paper,table,wosac_year,split,provenance\n"


@pytest.fixture
def published(tmp_path):
    def write(split="val full", year="2025", provenance="PAPER"):
        path = tmp_path / "table.csv"
        facts = f"Paper,3,{year},{split},{provenance}\n"
        path.write_text(HEAD + f"A,0.70,1.5,{facts}B,0.72,,{facts}")
        return read_published(path)

    return write


@pytest.fixture
def ours(cells, cell):
    """Three seeds at the papers' scale: a mean, a standard error of .01, a deviation of .006."""

    def of(mean, **facts):
        given = {"scale": "paper", "data": "womd", "seeds": 3, "scenarios": 44_097} | facts
        content = cells({"Ours": mean}, published=["A"], **given)
        content["rows"][0]["systems"] = ["ours-1", "ours-2", "ours-3"]
        content["rows"][0]["cells"]["metametric"] = cell(mean, 0.01) | {"deviation": 0.006}
        return content

    return of


def value_of(content, published):
    (value,) = printed_values(content, published)
    return value


def test_the_interval_adds_seeds_and_scenarios_as_squares(ours, published):
    """t(.975) is 1.9600 at 44 096 degrees of freedom and 4.3027 at 2: the half is the root of
    (1.9600 * .01)^2 + (4.3027 * .006)^2 / 3 = 3.842e-4 + 2.221e-4, so .02462."""
    value = value_of(ours(0.71), published())
    assert value.difference == pytest.approx(0.01)
    assert value.low == pytest.approx(0.01 - 0.02462, abs=1e-5)
    assert value.high == pytest.approx(0.01 + 0.02462, abs=1e-5)


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(0.71, "not resolved"), (0.73, "above"), (0.67, "below"), (None, "not judged")],
)
def test_a_verdict_says_where_the_published_number_lies(ours, published, mean, verdict):
    assert value_of(ours(mean), published()).verdict == verdict
    assert value_of(ours(mean), published()).reasons == ""


@pytest.mark.parametrize(
    ("facts", "source", "letter"),
    [
        ({"scale": "lab"}, {}, "a"),
        ({"data": "synthetic"}, {}, "b"),
        ({}, {"split": "test"}, "c"),
        ({}, {"split": "val 2%"}, "c"),
        ({"scenarios": 880}, {}, "c"),
        ({"rollouts": 8}, {}, "d"),
        ({"challenge": 2023}, {"year": "2023 (V1)"}, "e"),
    ],
)
def test_numbers_of_other_conditions_have_no_verdict(ours, published, facts, source, letter):
    value = value_of(ours(0.9, **facts), published(**source))
    assert (value.verdict, value.reasons) == ("not comparable", letter)
    assert letter in REASONS


def test_one_seed_and_a_second_hand_value_are_told(ours, published):
    """Also where the table has other rows of three seeds, as with a stage that seeds share."""
    for seeds in (1, 3):
        content = ours(0.9, seeds=seeds)
        content["rows"][0]["systems"] = ["ours-1"]
        value = value_of(content, published(provenance="PDFNOTE(p.8)"))
        assert (value.verdict, value.reasons) == ("not judged", "fg")


def test_an_untrained_row_needs_no_seeds(ours, published):
    content = ours(0.9, seeds=1)
    content["rows"][0]["systems"] = ["baseline-random_tokens"]
    assert value_of(content, published()).verdict == "above"


def test_a_single_scenario_gives_no_interval(ours, published):
    value = value_of(ours(0.9, scenarios=1), published())
    assert (value.low, value.high, value.reasons) == (None, None, "c")


def test_all_columns_that_the_paper_has_are_compared_and_rows_without_ours_named(
    ours, published, cell
):
    content = ours(0.71, columns=["metametric", "min_ade", "ade"])
    content["rows"][0]["cells"] |= {"min_ade": cell(1.25), "ade": cell(2.0)}
    values = list(printed_values(content, published()))
    assert [(value.of.title, value.published) for value in values] == [
        ("Realism", 0.7),
        ("minADE", 1.5),
    ]
    assert unmatched(content, published()) == ["B"]


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("PAPER", "from the paper"),
        ("PDFNOTE(p.8)", "from public notes on the paper (p. 8)"),
        (
            "PDFNOTE(p.8; equals the SFT+RFT row of Table 3)",
            "from public notes on the paper (p. 8; equals the SFT+RFT row of Table 3)",
        ),
        (
            "PAPER(choice)+PDFNOTE(table number)",
            "from the paper (choice) and public notes on the paper (table number)",
        ),
        ("NOT FOUND", "values not found"),
    ],
)
def test_provenance_is_told_in_words(tag, words):
    assert provenance_in_words(tag) == words
