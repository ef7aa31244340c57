"""Every way to be fast is the plain network: outputs and gradients, in float64 to 1e-10.

`plain.smart` has a key and a value for every edge, a LayerNorm of relations in every layer, the map
again for every step, and rollouts one after another. Ours folds projections, normalises once, packs
nodes of all scenes, shares the map and the history among rollouts, remembers keys and values, and
may look relations up in tables, whose error is stated here.
"""

from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from plain import tokens as plain_tokens
from plain.smart import PlainSmart
from simagents.config.algorithms import BehaviourCloning
from simagents.config.algorithms import ClosedLoopCloning as ClosedLoopSettings
from simagents.config.models import Smart as SmartSettings
from simagents.models.distribution import Categorical
from simagents.models.paths import AgentState, Paths, Worlds
from simagents.models.smart.network import Smart
from simagents.models.smart.token_policy import history_paths, logged_paths
from simagents.models.tensors import Tensors
from simagents.simulation.choice import ClosestAmongTop
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch
from simagents.training.learners.closed_loop import ClosedLoopCloning
from simagents.training.learners.imitation import Cloning


@pytest.fixture
def make(vocabulary, tiny):
    """A small SMART none of whose weights is at its resting value."""

    def made(**changes):
        torch.manual_seed(0)
        policy = Smart(SmartSettings(**{**tiny, "relation_rows": 0, **changes}), vocabulary).eval()
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        return policy

    return made


@pytest.fixture(scope="session")
def shaken(scenarios, scenes, read):
    """The three scenes, each alone, with no ties: where pairs lie exactly behind one another or as
    far away as others, rounding decides what is seen.
    """
    spread, alone = torch.tensor([0.3, 0.3, 0.1]), []
    for number, pair in enumerate(zip(scenarios, scenes, strict=True)):
        batch, generator = read(*([one] for one in pair)), torch.manual_seed(number)

        def moved(poses, generator=generator):
            return poses + torch.randn(poses.shape, generator=generator) * spread

        tokens = batch.representation
        tokens = replace(tokens, map_pose=moved(tokens.map_pose), pose=moved(tokens.pose))
        alone.append(replace(batch, representation=tokens))
    return alone


@pytest.fixture
def together(shaken, batch):
    """The same scenes as one batch."""
    poses = {
        name: torch.cat([getattr(one.representation, name) for one in shaken])
        for name in ("map_pose", "pose")
    }
    return replace(batch, representation=replace(batch.representation, **poses))


# ---- float64 ----------------------------------------------------------------------------------------


def in_double(record):
    """The same numbers in float64. Records are annotated as float32, so their fields are set past
    the check.
    """
    double = copy(record)
    for name, value in vars(record).items():
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            object.__setattr__(double, name, value.double())
        if isinstance(value, Tensors):
            object.__setattr__(double, name, in_double(value))
    if isinstance(record, Paths):
        object.__setattr__(double, "until", lambda steps: in_double(record.until(steps)))
    return double


@pytest.fixture
def exact(make):
    """The policy in float64; numbers that are made on the way are too."""
    policy = make()
    vocabulary = policy.actions.vocabulary
    double = in_double(vocabulary)
    ends = plain_tokens.corners_of(double)[:, :, -1]
    vars(double)["end_box"] = ends[:, :, [0, 3, 2, 1]]  # counter-clockwise
    policy.actions = replace(policy.actions, vocabulary=double)
    torch.set_default_dtype(torch.float64)
    yield policy.double()
    torch.set_default_dtype(torch.float32)


@contextmanager
def answers_of(policy):
    """What the head says; the policy rounds it to float32."""
    said = []
    hook = policy.head.register_forward_hook(lambda module, given, answer: said.append(answer))
    yield said
    hook.remove()


def gradients(policy, answer):
    """Of a weighted sum of the answer, by name."""
    policy.zero_grad()
    weight = torch.randn(answer.shape, generator=torch.manual_seed(5))
    (answer * weight).sum().backward()
    return {name: p.grad.clone() for name, p in policy.named_parameters() if p.grad is not None}


def assert_same_gradients(ours, theirs, tolerance=1e-10):
    """Relative to the largest of each tensor."""
    assert ours.keys() == theirs.keys()
    largest = max(gradient.abs().max() for gradient in theirs.values())
    for name, gradient in theirs.items():
        # What is 0 but for rounding is compared with what is not.
        scale = max(gradient.abs().max(), 1e-3 * largest)
        assert (ours[name] - gradient).abs().max() < tolerance * scale, name


# ---- a whole log at once ----------------------------------------------------------------------------


def test_a_pass_over_packed_scenes_is_the_plain_one_scene_by_scene(exact, shaken, together):
    """Folded attention, relations normalised once, ragged packing, the map once for all steps."""
    paths = in_double(logged_paths(together))
    with answers_of(exact) as said:
        exact(in_double(together), paths)
    plain = PlainSmart.of(exact)
    expected = torch.cat(
        [plain.logits(in_double(one), in_double(logged_paths(one)))[0] for one in shaken]
    )
    assert expected.std() > 0.1
    assert (said[0] - expected).abs().max() < 1e-10
    assert_same_gradients(gradients(exact, said[0]), gradients(exact, expected))


