"""How often goals are reached, in tables beside published values and in figures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simagents.config.figures import GoalRates, GoalRollouts
from simagents.errors import InputError
from simagents.report.figure_inputs import FigureInputs
from simagents.report.figures import goal_rates, goal_rollouts
from simagents.report.published import read_published
from simagents.report.rows import read_rows
from simagents.report.scores import by_seed, read_scores
from simagents.report.table import layout, markdown
from simagents.scenarios.manoeuvres import shown
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import CURRENT
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic import generate_scenario

PUBLISHED = Path(__file__).parents[2] / "paper/published"
RATES = ("reach_rate", "pass_rate")


def test_rates_are_over_agents_and_not_over_scenes(score):
    """Two scenes with 1 of 1 and 1 of 4 goals reached: 40 %, not 62.5 %."""
    path = score("bc-1", {"a": 0.5, "b": 0.5}, reach_rate=[1.0, 1.0], goal_agents=[1.0, 4.0])
    (row,) = read_rows(json.dumps([{"label": "BC", "systems": ["bc-1"]}]))
    assert by_seed(row, read_scores([path])[1], "reach_rate").mean() == pytest.approx(0.4)


def test_published_percent_stand_beside_ours_in_percent(cells, cell):
    content = cells(
        {"A": 0.3, "B": 0.4, "C": 0.5},
        published=["SMART-tiny", "RLFTSim (cat, hard)", "RLFTSim (ind, *)"],
        columns=["reach_rate", "pass_rate"],
    )
    for row in content["rows"]:
        row["cells"] = {name: cell(row["cells"]["metametric"]["mean"]) for name in RATES}
    published = read_published(PUBLISHED / "rlftsim_tableS5_alternative_maneuvers.csv")
    text = markdown(layout("t", content, "", None, published, (), False))
    assert "| A | 30.0 ± 1.0 | *35.4* | 30.0 ± 1.0 | *42.9* |" in text
    assert "| B | 40.0 ± 1.0 | *50.0* | 40.0 ± 1.0 | *68.4* |" in text
    assert "| *–* | **50.0** ± 1.0 | *–* |" in text  # the paper's rows of indication were not found
    assert "metric of WOSAC -" not in text
    assert "reach, pass only; from public notes on the paper, values not found" in text
    table_3 = read_published(PUBLISHED / "rlftsim_table3_goal_conditioning.csv")
    assert table_3.value("ind+soft", "pass_miss") == pytest.approx(0.0918)
    assert table_3.value("ind+soft") == 0.7819


def test_a_table_without_one_of_the_papers_rows_does_not_speak_of_the_paper(cells):
    content = cells({"A": 0.3, "B": 0.4})
    published = read_published(PUBLISHED / "rlftsim_table3_goal_conditioning.csv")
    text = markdown(layout("t", content, "", None, published, (), False))
    assert "Published:" not in text
    assert "*published*" not in text


def test_bars_are_the_rates_of_the_tables(cells, cell):
    content = cells({"A": 0.3, "B": 0.4}, columns=["reach_rate", "pass_miss"])
    for row in content["rows"]:
        mean = row["cells"]["metametric"]["mean"]
        row["cells"] = {"reach_rate": cell(mean), "pass_miss": cell(0.25)}
    settings = GoalRates(kind="goal_rates", caption="", tables=["t"])
    (axes,) = goal_rates.draw(settings, FigureInputs(cells={"t": content})).axes
    assert sorted(round(bar.get_width(), 6) for bar in axes.patches) == [30.0, 40.0, 75.0, 75.0]
    del content["rows"][0]["cells"]["reach_rate"]
    with pytest.raises(InputError, match="t: give the table the column reach_rate"):
        goal_rates.draw(settings, FigureInputs(cells={"t": content}))


@pytest.fixture(scope="module")
def crossing():
    """A synthetic scene with a vehicle that may turn left or go straight on."""
    return generate_scenario(1, 10**9 + 13)


def test_the_manoeuvres_shown_are_those_of_one_vehicle_by_name(crossing):
    """From its heading the one goal is ahead, and the other to the left."""
    row, goals = shown(crossing)
    assert list(goals) == ["left turn", "straight on"]
    start, heading = crossing.position[row, CURRENT, :2], crossing.heading[row, CURRENT]
    left = {
        name: np.cos(heading) * (goal - start)[1] - np.sin(heading) * (goal - start)[0]
        for name, goal in goals.items()
    }
    assert left["left turn"] > 5
    assert abs(left["straight on"]) < 5


def test_a_u_turn_ends_behind_and_comes_first():
    """Its vehicle is near a junction, and the goal is on the lane to its left."""
    scenario = generate_scenario(1, 10**9 + 2)
    row, goals = shown(scenario)
    assert list(goals) == ["left turn", "U-turn"]
    start, heading = scenario.position[row, CURRENT, :2], scenario.heading[row, CURRENT]
    ahead, left = np.array(
        [[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]]
    ) @ (goals["U-turn"] - start)
    assert ahead < 0
    assert left > 1


def test_a_panel_a_goal_and_a_single_one_where_goals_change_nothing(tmp_path, crossing):
    write_scenarios(tmp_path / "shard", [crossing])
    ids, log = crossing.agent_id[crossing.simulated], crossing.position[crossing.simulated, 11:]
    heading = crossing.heading[crossing.simulated, 11:, None]
    path = np.nan_to_num(np.concatenate([log, heading], axis=-1))[None].repeat(2, axis=0)
    paths = []
    for system, shift in (("bc-1", 0.0), ("goal-1", 1.0)):
        paths.append(tmp_path / system / "0123456789.safetensors")
        paths[-1].parent.mkdir()
        with writing_rollouts(paths[-1]) as keep:
            for number, name in enumerate(shown(crossing)[1]):
                keep(f"{crossing.id}/{name}", ids, path + np.float32(number * shift))
    given = [{"label": name, "systems": [name]} for name in ("bc-1", "goal-1")]
    settings = GoalRollouts(
        kind="goal_rollouts", caption="", evaluation="e", rows=[{"label": "A", "stage": "a"}]
    )
    inputs = FigureInputs(
        rows=read_rows(json.dumps(given)), manoeuvres=paths, scenarios=[tmp_path / "shard"]
    )
    figure = goal_rollouts.draw(settings, inputs)
    # The style may set titles at the left.
    titles = [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["bc-1", "goal-1: left turn", "goal-1: straight on"]
    stars = [any(line.get_marker() == "*" for line in axes.lines) for axes in figure.axes]
    assert stars == [False, True, True]
    with pytest.raises(InputError, match="goal-1: no rollouts of goal-1 under goals are given"):
        goal_rollouts.draw(settings, replace(inputs, manoeuvres=paths[:1]))
