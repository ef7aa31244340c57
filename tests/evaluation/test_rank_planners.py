"""The command that says what planners are worth, from scenarios to its file."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from simagents.errors import InputError
from simagents.evaluation import rank_planners
from simagents.planners.bicycle import drive
from simagents.scenarios.scenario import CURRENT
from simagents.scenarios.store import write_scenarios


class Straight:
    """Keeps its speed and heading."""

    names = ("straight",)

    def start(self, worlds):
        return lambda view: drive(view.sdc, view.speed, 0.0, 0.0)


@pytest.fixture
def ranked(tmp_path, scenarios, without_edges, monkeypatch):
    """Runs the command on two scenarios and one without road edges; returns its table."""
    shard = tmp_path / "scenarios.safetensors"
    write_scenarios(shard, [*scenarios[:2], without_edges(scenarios[2])])
    monkeypatch.setattr(rank_planners, "planner_of", _planner_of)

    def run(**keys):
        out = tmp_path / "drives.parquet"
        keys = {"planners": ("straight",), **keys}
        rank_planners.main(rank_planners.Args(scenarios=[shard], out=out, device="cpu", **keys))
        return pd.read_parquet(out)

    return run


def _planner_of(name):
    return Straight() if name == "straight" else planner_of(name)


planner_of = rank_planners.planner_of


def test_a_row_for_each_scenario_rollout_and_planner(ranked, capsys):
    """The return is that of its parts; the scene without an edge of the road is left out."""
    table = ranked(baseline="constant_velocity", rollouts=2)
    assert len(table) == 2 * 2
    assert table["candidates"].isna().all()
    parts = (
        -10 * table["collision"] - table["off_road"] - table["off_route"] + 1e-4 * table["progress"]
    )
    assert (table["return"] - parts).abs().max() < 1e-9
    said = capsys.readouterr().out
    assert "has no road edge" in said
    assert "straight" in said


def test_agents_that_the_log_loses_are_there_only_where_all_are(ranked, tmp_path, scenarios):
    """Another agent stands where the SDC is and is lost at once: it is met only where it stays."""
    scenario = deepcopy(scenarios[0])
    other = next(agent for agent in scenario.simulated if agent != scenario.sdc)
    scenario.position[other] = scenario.position[scenario.sdc, CURRENT]
    scenario.valid[np.arange(len(scenario.valid)) != scenario.sdc, CURRENT + 1 :] = False
    write_scenarios(tmp_path / "scenarios.safetensors", [scenario])
    logged, everyone = (ranked(baseline="stand_still", agents=kind) for kind in ("logged", "all"))
    assert (*logged["agents"], *everyone["agents"]) == ("logged", "all")
    assert logged["collision"].sum() == 0
    assert everyone["collision"].sum() > 0


def test_chunks_are_parts_of_the_whole(ranked):
    whole = ranked(baseline="log")
    halves = [ranked(baseline="log", chunk=chunk, chunks=2) for chunk in (0, 1)]
    assert [len(half) for half in halves] == [2, 0]
    pd.testing.assert_frame_equal(halves[0], whole)
    thirds = [ranked(baseline="log", chunk=chunk, chunks=3) for chunk in (0, 1, 2)]
    pd.testing.assert_frame_equal(pd.concat(thirds[:2], ignore_index=True), whole)


def test_a_run_s_folder_is_enough(ranked, tmp_path, recipe_of, vocabulary):
    """Recipe, weights and vocabulary are where the workflow puts them; scenes are tokenised on the way."""
    from safetensors.torch import save_file

    from simagents.models.families import build_policy

    recipe, run = recipe_of(), tmp_path / "runs/bc-1"
    run.mkdir(parents=True)
    (run / "recipe.json").write_text(recipe.model_dump_json())
    save_file(build_policy(recipe, vocabulary).state_dict(), run / "model.safetensors")
    folder = tmp_path / "tokens" / recipe.tokens
    folder.mkdir(parents=True)
    vocabulary.write(folder / "vocabulary.safetensors")
    table = ranked(run=run, scenes=1)
    assert len(table) == 1
    again = ranked(run=run, scenes=1)
    pd.testing.assert_frame_equal(table, again)
    with pytest.raises(InputError, match="not two of them"):
        ranked(run=run, baseline="log")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"baseline": "logg"}, "unknown value `logg`; did you mean `log`"),
        ({}, "or --baseline"),
        ({"baseline": "log", "chunk": 3}, "--chunk is 3"),
        ({"baseline": "log", "rollouts": 0}, "--rollouts is 0"),
        ({"baseline": "log", "scenes": -1}, "--scenes is -1"),
        ({"baseline": "log", "planners": ("random",)}, "neither `random_shooting` nor MODULE:NAME"),
        ({"baseline": "log", "planners": ("nowhere:Planner",)}, "cannot import `nowhere:Planner`"),
        ({"baseline": "log", "planners": ("simagents.files:Nothing",)}, "cannot import"),
        ({"baseline": "log", "planners": ("builtins:dict",)}, "is no planner"),
        ({"baseline": "log", "planners": ("straight", "straight")}, "two planners are called"),
    ],
)
def test_bad_arguments_are_an_input_error(ranked, keys, words):
    with pytest.raises(InputError, match=words):
        ranked(**keys)
