"""What `simagents costs` says before anything is submitted."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.costs import KEPT_SAVES, Args, Estimate, main
from simagents.errors import InputError
from simagents.plan import Plan
from simagents.training.resume import save_folder

ROOT = Path(__file__).parents[1]
UNITS = yaml.safe_load((ROOT / "config/costs.yaml").read_text())


@pytest.fixture
def estimate():
    def make(**compute):
        config = reading.read(ROOT, {"scale": "paper", "compute": compute})
        return Estimate(Plan.of(config), UNITS)

    return make


def test_a_run_costs_its_scenes_times_the_unit(estimate):
    """Behaviour cloning: 389,600 steps of 80 scenes; MPO: 60,900 of 8, each rolled out 32 times."""
    paper = estimate()
    gpu_seconds = {
        run.recipe.stage: paper.train(run).gpu_hours * 3600
        for run in paper.plan.runs.values()
        if run.recipe.budget.steps in (389_600, 60_900)
    }
    seconds, factor = UNITS["seconds"]["7m"], UNITS["gpu_second"]
    assert gpu_seconds["bc"] == pytest.approx(389_600 * 80 * seconds["cloned"] * factor)
    scenes = 60_900 * 8 * 32
    assert gpu_seconds["rft"] == pytest.approx(scenes * seconds["reinforced"] * factor)
    assert gpu_seconds["ppo"] > gpu_seconds["rft"]  # PPO learns twice from the same rollouts


def test_as_many_saves_are_counted_as_training_keeps():
    """Costs may not import training, which loads torch."""
    assert KEPT_SAVES == save_folder.KEPT


def test_what_tables_share_is_counted_once(estimate):
    paper = estimate()
    strategy, board = (paper.of(paper.plan.tables[n]) for n in ("training_strategy", "leaderboard"))
    assert set(board) < set(strategy)
    both = strategy | board
    assert sum(c.jobs["train"] for c in both.values()) == 5 * len(paper.plan.config.seeds)


def test_without_gpus_hours_are_of_cores(estimate):
    run = next(iter(estimate().plan.runs.values()))
    on_gpus, on_cores = estimate().train(run), estimate(gpus=0).train(run)
    assert on_gpus.core_hours == on_cores.gpu_hours == 0
    assert on_gpus.gpu_hours == pytest.approx(on_cores.core_hours * UNITS["gpu_second"])


def test_too_few_retries_for_the_longest_run_are_said(estimate):
    assert estimate().longest().endswith("enough.")
    assert estimate(retries=0).longest().endswith("3 are needed and 1 allowed: **too few**.")


def test_every_exhibit_has_its_line(estimate, tmp_path):
    main(Args(out=tmp_path / "costs.md", root=ROOT))
    text = (tmp_path / "costs.md").read_text()
    assert all(f"| {name} |" in text for name in estimate().plan.exhibits)


def test_only_exhibits_that_show_scores_pay_for_scoring(estimate):
    """Training curves read what runs log; the picture of rollouts needs simulations."""
    paper = estimate()
    jobs = {
        name: sum((cost.jobs for cost in paper.of(paper.plan.figures[name]).values()), Counter())
        for name in ("training", "rollouts")
    }
    assert "evaluate" not in jobs["training"]
    assert jobs["rollouts"]["evaluate"] == (1 + 3 * 3) * paper.compute.chunks


def test_the_log_alone_costs_no_tokens():
    rows = [{"label": "Log", "baseline": "log"}]
    table = {"caption": "", "evaluation": "wosac_2025", "columns": ["ade"], "rows": rows}
    exhibits = {"tables": {"log": table}, "figures": {}}
    content = reading.content(ROOT, {"scale": "paper"}) | exhibits
    paper = Estimate(Plan.of(Configuration.of(content)), UNITS)
    jobs = sum((cost.jobs for cost in paper.of_paper().values()), Counter())
    assert jobs.keys() == {"cache", "evaluate"}


def test_a_size_without_unit_costs_is_refused():
    with pytest.raises(InputError, match=r"config/costs.yaml, seconds: unknown key `3m`"):
        main(Args(size="3m", root=ROOT))


def test_a_scale_that_does_not_exist_names_the_nearest():
    with pytest.raises(InputError, match="did you mean `paper`"):
        main(Args(scale="papr", root=ROOT))


def test_the_documents_show_what_the_command_says(estimate):
    shown = (ROOT / "REPRODUCING.md").read_text()
    begin, end = "<!-- costs:paper -->\n", "\n<!-- /costs:paper -->"
    assert shown[shown.index(begin) + len(begin) : shown.index(end)] == estimate().text()
