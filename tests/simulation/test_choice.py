"""How one action is chosen: by counter, or nearest to the log among the likeliest."""

import torch

from simagents.models.action import TokenActions
from simagents.models.batch import history_paths
from simagents.models.distribution import Sampling, TokenDistribution
from simagents.simulation.choice import ClosestAmongTop, DrawKeys, Sample
from simagents.tokens.vocabulary import Vocabulary


def ahead(*metres):
    """Straight motions for all three classes."""
    motion = torch.zeros(3, len(metres), 6, 3)
    motion[..., 0] = torch.tensor(metres)[:, None] * torch.arange(6) / 5
    return Vocabulary(motion, torch.full((3,), len(metres)), torch.zeros(1, 11, 2))


def choose(top_k, goal, seen=True):
    """Tokens of 0, 2, 4, 6 m with probabilities falling in the order 6, 0, 4, 2; the log goes to
    `goal` metres.
    """
    logits = torch.tensor([[3.0, 1.0, 2.0, 4.0]])
    logged = torch.zeros(1, 19, 3)
    logged[:, 3, 0] = goal
    valid = torch.full((1, 19), seen)
    choice = ClosestAmongTop(top_k, TokenActions(ahead(0.0, 2.0, 4.0, 6.0)), logged, valid)
    pose = torch.zeros(1, 3)
    return choice(TokenDistribution(logits), 2, torch.tensor([0]), pose).item()


def test_closest_among_the_likeliest_by_hand():
    """The log goes 2.2 m. The likeliest token is 6 m; of two, 0 m is nearer; of three 4 m; of all
    four 2 m.
    """
    assert [choose(k, 2.2) for k in (1, 2, 3, 4)] == [3, 0, 2, 1]
    assert choose(3, 1.9) == 0


def test_without_a_next_pose_the_likeliest_token():
    assert choose(4, 2.2, seen=False) == 3


def test_draws_are_keyed_by_scenario_rollout_step_and_agent(batch):
    """Equal chances for all: what is drawn is the counter's doing alone."""
    paths = history_paths(batch, 2)
    flat = TokenDistribution(torch.zeros(len(paths.agent), 1000))
    draw = Sample(DrawKeys(0, ["a", "b", "c"], batch, paths), Sampling(0, 1.0))
    first = draw(flat, 2, paths.agent, paths.pose[:, 1])
    assert torch.equal(first, draw(flat, 2, paths.agent, paths.pose[:, 1]))
    assert (first == draw(flat, 3, paths.agent, paths.pose[:, 1])).float().mean() < 0.05
    rollout, scene = paths.world % 2, paths.world // 2
    assert (first[rollout == 0] == first[rollout == 1]).float().mean() < 0.05
    assert len(first[scene == 1].unique()) > 0.9 * (scene == 1).sum()
