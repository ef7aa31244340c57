"""SMART: its size, its two ways of being asked, and what its answers must not depend on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from simagents.config.models import Smart as SmartSettings
from simagents.models.paths import Paths, Worlds
from simagents.models.smart.network import Smart
from simagents.models.smart.token_policy import history_paths, logged_paths
from simagents.scenarios.scenario import MapKind
from simagents.tokens.scene import tokenize
from simagents.tokens.vocabulary import Vocabulary

SIZES = {
    # CAT-K's `smart.yaml`, counted in its checkpoint.
    "map_encoder.layers": 843_648,
    "map_encoder.relation": 117_184,
    "map_encoder.token": 36_480,
    "map_encoder.types": 2_432,
    "time_layers": 1_687_296,
    "map_agent_layers": 1_688_832,
    "agent_layers": 1_687_296,
    "head": 280_960,
    "agent_motion": 83_712,
    "time_relation": 150_656,
    "map_agent_relation": 117_184,
    "agent_relation": 117_184,
    "agent_token": 104_064,
    "fusion": 66_432,
}


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def of_size(name):
    """A model of config/model with the published vocabulary's size."""
    motions = torch.zeros(3, 2048, 6, 3)
    file = Path(__file__).parents[2] / f"config/model/{name}.yaml"
    settings = SmartSettings(**yaml.safe_load(file.read_text())["models"]["smart"])
    return Smart(settings, Vocabulary(motions, torch.full((3,), 2048), torch.zeros(1024, 11, 2)))


@pytest.fixture(scope="module")
def published():
    return of_size("7m")


@pytest.mark.parametrize("part", SIZES)
def test_every_part_has_its_published_size(published, part):
    assert parameters(published.get_submodule(part)) == SIZES[part]


def test_the_whole_has_seven_million(published):
    assert parameters(published.agent_size) + parameters(published.agent_class) == 17_664
    assert parameters(published) == 7_001_024
    assert sum(map(parameters, published.fine_tuned)) == 5_344_384


@pytest.mark.parametrize(("name", "millions"), [("3m", 3.43), ("1m", 1.13)])
def test_smaller_sizes_have_what_is_said_of_them(name, millions):
    """CAT-K's configurations call these 3 and 1.2 million."""
    assert parameters(of_size(name)) / 1e6 == pytest.approx(millions, abs=0.005)


# ---- one function, asked in two ways ----------------------------------------------------------------


def nodes(policy, batch, paths, steps):
    """Distributions after each of the first `steps` tokens of given paths, one world a scene."""
    state, answers = policy._start(batch, paths), []
    for t in range(steps):
        state, answer = policy._advance(
            state, paths.action[:, t], paths.pose[:, t], paths.valid[:, t]
        )
        answers.append(answer)
    return answers


def step_by_step(policy, batch, paths):
    """The distributions of `forward`, one node of every agent at a time."""
    answers = nodes(policy, batch, paths, paths.action.shape[1] - 1)
    return torch.stack([answer.logits for answer in answers[1:]], dim=1)


def assert_close(one, other, tolerance, where=...):
    """Finite logits agree; forbidden ones agree in being so."""
    one, other = one[where], other[where]
    assert torch.equal(one.isinf(), other.isinf())
    assert (one - other).nan_to_num().abs().max() < tolerance


def test_stepwise_answers_are_those_of_the_whole_pass(policy, batch):
    paths = logged_paths(batch)
    whole = policy(batch, paths).logits
    steps = step_by_step(policy, batch, paths)
    asked = paths.valid[:, 1:-1]
    assert asked.float().mean() > 0.5
    assert_close(whole, steps, 1e-5, asked)


@torch.no_grad()
def test_tables_change_logits_by_less_than_a_thousandth(policy, batch):
    """Rollouts look relations up; see `test_fourier.py` for the tables themselves."""
    paths = logged_paths(batch)
    asked = paths.valid[:, 1:-1]
    assert_close(policy(batch, paths).logits, step_by_step(policy, batch, paths), 1e-3, asked)


def test_the_future_does_not_change_the_past(policy, batch):
    """Tokens and poses from step 9 on are replaced: answers up to token 9 stay."""
    paths = logged_paths(batch)
    other = replace(paths, action=paths.action.clone(), pose=paths.pose.clone())
    other.action[:, 9:] = 0
    other.pose[:, 9:] += 3.0
    before, after = policy(batch, paths).logits, policy(batch, other).logits
    asked = paths.valid[:, 1:-1]
    assert_close(before[:, :8], after[:, :8], 1e-5, asked[:, :8])
    assert (before - after)[:, 8:][asked[:, 8:]].nan_to_num().abs().max() > 1e-2


def test_worlds_do_not_see_one_another(policy, batch):
    """Another rollout of the same scene may do what it likes."""
    paths = history_paths(batch, Worlds.of(batch, 2))
    other = replace(paths, pose=paths.pose.clone())
    second = paths.world % 2 == 1
    other.pose[second] += 1.0

    def answer(of):
        return nodes(policy, batch, of, 2)[1].logits

    before, after = answer(paths), answer(other)
    assert_close(before, after, 1e-5, ~second)
    assert (before - after)[second].nan_to_num().abs().max() > 1e-2


def test_what_is_not_valid_is_not_looked_at(policy, batch):
    paths = logged_paths(batch)
    noise = torch.randn(paths.pose.shape, generator=torch.manual_seed(0)) * 50
    other = replace(paths, pose=torch.where(paths.valid[..., None], paths.pose, noise))
    asked = paths.valid[:, 1:-1]
    assert_close(policy(batch, paths).logits, policy(batch, other).logits, 1e-6, asked)


# ---- what answers must not depend on ----------------------------------------------------------------


