"""What `simagents power` says of the scales, and of scores."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.power import tables
from simagents.power.detection import Spread
from simagents.power.tables import Args, ordered_rows, published_tables, report

ROOT = Path(__file__).parents[2]


def cells_of(text, start):
    """The cells of the line of a Markdown table that begins so."""
    (line,) = (line for line in text.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def paper():
    return Plan.of(reading.read(ROOT, {"scale": "paper"}))


def test_orderings_are_those_that_the_comparison_judges(paper):
    """Five rows of different values, ten pairs; the better row first."""
    (published,) = published_tables(paper, ROOT, ("training_strategy",)).values()
    pairs = list(ordered_rows(paper.tables["training_strategy"], published))
    assert len(pairs) == 10
    assert all(gap > 0 for _, _, gap in pairs)
    labels = [(better.label, worse.label) for better, worse, _ in pairs]
    assert ("BC + SFT", "BC + SFT + SFT") in labels


def test_tables_whose_values_are_not_known_have_no_power(paper):
    found = published_tables(paper, ROOT, ())
    assert "training_strategy" in found
    assert not {"alpha", "beta", "baselines"} & found.keys()
    with pytest.raises(InputError, match="did you mean `leaderboard`"):
        published_tables(paper, ROOT, ("leaderbord",))


def test_tables_whose_spread_nobody_measured_are_named():
    text = report(Args(scale="paper", brief=True, root=ROOT))
    assert "Spread not known, so left out: planner_ranks (by Rank correlation)," in text
    assert "alternative_manoeuvres (by Reach)." in text
    assert "| alternative_manoeuvres" not in text
    with pytest.raises(InputError, match="unknown value `reach_rate`"):
        report(Args(scale="paper", tables=("alternative_manoeuvres",), root=ROOT))


def test_one_seed_resolves_nothing_and_says_so():
    text = report(Args(scale="demo", tables=("leaderboard",), root=ROOT))
    assert "training seeds: 1" in text
    *_, resolved, least = cells_of(text, "| leaderboard, ")
    assert (resolved, least) == ("0 of 1", "never")


def test_a_table_with_seeds_of_its_own_resolves_by_them():
    content = reading.content(ROOT, {"scale": "demo"})
    content["tables"]["leaderboard"]["seeds"] = [0, 1, 2]
    plan = Plan.of(Configuration.of(content))
    published = published_tables(plan, ROOT, ("leaderboard",))["leaderboard"]
    each = tables.analysis(plan, "leaderboard", published, Spread(0.001, 0.01, 0.01))
    assert each.seeds == 3
    assert "training seeds: 1 (3 for leaderboard)" in tables.text(plan, [each], "", True, [])


@pytest.fixture
def no_results(tmp_path):
    """A repository in which nothing was run, and whose spread is not measured."""
    (tmp_path / "config").mkdir()
    for name in ("config/papers", "config/scale", "config/model", "config.yaml", "paper"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_a_column_without_a_spread_is_an_error(no_results):
    (no_results / "config/spread.yaml").write_text(
        "published: {source: s, columns: {metametric: {seed: 0.1, scene: 0.1, residual: 0.1}}}"
    )
    with pytest.raises(InputError, match="unknown value `collision`"):
        report(Args(tables=("components",), root=no_results))


def test_spreads_come_from_the_scores_of_a_scale(tmp_path, monkeypatch):
    """Scores of three seeds on 60 scenes, of which the differences have known deviations."""
    monkeypatch.chdir(ROOT)
    content = reading.content(ROOT, {"scale": "demo", "seeds": [0, 1, 2]})
    plan = Plan.of(Configuration.of(content))
    table, generator = plan.tables["leaderboard"], np.random.default_rng(0)
    evaluation = plan.evaluation_id(table.evaluation)
    hard = generator.normal(0.6, 0.1, 60)
    for system in table.systems:
        folder = tmp_path / plan.results / "scores" / system.id / evaluation
        folder.mkdir(parents=True)
        values = hard + 0.03 * generator.standard_normal(60)
        scores = {"scenario_id": [f"{n:03}" for n in range(60)], "metametric": values}
        pd.DataFrame(scores).to_parquet(folder / "0.parquet")
    published = published_tables(plan, ROOT, ("leaderboard",))["leaderboard"]
    spread = tables.spread_of(plan, "leaderboard", published, tmp_path)
    assert spread.residual == pytest.approx(0.03 * np.sqrt(2), rel=0.15)
    assert spread.scene < 0.02
    assert spread.seed < 0.01


def test_no_scores_give_no_spread(no_results):
    with pytest.raises(InputError, match="no such file"):
        report(Args(measured="demo", tables=("leaderboard",), root=no_results))


def test_more_seeds_and_scenes_never_resolve_less():
    """Scale lab has five seeds and five times the scenes of scale paper."""
    text = {scale: report(Args(scale=scale, brief=True, root=ROOT)) for scale in ("paper", "lab")}
    for table in ("training_strategy", "policy_optimisation", "components"):
        least = {s: float(cells_of(text[s], f"| {table}, ")[-1]) for s in text}
        assert least["lab"] < least["paper"]


def test_every_spread_says_how_it_was_found():
    entries = yaml.safe_load((ROOT / "config/spread.yaml").read_text())
    assert entries.keys() == {"published", "demo", "small"}
    assert all(re.search(r"\d", entry["source"]) for entry in entries.values())


def test_tables_that_scores_of_scenes_do_not_order_are_left_out(no_results, monkeypatch):
    """Those of planners have values of planners; the others are measured at the scale that is named."""
    (no_results / "config/spread.yaml").write_text((ROOT / "config/spread.yaml").read_text())
    found = []
    monkeypatch.setattr(
        tables,
        "spread_of",
        lambda plan, name, *_: found.append(name) or tables.Spread(0.01, 0.1, 0.1),
    )
    text = report(Args(scale="small", measured="small", root=no_results))
    assert "Spread not known, so left out: planner_ranks (by Rank correlation)," in text
    assert "leaderboard" in found
    assert not [name for name in found if name.startswith("planner")]
    with pytest.raises(InputError, match="planner_ranks: has no two rows at scale small"):
        report(Args(scale="small", measured="small", tables=("planner_ranks",), root=no_results))
