"""Evaluations with goals: every system is scored for reaching them, and only then."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import save_file

from simagents.evaluation import evaluate
from simagents.models.families import build_policy
from simagents.scenarios.goals import goals_of
from simagents.scenarios.shard_file import write_shard
from simagents.scenarios.store import write_scenarios

COLUMNS = ["goal_agents", "goal_reached", "goal_passed", "goal_missed", "goal_missed_by_all"]


@pytest.fixture
def scored(tmp_path, scenarios, scenes, vocabulary):
    """Scores of the two smallest scenes under some arguments."""
    scenarios, scenes = scenarios[:2], scenes[:2]
    write_scenarios(tmp_path / "scenarios", scenarios)
    items = [(one.id, scene.item()) for one, scene in zip(scenarios, scenes, strict=True)]
    write_shard(tmp_path / "tokens", items)
    vocabulary.write(tmp_path / "vocabulary")
    args = evaluate.Args(
        scenarios=[tmp_path / "scenarios"], out=tmp_path / "scores", rollouts=2, challenge=2025,
        top_k=0, temperature=1.0, seed=0, device="cpu",
    )  # fmt: skip

    def run(**changes):
        evaluate.main(replace(args, **changes))
        return pd.read_parquet(args.out)

    return run


def test_the_log_reaches_the_ends_of_its_own_tracks_and_who_stands_only_those_nearby(
    scored, scenarios
):
    """A log whose last valid step is the last one ends at its goal; standing agents pass those within 2 m."""
    log = scored(baseline="log", goals="log")
    assert (log["goal_missed"] == 0).all()
    assert (log["goal_passed"] == log["goal_agents"]).all()
    near = 0
    for scenario in scenarios[:2]:
        start = scenario.position[scenario.simulated, 10, :2]
        away = np.linalg.norm(goals_of(scenario, "log") - start, axis=1)
        near += (away <= 2.0).sum()
    still = scored(baseline="stand_still", goals="log")
    assert still["goal_passed"].sum() == still["goal_reached"].sum() == near
    assert still["goal_missed_by_all"].sum() == still["goal_agents"].sum() - near > 0


def test_goals_change_no_other_score_of_a_system_that_sees_none(scored):
    with_goals = scored(baseline="constant_velocity", goals="alternative")
    alone = scored(baseline="constant_velocity")
    assert "goal_agents" not in alone
    pd.testing.assert_frame_equal(with_goals.drop(columns=COLUMNS), alone, check_exact=True)


def test_a_policy_that_sees_goals_is_given_them(scored, tmp_path, recipe_of, tiny, vocabulary):
    """Its rollouts differ from those without goals, and from those with other goals."""
    recipe = recipe_of(model={**tiny, "goals": "concatenation"})
    policy = build_policy(recipe, vocabulary)
    policy.goal_coordinates.weight.data.fill_(1.0)
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    save_file(policy.state_dict(), tmp_path / "weights")
    files = {
        "recipe": tmp_path / "recipe.json", "weights": tmp_path / "weights",
        "tokens": [tmp_path / "tokens"], "vocabulary": tmp_path / "vocabulary",
    }  # fmt: skip
    scores = [
        scored(**files, goals=goals)["metametric"].tolist()
        for goals in (None, "log", "alternative")
    ]
    assert scores[0] != scores[1] != scores[2]