def shaken(scene):
    """The scene with nothing exactly ahead, behind, opposite, or 10 m away.

    Bearings jump from pi to -pi behind a target, and edges end at a radius: where a scene puts many
    pairs right there, as maps in pieces of 5 m do, rounding decides what a policy sees.
    """
    rng = np.random.default_rng(0)

    def moved(poses):
        return (poses + rng.normal(0, (0.3, 0.3, 0.1), poses.shape)).astype(np.float32)

    return replace(scene, map_pose=moved(scene.map_pose), pose=moved(scene.pose))


def turned(scene, angle, dx, dy):
    """A tokenised scene seen from another origin."""

    def carried(poses):
        x, y, heading = np.moveaxis(poses.astype(np.float64), -1, 0)
        cos, sin = np.cos(angle), np.sin(angle)
        new = x * cos - y * sin + dx, x * sin + y * cos + dy, heading + angle
        return np.stack(new, axis=-1).astype(np.float32)

    poses = {name: carried(getattr(scene, name)) for name in ("map_pose", "logged", "pose")}
    return replace(scene, **poses)


@pytest.mark.parametrize(
    ("angle", "dx", "dy"), [(0.0, 32.0, -64.0), (1.0, 0.0, 0.0), (-2.6, 20, 90)]
)
def test_a_rigid_motion_changes_no_answer(policy, scenarios, scenes, read, angle, dx, dy):
    batch = read(scenarios, [shaken(scene) for scene in scenes])
    other = read(scenarios, [turned(shaken(scene), angle, dx, dy) for scene in scenes])
    paths = logged_paths(batch)
    before, after = policy(batch, paths).logits, policy(other, logged_paths(other)).logits
    assert_close(before, after, 1e-4, paths.valid[:, 1:-1])


@torch.no_grad()
def test_permuting_agents_permutes_answers(policy, scenarios, scenes, read):
    one = read(scenarios[1:2], scenes[1:2])
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(one.agent_class)))
    tokens = one.representation
    of_agents = ("logged", "logged_valid", "token", "pose", "valid", "in_range")
    other = replace(
        one,
        agent_class=one.agent_class[order],
        agent_size=one.agent_size[order],
        velocity=one.velocity[order],
        representation=replace(tokens, **{n: getattr(tokens, n)[order] for n in of_agents}),
    )
    before, after = policy(one, logged_paths(one)).logits, policy(other, logged_paths(other)).logits
    assert_close(before[order], after, 1e-5, logged_paths(other).valid[:, 1:-1])


@torch.no_grad()
def test_other_scenes_of_the_batch_change_nothing(policy, scenarios, scenes, read, batch):
    together = policy(batch, logged_paths(batch)).logits
    for number in range(3):
        alone = read(scenarios[number : number + 1], scenes[number : number + 1])
        answer = policy(alone, logged_paths(alone)).logits
        assert_close(
            answer, together[batch.agent_scene == number], 1e-5, logged_paths(alone).valid[:, 1:-1]
        )


@torch.no_grad()
def test_rollouts_of_one_history_get_one_answer(policy, batch):
    paths = history_paths(batch, Worlds.of(batch, 3))
    answer = nodes(policy, batch, paths, 2)[1]
    assert_close(policy.branch(*policy.begin(batch), paths)[1].logits, answer.logits, 1e-5)
    first = paths.world % 3 == 0
    for rollout in (1, 2):
        assert_close(answer.logits[first], answer.logits[paths.world % 3 == rollout], 1e-5)


@torch.no_grad()
def test_padding_tokens_are_forbidden(policy, batch, vocabulary):
    logits = policy(batch, logged_paths(batch)).logits
    asked = logged_paths(batch).valid[:, 1:-1]
    absent = vocabulary.absent[batch.agent_class]
    assert absent.any()
    assert torch.equal(logits.isinf()[asked], absent[:, None].expand(logits.shape)[asked])
    assert not logits[asked].isnan().any()


@torch.no_grad()
def test_a_scene_without_a_map_and_one_with_a_single_agent(
    policy, scenario_without_map, vocabulary, read
):
    batch = read([scenario_without_map], [tokenize(scenario_without_map, vocabulary)])
    assert len(batch.representation.map_token) == 0
    assert len(batch.agent_class) == 1
    assert policy(batch, logged_paths(batch)).logits[:, :, 0].isfinite().all()
    assert step_by_step(policy, batch, logged_paths(batch))[:, :, 0].isfinite().all()


@pytest.fixture
def scenario_without_map(street):
    scenario = street()
    kind = np.full_like(scenario.map_kind, MapKind.STOP_SIGN)
    return replace(scenario, map_kind=kind)


def test_every_part_learns(policy, batch):
    """All weights but those of absent tokens, and of types that the scenes lack, get a gradient."""
    logits = policy(batch, logged_paths(batch)).logits[logged_paths(batch).valid[:, 1:-1]]
    logits.masked_fill(logits.isinf(), 0.0).square().mean().backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None, name
        # The shift of a normalised relation moves all scores of a target alike.
        if not name.endswith(("key.weight", "norm_relation.bias")):
            assert parameter.grad.abs().max() > 0, name


def test_training_drops_history(vocabulary, tiny, batch):
    """Nodes are left out at random while training, and never otherwise."""
    policy = Smart(SmartSettings(**{**tiny, "history_drop": 0.5}), vocabulary)
    paths = logged_paths(batch)

    def answer():
        return policy(batch, paths).logits.nan_to_num(neginf=0.0)

    policy.train()
    assert not torch.equal(answer(), answer())
    policy.eval()
    assert torch.equal(answer(), answer())


def test_paths_of_any_length_are_asked_from_the_second_token_on(policy, batch):
    paths: Paths = logged_paths(batch).until(6)
    assert policy(batch, paths).logits.shape[1] == 4
