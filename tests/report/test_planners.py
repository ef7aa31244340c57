"""Values of planners: agreement with the log, its intervals, and what shows them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from simagents.errors import InputError
from simagents.report import agreement, cells, draw_figure
from simagents.report.agreement import (
    Resamples,
    absolute_difference,
    noise,
    ranks,
    spearman,
    split_halves,
)
from simagents.report.planner_values import read_planners
from simagents.report.published import read_published
from simagents.report.table import layout, markdown
from simagents.report.table import number as typeset

PUBLISHED = Path(__file__).parents[2] / "paper/published"
PLANNERS = tuple(f"J3x3-D{depth}" for depth in (6, 8, 12, 16))
LOG = np.array([[-4.0, -3.0, -2.0, -1.0], [-2.0, -1.0, -0.0, 1.0], [-6.0, -5.0, -4.0, -3.0]])
"""Returns by scene and planner; the scenes differ by a constant, so that every resample ranks alike."""


@pytest.fixture
def drives(tmp_path):
    """Writes the drives of a system, of one rollout each, in chunks; returns the paths."""

    def write(system, values, digest="0123456789", chunks=1, agents="logged"):
        table = pd.DataFrame(
            {
                "scenario_id": np.repeat([f"s{n}" for n in range(len(values))], values.shape[1]),
                "planner": PLANNERS * len(values),
                "rollout": 0,
                "return": values.ravel(),
                "agents": agents,
            }
        )
        paths = []
        for number, part in enumerate(np.array_split(np.arange(len(table)), chunks)):
            path = tmp_path / "planners" / system / digest / f"{number}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            table.iloc[part].to_parquet(path)
            paths.append(path)
        return paths

    return write


def test_ranks_are_those_of_scipy():
    """With ties, and with values that are missing."""
    values = np.random.default_rng(0).integers(6, size=(5, 4, 9)).astype(float)
    assert (ranks(values) == rankdata(values, axis=-1)).all()
    assert (ranks(np.array([3.0, 1, 3, 2])) == [3.5, 1, 3.5, 2]).all()
    assert np.isnan(ranks(np.array([1.0, np.nan]))).all()


def test_spearman_by_hand():
    """Ranks 1 2 3 4 against 1 3 2 4: 1 - 6 · 2 / (4 · 15) = 0.8. Ties share the mean of their ranks: 1.5 1.5 3
    against 1 2 3: covariance 1.5, variances 1.5 and 2."""
    assert spearman(np.arange(4.0), np.array([0.1, 0.3, 0.2, 9.0])) == pytest.approx(0.8)
    assert spearman(np.array([1.0, 1, 5]), np.arange(3.0)) == pytest.approx(1.5 / np.sqrt(3))


def test_planners_of_equal_value_have_no_order():
    assert np.isnan(spearman(np.full(4, 0.5), np.arange(4.0)))


def test_error_by_hand():
    assert absolute_difference(np.array([1.0, 2, 3]), np.array([2.0, 0, 3])) == pytest.approx(1.0)


def test_an_order_that_every_scene_has_is_certain():
    """The second system adds 1.5 to every return: rho 1 and error 1.5 in every resample."""
    resamples = Resamples.of(3, 4)
    found = resamples.correlation(LOG[None] + 1.5, LOG[None])
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    found = resamples.error(LOG[None] + 1.5, LOG[None])
    assert (found.value, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_interval_of_a_mean_is_that_of_both_ways():
    """Returns that are a scene's number plus a planner's: the error against zero is their mean. Its variance is
    that of the mean over 40 scenes plus that over 30 planners, here 0.16 / 40 + 0.09 / 30 = 0.007."""
    generator = np.random.default_rng(1)
    scene, planner = generator.normal(10, 0.4, 40), generator.normal(0, 0.3, 30)
    scene, planner = (
        (each - each.mean()) / each.std() * spread
        for each, spread in ((scene, 0.4), (planner, 0.3))
    )
    values = (10 + scene[:, None] + planner)[None]
    found = Resamples.of(40, 30).error(values, np.zeros_like(values))
    assert found.value == pytest.approx(10)
    assert found.resampled.std() == pytest.approx(np.sqrt(0.007), rel=0.06)
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(0.007), rel=0.08)


def test_where_only_seeds_differ_the_interval_is_student_s():
    """Three seeds 9, 10 and 11 away from the log everywhere: 10 ± 4.303 / √3, on either side of the pair."""
    values = np.stack([LOG + 9, LOG + 10, LOG + 11])
    for pair in ((values, LOG[None]), (LOG[None], values)):
        found = Resamples.of(3, 4).error(*pair)
        assert found.value == pytest.approx(10)
        half = 4.303 / np.sqrt(3)
        assert (found.low, found.high) == pytest.approx((10 - half, 10 + half), rel=0.01)


def test_intervals_cover_at_few_seeds():
    """Errors of three seeds are normal around 1, and scenes say nothing; seeds that are drawn with replacement
    cover three quarters."""
    generator, resamples, covered = np.random.default_rng(2), Resamples.of(3, 4), []
    for _ in range(200):
        values = LOG + generator.normal(1, 0.1, (3, 1, 1))
        found = resamples.error(values, LOG[None])
        covered.append(found.low <= 1 <= found.high)
    assert 0.9 < np.mean(covered) < 0.99


@pytest.mark.parametrize(
    ("scenes", "truth", "mirrored", "percentiles"), [(20, 0.1, 0.9, 0.1), (20, 0.3, 0.9, 0.8)]
)
def test_intervals_of_errors_cover_more_nearly_at_their_level_than_percentiles(
    monkeypatch, scenes, truth, mirrored, percentiles
):
    """Two systems whose true values differ by normal numbers of deviation `truth` over 16 planners, so that the true
    error is truth · √(2/π), under noise of deviation 1 of each scene and of each scene and planner."""
    monkeypatch.setattr(agreement, "RESAMPLES", 400)
    generator = np.random.default_rng(5)
    resamples, expected, covered = Resamples.of(scenes, 16), truth * np.sqrt(2 / np.pi), []
    for _ in range(80):
        apart = generator.normal(0, truth, 16) + generator.normal(0, 1, (scenes, 1))
        apart = apart + generator.normal(0, 1, (scenes, 16))
        found = resamples.error(apart[None], np.zeros_like(apart)[None])
        low, high = np.quantile(2 * found.value - found.resampled, (0.025, 0.975))
        covered.append((found.low <= expected <= found.high, low <= expected <= high))
    ours, theirs = np.mean(covered, axis=0)
    assert ours >= mirrored
    assert theirs <= percentiles
    assert abs(ours - agreement.LEVEL) < abs(theirs - agreement.LEVEL)


def test_an_error_s_interval_by_hand():
    """Two scenes, one planner, 1 and 3 away: the error is 2, resamples are 1, 2, 2 and 3. At -1 and 1 away it
    is 0 and resamples are 1, 0, 0 and 1, mirrored at 0 and cut there."""
    resamples = Resamples.of(2, 1)
    apart = np.array([[[1.0], [3.0]]])
    found = resamples.error(apart, np.zeros_like(apart))
    assert (found.value, found.low, found.high) == pytest.approx((2, 1, 3))
    found = resamples.error(apart - 2, np.zeros_like(apart))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_halves_agree_where_all_scenes_do_and_one_scene_has_none():
    """Scenes of -4, -2 and -6 beside a planner's own number: halves of one and two of them are 3, 3 and 0 apart.
    A single scene has no halves."""
    assert split_halves(LOG[None], spearman) == pytest.approx(1)
    assert split_halves(LOG[None], absolute_difference) == pytest.approx(2, abs=0.3)
    assert np.isnan(split_halves(LOG[None, :1], spearman))


def test_noise_of_an_error_by_hand():
    """Two scenes in which a system's values are 1 above and 3 below another's: halves are 4 apart, half
    of which is 2. A difference that all scenes have is no noise."""
    apart = np.array([1.0, -3.0])[:, None] + np.zeros((2, 4))
    assert noise((LOG[:2] + apart)[None], LOG[None, :2]) == pytest.approx(2)
    assert noise((LOG + 7)[None], LOG[None]) == pytest.approx(0)


def test_noise_is_the_error_of_systems_that_differ_by_noise():
    """Of 200 planners in 30 scenes, with noise of deviation 1: the error is near √(2 / π / 30), so is the noise."""
    apart = np.random.default_rng(3).normal(0, 1, (1, 30, 200))
    expected = np.sqrt(2 / np.pi / 30)
    assert noise(apart, np.zeros_like(apart)) == pytest.approx(expected, rel=0.06)
    assert np.abs(apart.mean(axis=1)).mean() == pytest.approx(expected, rel=0.2)


def gathered(score, drives, tmp_path, keys, **values):
    paths = [path for system, each in values.items() for path in drives(_name(system), each)]
    rows = [{"label": system, "systems": [_name(system)]} for system in values]
    scores = [score(_name(system), {"a": 0.5, "b": 0.7}) for system in values]
    out = tmp_path / "cells.json"
    cells.main(
        cells.Args(
            json.dumps(rows), keys, scores, "demo", "synthetic", 2025, 32, out, planners=paths
        )
    )
    return json.loads(out.read_text())


def _name(system):
    return "baseline-log" if system == "log" else f"{system}-0123456789"


KEYS = ["rank_log", "rank_low", "rank_high", "rank_halves", "value_error", "value_spread"]


def test_cells_of_planners(score, drives, tmp_path):
    """The log is not compared with itself. Reversed ranks have rho -1; equal values none, and no spread."""
    found = gathered(
        score, drives, tmp_path, KEYS, log=LOG, shifted=LOG - 2, reversed=LOG[:, ::-1], flat=LOG * 0
    )
    means = {
        row["label"]: {key: cell["mean"] for key, cell in row["cells"].items()}
        for row in found["rows"]
    }
    assert means["log"]["rank_log"] is None
    assert means["log"]["value_spread"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1))
    assert means["shifted"]["rank_log"] == means["shifted"]["rank_low"] == pytest.approx(1)
    assert means["shifted"]["value_error"] == pytest.approx(2)
    assert means["reversed"]["rank_log"] == pytest.approx(-1)
    assert means["flat"]["rank_log"] is means["flat"]["rank_low"] is None
    assert means["flat"]["value_spread"] == 0
    drives = {"scenes": 3, "planners": 4, "rollouts": 1, "agents": "logged"} | {
        "settings": "0123456789"
    }
    assert found["planners"] == drives


def test_pairs_of_systems_by_hand(score, drives, tmp_path):
    """Shifted by 2 and reversed, by planner: 5, 3, 3 and 5 apart, and with the log 3, 1, 1 and 3. Ours are above the
    diagonal, a system's own halves on it, the paper's values below; pairs are the same from both sides."""
    found = gathered(
        score, drives, tmp_path, ["rank_pairs", "error_pairs"],
        log=LOG, shifted=LOG - 2, reversed=LOG[:, ::-1],
    )  # fmt: skip
    ranks, errors = (
        [[pair["value"] for pair in row["cells"][key]["pairs"]] for row in found["rows"]]
        for key in ("rank_pairs", "error_pairs")
    )
    assert np.array(ranks) == pytest.approx(np.array([[1, 1, -1], [1, 1, -1], [-1, -1, 1]]))
    assert [errors[row][row] for row in range(3)] == [None] * 3
    assert errors[0][1] == errors[1][0] == pytest.approx(2)
    assert errors[0][2] == errors[2][0] == pytest.approx((3 + 1 + 1 + 3) / 4)
    assert errors[1][2] == pytest.approx((5 + 3 + 1 + 1) / 4)
    found["columns"] = ["rank_pairs"]
    found["rows"][1]["published"], found["rows"][2]["published"] = "Pre-trained 1M", "Fine-tuned 1M"
    printed = read_published(PUBLISHED / "peng_table3_rank_correlation.csv")
    content = layout("pairs", found, "", None, printed, (), False)
    assert [line for line in markdown(content).splitlines() if line.startswith("|")] == [
        "|  | 1 | 2 | 3 |",
        "| --- | ---: | ---: | ---: |",
        "| 1 log | 1.000 | 1.000 [1.000, 1.000] | -1.000 [-1.000, -1.000] |",
        "| 2 shifted | *0.859* | 1.000 | -1.000 [-1.000, -1.000] |",
        "| 3 reversed | *0.865* | *0.954* | 1.000 |",
    ]
    assert any(
        "4 planners drove in 3 scenes, with 1 rollout of each" in note for note in content["notes"]
    )
    assert r"\\[-2pt]{\scriptsize [1.000, 1.000]}" in typeset(content["lines"][0].cells[1])


def test_a_published_pair_that_contradicts_itself_is_an_input_error(tmp_path):
    text = (PUBLISHED / "peng_table3_rank_correlation.csv").read_text()
    path = tmp_path / "table.csv"
    for old, new, words in (
        ("0.865,0.954", "0.865,0.955", "two different values"),
        ("vs_pretrained_1M", "vs_trained_1M", "with no row"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(InputError, match=words):
            read_published(path)


def test_differences_of_planners_are_judged_over_seeds_only_where_there_are_some(
    score, drives, tmp_path
):
    """Trained rows of one seed give no verdict; the log has no difference."""
    found = gathered(score, drives, tmp_path, KEYS, log=LOG, a=LOG - 2, b=LOG + 1)
    last = found["differences"]["value_error"][-1]
    assert (last["row"], last["to"], last["mean"], last["covers"]) == (2, 1, -1, "one seed")
    assert found["differences"]["value_error"][0]["mean"] is None


def test_seeds_have_a_deviation(score, drives):
    """Errors of 1 and 3: the deviation is √2. With two seeds an interval covers them."""
    paths = drives("baseline-log", LOG) + drives("a-1", LOG + 1) + drives("a-2", LOG + 3)
    rows = cells.read_rows(
        '[{"label": "log", "systems": ["baseline-log"]}, {"label": "a", "systems": ["a-1", "a-2"]},'
        ' {"label": "b", "systems": ["a-2", "a-1"]}]'
    )
    scores = {
        name: pd.DataFrame({"metametric": [0.5]}, index=["s"])
        for row in rows
        for name in row.systems
    }
    found = cells.gather(rows, ["value_error"], scores, {}, {}, None, read_planners(paths))
    cell = found["rows"][1]["cells"]["value_error"]
    assert (cell["mean"], cell["deviation"]) == pytest.approx((2, np.sqrt(2)))
    last = found["differences"]["value_error"][-1]
    assert last["covers"] == "seeds, scenarios and planners"


def test_tables_without_columns_of_planners_know_nothing_of_them(score, drives, tmp_path):
    found = gathered(score, drives, tmp_path, ["metametric"], log=LOG, a=LOG)
    assert "planners" not in found
    assert set(found["differences"]) == {"metametric"}


def _without_agents(path):
    pd.read_parquet(path).drop(columns="agents").to_parquet(path)
    return path


def test_bad_drives_are_an_input_error(drives, tmp_path):
    whole = drives("bc-1", LOG, chunks=2)
    assert read_planners(whole)["bc-1"].shape == (3, 4)
    for paths, words in (
        ([tmp_path / "none/0123456789/0.parquet"], "there is no such file"),
        ([*whole, whole[0].parent.parent / "9876543210/0.parquet"], "no such file"),
        (whole + drives("sft-1", LOG, digest="9876543210"), "different settings"),
        (whole + drives("sft-2", LOG[:2]), "planners or scenarios"),
        (whole + drives("sft-3", LOG, agents="all"), "different agents"),
        ([*whole, _without_agents(drives("sft-4", LOG)[0])], "which agents were there"),
        ([whole[0], whole[0]], "drove a scenario twice"),
    ):
        with pytest.raises(InputError, match=words):
            read_planners(paths)
    with pytest.raises(InputError, match="playback of the log"):
        cells.gather(
            cells.read_rows('[{"label": "a", "systems": ["bc-1"]}]'), ["rank_log"],
            {"bc-1": pd.DataFrame({"metametric": [0.5]}, index=["a"])}, {}, {}, None,
            read_planners(whole),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key", "first"),
    [("peng_table3_rank_correlation", "rank_log", 0.859), ("peng_table4_absolute_error", "value_error", 10.518)],
)  # fmt: skip
def test_published_columns_against_the_log(name, key, first):
    """Both files call the column the same; no number of the metric is in them, so no year."""
    published = read_published(PUBLISHED / f"{name}.csv")
    assert published.value("Pre-trained 1M", key) == first
    published.require_challenge(2025)


def test_figures_of_planners(score, drives, tmp_path):
    rows = [("log", LOG), ("a", LOG - 2), ("flat", LOG * 0)]
    paths = [path for system, each in rows for path in drives(_name(system), each)]
    given = json.dumps([{"label": name, "systems": [_name(name)]} for name, _ in rows])
    settings = json.dumps({"caption": "", "rows": [{"label": "BC", "stage": "bc"}]})
    style = draw_figure.Args.style
    for kind in ("planner_ranks", "planner_agreement"):
        drawn = []
        for name in ("one", "two"):
            out = tmp_path / kind / name / "figure.pdf"
            draw_figure.main(
                draw_figure.Args(kind, settings, out, rows=given, planners=paths, style=style)
            )
            drawn.append(out.read_bytes())
        assert drawn[0] == drawn[1]


def test_the_study_draws_realism_against_ranks(score, drives, tmp_path):
    keys = ["metametric", "distance", *KEYS, "error_low", "error_high"]
    gathered(score, drives, tmp_path, keys, log=LOG, a=LOG - 2, flat=LOG * 0)
    (tmp_path / "study.json").write_text((tmp_path / "cells.json").read_text())
    for table, refused in (("study", False), ("other", True)):
        settings = json.dumps({"caption": "", "tables": [table]})
        out = tmp_path / "figure.pdf"
        args = draw_figure.Args(
            "planner_study", settings, out, cells=[tmp_path / "study.json"],
            style=draw_figure.Args.style,
        )  # fmt: skip
        if refused:
            with pytest.raises(InputError, match="drawn and not given"):
                draw_figure.main(args)
        else:
            draw_figure.main(args)
            assert out.stat().st_size > 1000
