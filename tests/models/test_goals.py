"""How SMART sees goals: nothing at first, then coordinates or marked lanes, in both of its passes."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from simagents.config.algorithms import Sampling
from simagents.config.models import Smart as SmartSettings
from simagents.errors import InputError
from simagents.models.families import SceneReader, build_policy, freeze, load_weights
from simagents.models.smart.goals import GoalCoordinates, goal_pieces
from simagents.models.smart.network import Smart
from simagents.scenarios.goals import goals_of
from simagents.scenarios.scenario import AgentType
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out
from simagents.tokens.map import PolygonType
from simagents.tokens.scene import tokenize

WAYS = ("concatenation", "indication")
TOWARDS_GOALS = {
    "name": "policy_gradient", "reward": {"kind": "realism", "challenge": 2025, "scored": "scene"},
    "credit": {"rule": "mloo"}, "whiten": False, "surrogate": {"kind": "on_policy"},
    "log_prob": "sum", "divergence": None, "sampling": {"top_k": 8, "temperature": 1.0},
    "goals": {
        "of": "log", "criterion": "soft", "radius": 2.0, "weight": 0.1, "dropout": 0.1,
        "learning_rate": None, "hindsight": None,
    },
}  # fmt: skip


@pytest.fixture
def seeing(vocabulary, policy, tiny):
    """The tiny policy, in a model that reads goals; `moved` gives the new weights some values."""

    def make(goals, moved=False):
        model = Smart(SmartSettings(**{**tiny, "goals": goals}), vocabulary).eval()
        model.load_state_dict(policy.state_dict(), strict=False)
        if moved:
            with torch.no_grad():
                for name in model.added:
                    model.get_parameter(name).normal_(generator=torch.Generator().manual_seed(1))
        return model

    return make


@pytest.fixture
def batch(read, scenarios, scenes):
    """The smallest of the three scenes."""
    return read(scenarios[:1], scenes[:1])


@pytest.fixture
def with_goals(scenarios, scenes, tiny):
    """The same scene with the ends of the log as goals."""
    goals = [goals_of(scenarios[0], "log")]
    return SceneReader(SmartSettings(**tiny))(scenarios[:1], scenes[:1], goals=goals)


def sampled(policy, scenes):
    return roll_out(
        policy, scenes, 2, lambda draws: Sample(draws, Sampling(top_k=8, temperature=1.0))
    )


@pytest.mark.parametrize("goals", WAYS)
def test_a_model_that_reads_goals_begins_as_the_one_without_to_the_last_bit(
    seeing, policy, batch, with_goals, goals
):
    """In a pass over logged paths, with and without goals in the scene, and in simulation."""
    paths, model = policy.logged_paths(batch), seeing(goals)
    alone = policy(batch, paths).logits
    for scenes in (batch, with_goals):
        assert torch.equal(model(scenes, paths).logits, alone)
        ours, theirs = sampled(model, scenes), sampled(policy, batch)
        assert torch.equal(ours.paths.pose, theirs.paths.pose)
        assert torch.equal(model.begin(scenes)[1].logits, policy.begin(batch)[1].logits)


@pytest.mark.parametrize("goals", WAYS)
def test_a_pass_over_what_was_simulated_gives_the_distributions_of_the_simulation(
    seeing, with_goals, goals
):
    """The two ways of calling a policy see the same goals in every step."""
    model = seeing(goals, moved=True)
    seen = []

    class Recorded(Sample):
        def __call__(self, distribution, action, state):
            seen.append(distribution.logits)
            return super().__call__(distribution, action, state)

    sampling = Sampling(top_k=8, temperature=1.0)
    paths = roll_out(model, with_goals, 2, lambda draws: Recorded(draws, sampling)).paths
    assert not torch.equal(sampled(seeing(goals), with_goals).paths.pose, paths.pose)
    with torch.no_grad():
        again = model(with_goals, paths).logits
    torch.testing.assert_close(again, torch.stack(seen, dim=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("goals", WAYS)
def test_without_a_goal_the_weights_change_nothing(seeing, policy, batch, with_goals, goals):
    nowhere = replace(batch, goal=torch.full_like(with_goals.goal, torch.nan))
    paths, model = policy.logged_paths(batch), seeing(goals, moved=True)
    assert torch.equal(model(nowhere, paths).logits, policy(batch, paths).logits)


@pytest.mark.parametrize("goals", WAYS)
def test_what_reads_goals_learns_with_the_agents_and_only_where_goals_are_given(
    seeing, recipe_of, with_goals, tiny, goals
):
    """Its first gradient is not zero, though all of its weights are."""
    model, settings = seeing(goals), {**tiny, "goals": goals}
    (added,) = (model.get_parameter(name) for name in model.added)
    freeze(model, recipe_of(trains="agents", model=settings))
    assert not added.requires_grad
    freeze(model, recipe_of(trains="agents", model=settings, algorithm=TOWARDS_GOALS))
    paths = model.logged_paths(with_goals)
    model(with_goals, paths).log_prob(paths.chosen)[paths.valid[:, 2:]].sum().backward()
    assert added.grad.abs().max() > 0
    assert model.fusion[0].weight.grad is None


def test_coordinates_by_hand():
    """An agent at (10, 0) that heads north, its goal at (10, 50): 50 m ahead, so W [0.5, 0, 1]. A second
    agent has no goal: 0."""
    layer = GoalCoordinates(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.25, 0.5]]))
    goal = torch.tensor([[10.0, 50.0], [torch.nan, torch.nan]])
    pose = torch.tensor([[10.0, 0.0, torch.pi / 2], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[2 * 0.5 + 0.25, 0.5], [0.0, 0.0]])
    torch.testing.assert_close(layer(goal, pose), expected)


def test_marked_are_the_pieces_of_the_nearest_lane_up_to_the_goal(street, vocabulary, tiny):
    """Two lanes of 300 m at y = 0 and 4, the origin at (10, 0): a goal at (30, 3) of the world is on the
    second, whose first piece begins at x = -100: that at the goal is number (130 / 5) = 26 of it."""
    lane = lambda y: tuple((x, y, 0.0) for x in range(-100, 201, 2))  # noqa: E731
    scenario = street(
        start=((0.0, 0.0), (0.0, 4.0)), speed=(10.0, 0.0), types=(AgentType.VEHICLE,) * 2,
        lanes=(lane(0.0), lane(4.0)),
    )  # fmt: skip
    reader = SceneReader(SmartSettings(**tiny))
    goals = torch.tensor([[30.0, 3.0], [torch.nan, torch.nan]]).double().numpy()
    scenes = reader([scenario], [tokenize(scenario, vocabulary)], goals=[goals])
    assert scenes.goal[0].tolist() == [20.0, 3.0]
    first, last = goal_pieces(scenes, vocabulary.map)[0].tolist()
    tokens = scenes.representation
    assert set(tokens.map_polyline[first : last + 1].tolist()) == {1}
    assert (tokens.map_type[first : last + 1, 1] == PolygonType.LANE).all()
    assert tokens.map_pose[first, :2].tolist() == [-110.0, 4.0]
    assert abs(float(tokens.map_pose[last, 0]) - 20.0) <= 5.0
    assert last - first in (25, 26)  # the goal lies where two pieces meet
    assert goal_pieces(scenes, vocabulary.map)[1].tolist() == [0, -1]


@pytest.mark.parametrize("goals", WAYS)
def test_a_parent_may_lack_the_new_weights_and_nothing_else(
    tmp_path, policy, vocabulary, recipe_of, tiny, goals
):
    weights = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    save_file(weights, tmp_path / "parent")
    recipe = recipe_of(model={**tiny, "goals": goals})
    model = build_policy(recipe, vocabulary, tmp_path / "parent", of_parent=True)
    (name,) = model.added
    assert torch.equal(model.head[-1].weight, policy.head[-1].weight)
    assert not model.get_parameter(name).any()
    with pytest.raises(InputError, match=f"tensor `{name}` is missing"):
        build_policy(recipe, vocabulary, tmp_path / "parent")
    del weights["agent_size.0.weight"]
    save_file(weights, tmp_path / "parent")
    with pytest.raises(InputError, match=r"tensor `agent_size\.0\.weight` is missing"):
        load_weights(model, tmp_path / "parent", model.added)
