"""Cells against means and errors worked out by hand."""

import json

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.report import cells
from simagents.report.cells import Args, sharing


@pytest.fixture
def gather(tmp_path):
    """Runs the command and returns what it wrote."""

    def run(rows, scores, columns=("metametric",), histories=(), over=None):
        out = tmp_path / "table.json"
        facts = ("demo", "synthetic", 2025, 32)
        cells.main(Args(rows, list(columns), scores, *facts, out, list(histories), over))
        return json.loads(out.read_text())

    return run


def test_one_seed_by_hand(gather, score, rows):
    """Scores .2, .4, .6 have mean .4, deviation .2 and standard error .2 / sqrt(3) = .1155."""
    found = gather(rows("bc-1"), [score("bc-1", {"a": 0.2, "b": 0.4, "c": 0.6})])
    cell = found["rows"][0]["cells"]["metametric"]
    assert cell["mean"] == pytest.approx(0.4)
    assert cell["standard_error"] == pytest.approx(0.1154701)
    assert cell["deviation"] is None
    assert (found["scenarios"], found["seeds"]) == (3, 1)


def test_seeds_by_hand(gather, score, rows):
    """Seeds with means .4 and .6: mean .5, deviation .1414; averaged over seeds the scenarios are
    .3 and .7, with standard error .2828 / sqrt(2) = .2."""
    found = gather(
        rows(["bc-1", "bc-2"]),
        [score("bc-1", {"a": 0.2, "b": 0.6}), score("bc-2", {"a": 0.4, "b": 0.8})],
    )
    cell = found["rows"][0]["cells"]["metametric"]
    assert cell["mean"] == pytest.approx(0.5)
    assert cell["deviation"] == pytest.approx(0.1414214)
    assert cell["standard_error"] == pytest.approx(0.2)
    assert found["seeds"] == 2


def test_tokens_are_read_from_their_report(gather, score, rows, tmp_path):
    """Once a row: no deviation over seeds, no error over scenarios."""
    found = {"training": {"motion": {"dead_share": 0.25}, "vehicle": {"tokens": 512}}}
    (tmp_path / "r.json").write_text(json.dumps(found))
    given = json.loads(rows(["bc-1", "bc-2"]))
    given[0]["reconstruction"] = str(tmp_path / "r.json")
    scores = [score("bc-1", {"a": 0.2, "b": 0.6}), score("bc-2", {"a": 0.4, "b": 0.8})]
    cells = gather(json.dumps(given), scores, ["metametric", "vehicle_tokens", "dead_tokens"])
    cells = cells["rows"][0]["cells"]
    nothing = {"deviation": None, "standard_error": None, "undefined": 0}
    assert cells["vehicle_tokens"] == {"mean": 512, **nothing}
    assert cells["dead_tokens"] == {"mean": 0.25, **nothing}


def test_what_was_logged_is_averaged_over_the_end_of_training(gather, score, rows, history):
    """The last tenth of 20 steps are .18 and .19 above the start, .185 on average; seeds that
    start from 0 and .2 have the mean .285 and the deviation .1414. A run that logs none has none.
    """
    scores = [score(f"{stage}-{seed}", {"a": 0.2}) for stage in ("rft", "sft") for seed in (1, 2)]
    logged = [history("rft-1", kl=0.0), history("rft-2", kl=0.2), history("sft-1", loss=1.0)]
    found = gather(rows(["rft-1", "rft-2"], ["sft-1", "sft-2"]), scores, ["kl"], logged)
    first, second = (row["cells"]["kl"] for row in found["rows"])
    assert first["mean"] == pytest.approx(0.285)
    assert first["deviation"] == pytest.approx(0.1414214)
    assert second["mean"] is None
    assert list(found["differences"]) == ["metametric"]


def test_columns_of_tokens_need_the_report(gather, score, rows):
    with pytest.raises(InputError, match="`dead_tokens` needs the row's `reconstruction`"):
        gather(rows("bc-1"), [score("bc-1", {"a": 0.2})], ["dead_tokens"])


def test_chunks_are_one_set_in_any_order(gather, score, rows):
    first = score("bc-1", {"a": 0.2}, chunk=0)
    second = score("bc-1", {"b": 0.4}, chunk=1)
    assert gather(rows("bc-1"), [first, second]) == gather(rows("bc-1"), [second, first])