def test_in_float32_the_pass_is_the_plain_one_to_1e_5(make, shaken, together):
    policy = make()
    plain = PlainSmart.of(policy)
    with answers_of(policy) as said:
        policy(together, logged_paths(together))
    expected = torch.cat([plain.logits(one, logged_paths(one))[0] for one in shaken])
    assert (said[0] - expected).abs().max() < 1e-5
    assert_same_gradients(gradients(policy, said[0]), gradients(policy, expected), 1e-4)


@pytest.mark.parametrize(
    ("rows", "error", "of_gradients"), [(4096, 1e-4, 3e-2), (1 << 15, 1e-5, 1e-2)]
)
def test_the_error_of_tables_is(make, shaken, together, rows, error, of_gradients):
    """Outputs are of order 1; gradients are relative to the largest of their tensor.

    A relation between two rows, one on each side of a ReLU's kink, has a part of its gradient where
    the formula has all or nothing. These parts halve as rows double, and average over relations, of
    which these scenes have few.
    """
    policy = make(relation_rows=rows)
    plain = PlainSmart.of(policy)
    with answers_of(policy) as said:
        policy(together, logged_paths(together))
    expected = torch.cat([plain.logits(one, logged_paths(one))[0] for one in shaken])
    assert (said[0] - expected).abs().max() < error
    ours, theirs = gradients(policy, said[0]), gradients(policy, expected)
    assert_same_gradients(ours, theirs, of_gradients)


# ---- one step at a time -----------------------------------------------------------------------------


@dataclass
class Replay:
    """Follows given tokens and keeps what it is told."""

    tokens: torch.Tensor
    said: list

    def __call__(self, distribution, action, state):
        self.said.append(distribution.logits)
        return self.tokens[:, action - 2], None


def stepwise(policy, batch, paths):
    """What the head says after tokens 1, 2, …"""
    state = policy._start(batch, paths)
    with answers_of(policy) as said:
        for step in range(paths.action.shape[1] - 1):
            at = (which[:, step] for which in (paths.action, paths.pose, paths.valid))
            state, _ = policy._advance(state, *at)
    return torch.stack(said[1:], dim=1)


def plain_stepwise(plain, batch, paths):
    past, said = plain.begin(batch), []
    for step in range(paths.action.shape[1] - 1):
        at = (which[:, step] for which in (paths.action, paths.pose, paths.valid))
        said.append(plain.observe(past, batch, paths, *at))
    return torch.stack(said[1:], dim=1)


def test_remembered_keys_and_values_are_those_of_the_plain_pass(exact, shaken, together):
    """Against the plain pass over the whole log, which remembers nothing, and the plain steps."""
    paths = in_double(logged_paths(together))
    found = stepwise(exact, in_double(together), paths)
    plain, first, whole, steps = PlainSmart.of(exact), 0, [], []
    for one in shaken:
        their_paths = in_double(logged_paths(one))
        logits, agent, step = plain.logits(in_double(one), their_paths)
        said = plain_stepwise(plain, in_double(one), their_paths)
        steps.append(said[agent, step])
        whole.append((logits, found[agent + first, step]))
        first += len(one.agent_class)
    expected, ours = (torch.cat(part) for part in zip(*whole, strict=True))
    assert (ours - expected).abs().max() < 1e-10
    assert (torch.cat(steps) - expected).abs().max() < 1e-10
    assert_same_gradients(gradients(exact, ours), gradients(exact, expected))


@torch.no_grad()
def test_without_gradients_steps_are_the_same(exact, together):
    """Values are then mixed where they lie."""
    batch, paths = in_double(together), in_double(logged_paths(together))
    asked = paths.valid[:, 1:-1]
    found = stepwise(exact, batch, paths)
    expected = plain_stepwise(PlainSmart.of(exact), batch, paths)
    assert (found - expected)[asked].abs().max() < 1e-10


@pytest.mark.parametrize(("rows", "error"), [(0, 1e-5), (4096, 1e-4)])
@torch.no_grad()
def test_rollouts_in_one_batch_are_a_loop_of_plain_ones(make, shaken, together, rows, error):
    """Map and history are shared by three rollouts that go ways of their own, agents of all scenes
    side by side; the plain loop knows one rollout of one scene at a time.
    """
    policy, rollouts = make(relation_rows=rows), 3
    paths = history_paths(together, Worlds.of(together, rollouts))
    vocabulary = policy.actions.vocabulary
    draws = torch.rand(len(paths.agent), 16, generator=torch.manual_seed(3))
    counts = vocabulary.count[together.agent_class[paths.agent], None]
    replay = Replay((draws * counts.clamp(max=12)).long(), [])
    done = roll_out(policy, together, rollouts, lambda draws: replay)
    found, plain, first = torch.stack(replay.said, dim=1), PlainSmart.of(policy), 0
    for scene, one in enumerate(shaken):
        agents, history = len(one.agent_class), history_paths(one, Worlds.of(one, 1))
        for rollout in range(rollouts):
            mine = slice(first, first + agents)
            logits, tokens, poses = plain.roll_out(
                one, history, lambda logits, step, pose, mine=mine: replay.tokens[mine, step - 2]
            )
            there = found[mine].isfinite()
            assert (found[mine] - logits)[there].abs().max() < error
            assert torch.equal(done.paths.action[mine, 2:], tokens)
            trajectories = done.trajectories[scene][rollout]
            drawn = trajectories[..., [0, 1, 3]] - torch.tensor([*one.origin[0], 0.0])
            assert (drawn - poses).abs().max() < 2e-4
            first += agents
    assert first == len(found)


