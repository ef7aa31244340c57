"""Pages of the algorithms: complete, and true of configuration and code."""

from pathlib import Path

import pytest
import yaml

from building import algorithms
from simagents.config.algorithms import ALGORITHMS
from simagents.config.credit import CREDITS
from simagents.config.reading import read
from simagents.errors import InputError
from simagents.planning.plan import Plan

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page for page in algorithms.all_pages(ROOT)}
COMMON = yaml.safe_load((ROOT / algorithms.FOLDER / "common.yaml").read_text())
PLAN = Plan.of(read(ROOT, {"scale": "paper"}))


def test_every_algorithm_and_credit_rule_of_the_registries_has_a_page():
    assert {name for page in PAGES.values() for name in page.algorithms} == set(ALGORITHMS.kinds)
    assert {name for page in PAGES.values() for name in page.credits} == set(CREDITS.kinds)


def test_every_stage_of_the_papers_is_on_one_page():
    shown = [stage for page in PAGES.values() for stage in (page.stage, *page.also)]
    assert sorted(shown) == sorted(PLAN.config.stages)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_has_text_that_includes_its_tables(page):
    text = (ROOT / algorithms.FOLDER / f"{page.name}.md").read_text()
    assert f"```{{include}} ../_generated/algorithms/{page.name}.md" in text
    assert f"({page.name}.md)" in (ROOT / algorithms.FOLDER / "index.md").read_text()


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_setting_has_a_provenance_and_no_provenance_is_of_another(page):
    keys = {row.key for row in algorithms.rows(algorithms.recipe_of(page.stage, PLAN))}
    assert keys - COMMON.keys() <= page.settings.keys() <= keys
    for key in keys:
        tag, published = algorithms.provenance(page, key, COMMON)
        assert tag
        assert published


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_shows_stages_that_learn_in_its_way(page):
    kinds = {PLAN.config.stages[stage].algorithm.name for stage in (page.stage, *page.also)}
    goals = {"bc"} if page.name == "goals" else set()  # clones the log under goals, too
    assert kinds == set(page.algorithms) | goals


def test_settings_are_those_of_the_configuration():
    """MPO's β in config/papers/smart_r1.yaml and its learning rate in config/scale/paper.yaml."""
    text = algorithms.pages(ROOT)["_generated/algorithms/mpo.md"]
    assert "| `algorithm.divergence.beta` | 0.04 | same | BLOG, PDFNOTE |" in text
    assert "| `budget.learning_rate` | 3e-06 |" in text
    assert "| `rft_subgroup` | `sft` | `algorithm.reward.scored: subgroup`" in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "`algorithm.name` has no provenance"), ({"algorithm.name": "GUESS"}, "no tag `GUESS`")],
)
def test_a_setting_without_a_provenance_or_with_an_unknown_one_is_named(settings, words):
    page = algorithms.Page("p", "bc", ["bc"], [], settings, [], [], [], [])
    with pytest.raises(InputError, match=words):
        algorithms.part(page, PLAN, COMMON, {})