def test_every_pair_is_compared_on_the_same_scenarios(gather, score, rows):
    """b is a plus .1 on every scenario, so the interval is that number."""
    scores = [
        score("a", {"x": 0.2, "y": 0.9}),
        score("b", {"y": 1.0, "x": 0.3}),
        score("c", {"x": 0.2, "y": 0.9}),
    ]
    differences = gather(rows("a", "b", "c"), scores, ["min_ade"])["differences"]
    assert list(differences) == ["metametric", "min_ade"]
    differences = differences["metametric"]
    assert [(d["row"], d["to"]) for d in differences] == [(1, 0), (2, 0), (2, 1)]
    for difference, expected in zip(differences, (0.1, 0.0, -0.1), strict=True):
        for key in ("mean", "low", "high"):
            assert difference[key] == pytest.approx(expected, abs=1e-12)


def test_what_is_not_defined_is_null(gather, score, rows):
    path = score("bc-1", {"a": 0.2, "b": 0.4}, min_ade=[np.nan, 1.0])
    cell = gather(rows("bc-1"), [path], ["metametric", "min_ade"])["rows"][0]["cells"]
    assert cell["min_ade"]["mean"] is None
    assert cell["min_ade"]["standard_error"] is None
    assert cell["min_ade"]["undefined"] == 1
    assert cell["metametric"]["mean"] == pytest.approx(0.3)


def test_a_missing_scenario_is_an_error(gather, score, rows):
    scores = [score("a", {"x": 0.2, "y": 0.9}), score("b", {"x": 0.2})]
    with pytest.raises(InputError, match="different scenarios"):
        gather(rows("a", "b"), scores)


def test_a_missing_system_is_an_error(gather, score, rows):
    with pytest.raises(InputError, match="b: no scores given"):
        gather(rows("a", "b"), [score("a", {"x": 0.2})])


def test_a_missing_file_is_an_error(gather, tmp_path, rows):
    with pytest.raises(InputError, match="no such file"):
        gather(rows("a"), [tmp_path / "a" / "0" / "0.parquet"])


def test_evaluations_do_not_mix(gather, score, rows):
    scores = [score("a", {"x": 0.2}), score("b", {"x": 0.2}, evaluation="other")]
    with pytest.raises(InputError, match="different evaluations"):
        gather(rows("a", "b"), scores)


def test_overlapping_chunks_are_an_error(gather, score, rows):
    scores = [score("a", {"x": 0.2}, chunk=0), score("a", {"x": 0.2}, chunk=1)]
    with pytest.raises(InputError, match="scored twice"):
        gather(rows("a"), scores)


def test_an_unknown_column_names_the_nearest(gather, score, rows):
    with pytest.raises(InputError, match="`min_ade`"):
        gather(rows("a"), [score("a", {"x": 0.2})], ["min_ad"])


@pytest.mark.parametrize("text", ["[]", "{}", "[1]", '[{"label": "a"}]', "[", '[{"title": "a"}]'])
def test_bad_rows_are_an_input_error(gather, score, text):
    with pytest.raises(InputError, match="--rows"):
        gather(text, [score("a", {"x": 0.2})])


def test_differences_say_whether_they_cover_the_choice_of_seeds(gather, score, rows):
    """One seed of a trained row: no more than scenarios. A baseline needs no seeds."""
    a = [score(f"a-{seed}", {"x": 0.2 + seed / 10, "y": 0.9}) for seed in range(2)]
    b = [score(f"b-{seed}", {"x": 0.3 + seed / 10, "y": 0.9}) for seed in range(2)]
    rule = score("baseline-log", {"x": 0.1, "y": 0.2})
    other = score("baseline-rule", {"x": 0.1, "y": 0.25})

    def covers(text, paths):
        return [d["covers"] for d in gather(text, paths)["differences"]["metametric"]]

    two = json.dumps(
        [{"label": name, "systems": [f"{name}-0", f"{name}-1"]} for name in ("a", "b")]
    )
    assert covers(two, [*a, *b]) == ["seeds and scenarios"]
    assert covers(rows("a-0", "b-0"), [a[0], b[0]]) == ["one seed"]
    assert covers(rows("a-0", "baseline-log"), [a[0], rule]) == ["one seed"]
    assert covers(rows("baseline-log", "baseline-rule"), [rule, other]) == ["scenarios"]


def test_a_shared_stage_is_one_system_and_its_training_is_not_covered(gather, score):
    """BC once, SFT of two seeds from it: .1 and .3 above it, .2 apart in the mean."""
    bc = score("bc-0", {"x": 0.2, "y": 0.4})
    sft = [score(f"sft-{seed}", {"x": 0.3 + seed / 5, "y": 0.5 + seed / 5}) for seed in range(2)]
    text = json.dumps(
        [
            {"label": "BC", "systems": ["bc-0"], "shared": "bc"},
            {"label": "SFT", "systems": ["sft-0", "sft-1"], "shared": "bc"},
        ]
    )
    found = gather(text, [bc, *sft])
    (difference,) = found["differences"]["metametric"]
    assert difference["mean"] == pytest.approx(0.2)
    assert difference["covers"] == "seeds after bc and scenarios"
    assert found["seeds"] == 2
    assert found["rows"][0]["cells"]["metametric"]["deviation"] is None
    assert "All seeds share one run of bc" in sharing(found)


