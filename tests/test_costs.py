"""What `simagents costs` says before anything is submitted."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml

from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.costs.estimate import KEPT_SAVES, Estimate
from simagents.costs.tables import Args, by_work, longest, main
from simagents.errors import InputError
from simagents.planning.plan import Plan
from simagents.training.resume import save_folder

ROOT = Path(__file__).parents[1]
UNITS = yaml.safe_load((ROOT / "config/costs.yaml").read_text())


@pytest.fixture(scope="module")
def estimate():
    @cache
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
    assert longest(estimate()).endswith("enough.")
    assert longest(estimate(retries=0)).endswith("10 are needed and 1 allowed: **too few**.")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the command writes, by scale."""

    @cache
    def of(scale):
        out = tmp_path_factory.mktemp("costs") / "costs.md"
        main(Args(scale=scale, out=out, root=ROOT))
        return out.read_text().removesuffix("\n")

    return of


def test_every_exhibit_has_its_line(estimate, said):
    text = said("paper")
    plan = estimate().plan
    titles = plan.by_default(plan.exhibits) + [
        f"{name} (on demand)" for name in plan.config.on_demand
    ]
    assert sorted(titles) == sorted(
        re.findall(r"^\| ([a-z_]+(?: \(on demand\))?) \| \d+ \|", text, re.M)
    )


def test_only_exhibits_that_show_scores_pay_for_scoring(estimate):
    """Training curves read what runs log; the picture of rollouts needs simulations."""
    paper = estimate()
    jobs = {
        name: sum((cost.jobs for cost in paper.of(paper.plan.figures[name]).values()), Counter())
        for name in ("training", "rollouts")
    }
    assert "evaluate" not in jobs["training"]
    assert jobs["rollouts"]["evaluate"] == (1 + 3 * 3) * paper.compute.chunks


def test_gradients_are_measured_for_one_seed_at_the_cost_of_learning(estimate):
    paper = estimate()
    parts = paper.of(paper.plan.figures["gradient_noise"])
    (cost,) = [cost for key, cost in parts.items() if key[0] == "gradients"]
    assert len(paper.plan.figures["gradient_noise"].systems) == 3
    settings = paper.plan.gradients
    seconds = settings.scenes * settings.rollouts * paper.seconds["reinforced"]
    assert cost.gpu_hours == pytest.approx(seconds / 3600 * paper.gpu_second)
    assert cost.jobs == {"gradients": 1}


def test_the_log_alone_costs_no_tokens():
    rows = [{"label": "Log", "baseline": "log"}]
    table = {"caption": "", "evaluation": "wosac_2025", "columns": ["ade"], "rows": rows}
    exhibits = {"tables": {"log": table}, "figures": {}, "on_demand": []}
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


def test_stages_and_other_work_add_up_to_the_paper(estimate):
    """Bold lines are sums of the stages below them."""
    paper = estimate()
    whole = sum(cost.gpu_hours for cost in paper.of_paper().values())
    lines = [line.strip("| ").split("|") for line in by_work(paper).splitlines()[2:]]
    hours = {line[0].strip() or line[1].strip(): line[-2].strip() for line in lines}
    sums = [float(h.replace(",", "")) for name, h in hours.items() if name.startswith("**")]
    assert sum(sums) == pytest.approx(whole, rel=1e-3)
    cloning = sum(
        c.gpu_hours
        for k, c in paper.of_paper().items()
        if k[:1] == ("train",) and re.search(r"^bc|_cloned|^motionlm_(10m_)?bc|^forecasts", k[1])
    )
    assert float(hours["**cloning the log**"].replace(",", "")) == pytest.approx(cloning, rel=1e-3)


def test_one_bc_for_all_seeds_saves_what_the_others_would_cost(estimate):
    """Two of three runs of 502 hours, and their scores."""
    config = reading.read(ROOT, {"scale": "paper", "shared_stages": ["bc"]})
    shared, each = Estimate(Plan.of(config), UNITS), estimate()
    hours = [sum(c.gpu_hours for c in of.of_paper().values()) for of in (each, shared)]
    bc = each.train(next(r for r in each.plan.runs.values() if r.recipe.budget.steps == 389_600))
    assert hours[0] - hours[1] == pytest.approx(2 * bc.gpu_hours, rel=1e-3)


def test_the_lab_s_plan_fits_two_days_of_eight_gpus():
    """With a quarter left, for an estimate that is too low."""
    plan = Plan.of(reading.read(ROOT, {"scale": "lab"}))
    hours = sum(cost.gpu_hours for cost in Estimate(plan, UNITS).of_paper().values())
    assert hours < 0.75 * 8 * 48
    built = {"training_strategy", "policy_optimisation", "leaderboard", "components", "rewards"}
    assert built <= set(plan.by_default(plan.tables))


@pytest.mark.parametrize("scale", UNITS["cuts"])
def test_no_cut_builds_what_a_scale_leaves_for_demand(scale):
    """A list of a cut replaces the scale's, so it must hold all of it."""
    left = set(reading.read(ROOT, {"scale": scale}).on_demand)
    lists = [cut["on_demand"] for cut in UNITS["cuts"][scale].values() if "on_demand" in cut]
    assert lists
    assert all(left <= set(names) for names in lists)


def test_planners_drive_once_for_all_exhibits_in_worlds_of_their_own(estimate):
    """64 rollouts of the others and the planners' own seconds, in every scene."""
    paper = estimate()
    plan = paper.plan
    names = ("planner_ranks", "planner_errors", "planner_study")
    parts = {**paper.of(plan.tables[names[0]])}
    drives = {key for key in parts if key[0] == "planners"}
    assert len(drives) == len(plan.tables[names[0]].systems)
    for name in names[1:]:
        assert drives == {key for key in paper.of(plan.tables[name]) if key[0] == "planners"}
    pairs = {key for key in paper.of(plan.tables["planner_rank_pairs"]) if key[0] == "planners"}
    larger = {system.split("-")[0] for _, system, _ in pairs - drives}
    assert larger == {"motionlm_10m_bc", "motionlm_10m_rl"}
    baseline = parts["planners", "baseline-log", plan.planners_id]
    seconds = plan.config.planners.scenes * (UNITS["planners"] + 64 * paper.seconds["rollout"])
    assert baseline.gpu_hours == pytest.approx(seconds / 3600 * paper.gpu_second)
