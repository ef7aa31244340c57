"""Moments of rollouts: who is where, who is marked, and what the figure refuses."""

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from simagents.errors import InputError
from simagents.report.agent_drawing import CLASS_COLOURS, RECORDER, Agents, Shown, agent_colours
from simagents.report.draw_figure import read_settings
from simagents.report.figure_inputs import FigureInputs
from simagents.report.figures import strips
from simagents.report.map_drawing import Lights
from simagents.report.rows import read_rows
from simagents.report.view import view_ahead
from simagents.scenarios.incident_file import Incidents, write_incidents
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import CURRENT, AgentType, LightState
from simagents.scenarios.store import write_scenarios


@pytest.fixture
def axes():
    figure, axes = plt.subplots(figsize=(4, 3))
    yield axes
    plt.close(figure)


@pytest.fixture
def shown(street):
    """Agents stand; at step 30 (0-based 29) the first one collides, at 40 the second is off the road."""
    rows = street.simulated
    now = np.concatenate(
        [street.position[rows, CURRENT], street.heading[rows, CURRENT, None]], axis=-1
    )
    collision, off_road = np.zeros((2, 1, len(rows), 80), dtype=bool)
    collision[0, 0, 29] = off_road[0, 1, 39] = True
    rollout = now[:, None].repeat(80, axis=1).astype(np.float32)
    return Shown.of("BC", street, rollout, Incidents(collision, off_road))


def test_marks_are_shown_at_their_step_and_counted_from_then_on(street, axes, shown):
    """A mark lies on its agent, in the view's frame; step 0 is the log's, and has none."""
    view = view_ahead(street, 40.0, 0.75)
    view.frame(axes)
    agents = Agents(axes, street, view, shown, ring=5.0)

    def marked(step):
        agents.show(step)
        return [np.asarray(mark.get_offsets()).tolist() for mark, _ in agents._marks]

    places = view.local(shown.path[:, 0, :2]).tolist()
    assert marked(0) == marked(29) == marked(31) == [[], []]
    assert marked(30) == [[pytest.approx(places[0])], []]
    assert marked(40) == [[], [pytest.approx(places[1])]]
    assert [shown.count(step) for step in (0, 29, 30, 40, 80)] == [
        (0, 0), (0, 0), (1, 0), (1, 1), (1, 1),
    ]  # fmt: skip


def test_agents_have_the_colour_of_their_class_and_are_paler_where_nothing_is_scored(street):
    street = replace(street, to_predict=np.zeros_like(street.to_predict))
    colours = agent_colours(street)
    assert to_hex(colours[street.simulated == street.sdc][0]) == RECORDER
    others = street.simulated != street.sdc
    kinds = [AgentType(kind) for kind in street.agent_type[street.simulated][others]]
    full = [to_hex(CLASS_COLOURS[kind]) for kind in kinds]
    assert others.any()
    assert not set(map(to_hex, colours[others])) & set(full)
    everyone = replace(street, to_predict=np.ones_like(street.to_predict))
    assert [to_hex(colour) for colour in agent_colours(everyone)[others]] == full


def test_lights_follow_the_log(street, axes):
    """A signal that turns from stop to go moves from one mark to the other, and vanishes unlisted."""
    state = np.full_like(street.light_state, LightState.UNLISTED)
    state[0, 20], state[0, 21] = LightState.STOP, LightState.GO
    lights = Lights(axes, replace(street, light_state=state), view_ahead(street, 40.0, 1.0))

    def lit(step):
        lights.show(step)
        return [len(mark.get_xdata()) for mark in lights._marks]

    assert [lit(20), lit(21), lit(22)] == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.fixture
def inputs(tmp_path, street, shown):
    """Two systems' pictures of the street and their incidents."""
    write_scenarios(tmp_path / "shard.safetensors", [street])
    pictures, incidents = [], []
    rollout = np.concatenate(
        [shown.path[:, 1:, :2], np.zeros((len(shown.path), 80, 1)), shown.path[:, 1:, 2:]], axis=-1
    )
    for system in ("baseline-log", "bc-1"):
        folder = tmp_path / system / "0"
        folder.mkdir(parents=True)
        pictures.append(folder / "0.pictures.safetensors")
        incidents.append(folder / "0.incidents.safetensors")
        with writing_rollouts(pictures[-1]) as keep:
            keep(street.id, street.agent_id[street.simulated], rollout[None].astype(np.float32))
        write_incidents(incidents[-1], [(street, shown.incidents)])
    rows = [{"label": name, "systems": [name]} for name in ("baseline-log", "bc-1")]
    return FigureInputs(
        rows=read_rows(json.dumps(rows)), pictures=pictures, incidents=incidents,
        scenarios=[tmp_path / "shard.safetensors"],
    )  # fmt: skip


def settings(**keys):
    rows = [{"label": "Log", "baseline": "log"}, {"label": "BC", "stage": "bc"}]
    given = {"caption": "", "evaluation": "wosac_2025", "moments": [0, 3, 8], "rows": rows}
    return read_settings("strips", given | keys)


def test_a_strip_has_a_panel_for_each_system_and_moment(inputs):
    figure = strips.draw(settings(), inputs)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["0.0 s", "3.0 s", "8.0 s", "", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["baseline-log", "", "", "bc-1", "", ""]
    limits = {(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}
    assert len(limits) == 1
    plt.close(figure)


def test_a_system_without_incidents_is_an_error(inputs):
    with pytest.raises(InputError, match="bc-1: --incidents has no file of bc-1"):
        strips.draw(settings(), replace(inputs, incidents=inputs.incidents[:1]))


@pytest.mark.parametrize("moments", [[], [8.5], [-1]])
def test_moments_lie_in_the_simulated_seconds(moments):
    with pytest.raises(InputError, match="moments"):
        settings(moments=moments)