def test_one_seed_that_nothing_is_shared_with_does_not_stand_for_all(gather, score):
    paths = [score(name, {"x": 0.2, "y": 0.3}) for name in ("a-0", "b-0", "b-1")]
    text = json.dumps(
        [{"label": "a", "systems": ["a-0"]}, {"label": "b", "systems": ["b-0", "b-1"]}]
    )
    with pytest.raises(InputError, match="b and a have 2 and 1 seeds"):
        gather(text, paths)


def test_rows_of_different_numbers_of_seeds_are_refused(gather, score, rows):
    systems = {"a": 2, "b": 3}
    paths = [
        score(f"{n}-{s}", {"x": 0.2, "y": 0.3})
        for n, count in systems.items()
        for s in range(count)
    ]
    text = json.dumps(
        [
            {"label": name, "systems": [f"{name}-{seed}" for seed in range(count)]}
            for name, count in systems.items()
        ]
    )
    with pytest.raises(InputError, match="b and a have 3 and 2 seeds"):
        gather(text, paths)


def test_a_ratio_of_sums_is_that_of_all_scenarios_together(gather, score, rows):
    """2 of 10 m and 30 of 30 m are 0.8 of 40 m, not the mean of 0.2 and 1."""
    path = score(
        "a-0", {"x": 0.2, "y": 0.3}, simulated_distance=[2.0, 30.0], logged_distance=[10.0, 30.0]
    )
    cell = gather(rows("a-0"), [path], ["distance"])["rows"][0]["cells"]["distance"]
    assert cell["mean"] == pytest.approx(0.8)
    # Residuals 2 - 8 and 30 - 24 over a mean of 20: -0.3 and 0.3.
    assert cell["standard_error"] == pytest.approx(0.3)


COMPARISON = ["metametric", "difference", "difference_low", "paired_t", "p_scenarios", "p"]


def test_rows_against_one_of_them_by_hand(gather, score, rows):
    """Differences .1, .2, .3 over scenarios: mean .2, deviation .1, so t = .2 / (.1 / sqrt(3)) = 3.464,
    p = .0742 at two degrees of freedom and the interval .2 ± 4.303 · .0577. One seed has no p of
    training."""
    scores = [
        score("mloo-1", {"a": 0.5, "b": 0.5, "c": 0.5}),
        score("bc-1", {"a": 0.6, "b": 0.7, "c": 0.8}),
    ]
    found = gather(rows("mloo-1", "bc-1"), scores, COMPARISON, over="mloo-1")
    own, other = (row["cells"] for row in found["rows"])
    assert [own[key]["mean"] for key in COMPARISON[1:]] == [None] * 5
    assert other["difference"]["mean"] == pytest.approx(0.2)
    assert other["difference_low"]["mean"] == pytest.approx(0.2 - 4.3027 * 0.057735, abs=1e-4)
    assert other["paired_t"]["mean"] == pytest.approx(3.4641, abs=1e-4)
    assert other["p_scenarios"]["mean"] == pytest.approx(0.0742, abs=1e-4)
    assert other["p"]["mean"] is None
    assert found["over"] == "mloo-1"


def test_seeds_that_disagree_raise_p_above_that_of_the_t_test(gather, score, rows):
    """Seeds with differences of about .1 and .3: certain over scenarios, and not over seeds."""
    one, two = {"a": 0.5, "b": 0.51, "c": 0.49}, {"a": 0.5, "b": 0.5, "c": 0.52}
    scores = [score("a-1", one), score("a-2", two)]
    scores.append(score("b-1", {k: v + 0.1 + 0.001 * n for n, (k, v) in enumerate(one.items())}))
    scores.append(score("b-2", {k: v + 0.3 for k, v in two.items()}))
    found = gather(rows(["a-1", "a-2"], ["b-1", "b-2"]), scores, COMPARISON, over="a-1")
    cells_of = found["rows"][1]["cells"]
    assert cells_of["p_scenarios"]["mean"] < 0.001 < 0.2 < cells_of["p"]["mean"]


def test_a_row_that_is_not_there_cannot_be_compared_with(gather, score, rows):
    with pytest.raises(InputError, match="--over: unknown value `bc-2`; did you mean `bc-1`"):
        gather(rows("bc-1"), [score("bc-1", {"a": 0.2})], COMPARISON, over="bc-2")