# ---- what is learned from ---------------------------------------------------------------------------


def test_tokens_and_targets_made_once_are_those_of_every_step(batch, vocabulary):
    """Computed corner by corner in float64; where two tokens are as near, either will do."""
    corners, kind = plain_tokens.corners_of(vocabulary).double(), batch.agent_class
    tokens = batch.representation
    logged, whole = tokens.logged.double(), tokens.valid
    token, path = plain_tokens.chain(corners, kind, logged, tokens.logged_valid)
    assert (tokens.pose - path)[whole].abs().max() < 1e-3
    assert (tokens.token == token)[whole].float().mean() > 0.999
    goal = plain_tokens.targets(corners, kind, tokens.pose.double(), logged)
    follows = whole[:, 2:] & whole[:, 1:-1]
    assert (tokens.token[:, 2:] == goal)[follows].float().mean() > 0.999


def plain_loss(logits, target, vocabulary, kind, smoothing):
    """[N]: the cross-entropy of torch over the tokens that each class has."""
    loss = torch.zeros(len(target), dtype=logits.dtype)
    for index, count in enumerate(vocabulary.count.tolist()):
        mine = kind == index
        own = logits[mine, :count]
        losses = cross_entropy(own, target[mine], reduction="none", label_smoothing=smoothing)
        loss[mine] = losses
    return loss


def of_weights(policy, loss):
    policy.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in policy.named_parameters() if p.grad is not None}


def test_a_step_of_behaviour_cloning_is_the_plain_one(make, together, vocabulary):
    policy, learner_batch = make(), Batch(0, together, [])
    settings = BehaviourCloning(name="bc", label_smoothing=0.1, smoothing="uniform")
    learner = Cloning(policy, policy, settings)
    count = learner.counts(learner_batch)
    ours, _ = learner.loss(learner_batch, float(count))
    logits, agent, step = PlainSmart.of(policy).logits(together, logged_paths(together))
    valid = logged_paths(together).valid
    counted = together.trained[agent] & valid[agent, step + 2]
    target, kind = together.representation.token[agent, step + 2], together.agent_class[agent]
    losses = plain_loss(logits, target, vocabulary, kind, 0.1)[counted]
    assert len(losses) == count
    assert ours.item() == pytest.approx(losses.mean().item(), abs=1e-5)
    assert_same_gradients(of_weights(policy, ours), of_weights(policy, losses.mean()), 1e-4)


def test_a_step_of_cat_k_is_the_plain_one(make, together, vocabulary):
    """The plain one back-propagates through what a rollout remembers; targets are made on the way."""
    policy, learner_batch = make(), Batch(0, together, [])
    rollout = {"choice": "closest", "top_k": 8}
    settings = ClosedLoopSettings(name="catk", label_smoothing=0.0, rollout=rollout)
    learner = ClosedLoopCloning(policy, policy, 0, settings)
    count = learner.counts(learner_batch)
    ours, _ = learner.loss(learner_batch, float(count))
    kind = together.agent_class
    absent = vocabulary.absent[kind]
    closest = ClosestAmongTop(8, policy.actions, policy.logged_states(together))

    def choose(logits, step, pose):
        distribution = Categorical(logits.masked_fill(absent, -torch.inf))
        agents = AgentState(pose, torch.zeros_like(pose[:, :2]), together.agent_size, kind)
        return closest(distribution, step, agents)[0]

    history = history_paths(together, Worlds.of(together, 1))
    logits, _, poses = PlainSmart.of(policy).roll_out(together, history, choose)
    path = torch.cat([history.pose, poses[:, 4::5]], dim=1)
    corners = plain_tokens.corners_of(vocabulary)
    target = plain_tokens.targets(corners, kind, path, together.representation.logged)
    valid = learner._valid(together)
    losses = torch.stack(
        [plain_loss(logits[:, t], target[:, t], vocabulary, kind, 0.0) for t in range(16)], dim=1
    )
    loss = losses[valid].mean()
    assert ours.item() == pytest.approx(loss.item(), abs=1e-5)
    assert_same_gradients(of_weights(policy, ours), of_weights(policy, loss), 1e-4)
