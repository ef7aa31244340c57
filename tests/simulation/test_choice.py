"""How one action is chosen: by counter, or nearest to the log among the likeliest."""

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.errors import InputError
from simagents.models.distribution import Categorical, Gaussian
from simagents.models.paths import AgentState, LoggedStates, Worlds
from simagents.models.smart.actions import TokenActions
from simagents.simulation.choice import ClosestAmongTop, Likeliest, Sample
from simagents.simulation.draws import DrawKeys
from simagents.tokens.vocabulary import Vocabulary

AT_ORIGIN = AgentState(
    torch.zeros(1, 3), torch.zeros(1, 2), torch.ones(1, 3), torch.zeros(1, dtype=torch.int64)
)


def ahead(*metres):
    """Straight motions for all three classes."""
    motion = torch.zeros(3, len(metres), 6, 3)
    motion[..., 0] = torch.tensor(metres)[:, None] * torch.arange(6) / 5
    return Vocabulary(motion, torch.full((3,), len(metres)), torch.zeros(1, 11, 2))


def choose(top_k, goal, seen=True, distribution=None):
    """Tokens of 0, 2, 4, 6 m with probabilities falling in the order 6, 0, 4, 2; the log goes to
    `goal` metres.
    """
    logits = torch.tensor([[3.0, 1.0, 2.0, 4.0]])
    logged = torch.zeros(1, 19, 3)
    logged[:, 3, 0] = goal
    log = LoggedStates(logged, torch.full((1, 19), seen), torch.full((1, 19), True))
    choice = ClosestAmongTop(top_k, TokenActions(ahead(0.0, 2.0, 4.0, 6.0)), log)
    return choice(distribution or Categorical(logits), 2, AT_ORIGIN)[0].item()


def test_closest_among_the_likeliest_by_hand():
    """The log goes 2.2 m. The likeliest token is 6 m; of two, 0 m is nearer; of three 4 m; of all
    four 2 m.
    """
    assert [choose(k, 2.2) for k in (1, 2, 3, 4)] == [3, 0, 2, 1]
    assert choose(3, 1.9) == 0


def test_without_a_next_pose_the_likeliest_token():
    assert choose(4, 2.2, seen=False) == 3


def test_continuous_actions_have_no_likeliest_few():
    gaussian = Gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(InputError, match="rollout `closest` needs a model with discrete actions"):
        choose(4, 2.2, distribution=gaussian)
    assert Likeliest()(gaussian, 2, AT_ORIGIN)[0].tolist() == [[0.0, 0.0]]


def test_draws_are_keyed_by_scenario_rollout_action_and_agent(batch):
    """Equal chances for all: what is drawn is the counter's doing alone."""
    worlds = Worlds.of(batch, 2)
    flat = Categorical(torch.zeros(len(worlds.agent), 1000))
    sample = Sample(DrawKeys(0, batch, worlds), Sampling(top_k=0, temperature=1.0))

    def draw(action):
        return sample(flat, action, AT_ORIGIN)[0]

    first = draw(2)
    assert torch.equal(first, draw(2))
    assert (first == draw(3)).float().mean() < 0.05
    rollout, scene = worlds.world % 2, worlds.world // 2
    assert (first[rollout == 0] == first[rollout == 1]).float().mean() < 0.05
    assert len(first[scene == 1].unique()) > 0.9 * (scene == 1).sum()


def test_more_numbers_for_a_draw_leave_the_first_as_it_was(batch):
    """Several continuous controls: each has a number of its own, and latents have others."""
    draws = DrawKeys(0, batch, Worlds.of(batch, 2))
    three = draws.uniform(2, 3)
    assert torch.equal(three[:, :1], draws.uniform(2))
    assert len(three.flatten().unique()) == three.numel()
    assert not torch.isin(draws.latent(3), three).any()
