"""A world small enough to enumerate: one scene, one agent, two tokens in a row, three to choose from.

The reward of a path is known, and so is the policy that earns most of it.
"""

from itertools import product
from math import inf

import pytest
import torch

from simagents.algorithms.credit.constant import above
from simagents.algorithms.credit.gae import advantages
from simagents.algorithms.credit.rloo import leave_one_out
from simagents.algorithms.credit.scene_mean import relative
from simagents.algorithms.dpo import best_and_worst, dpo_loss
from simagents.algorithms.kl import k3
from simagents.algorithms.policy_gradient import policy_gradient_loss
from simagents.algorithms.surrogate import clipped_gain, on_policy_gain
from simagents.models.distribution import Categorical

V = 3
REWARD = torch.tensor([[0.3, 0.5, 0.1], [0.2, 0.9, 0.4], [0.6, 0.0, 0.3]], dtype=torch.float64)
"""Of the first token and the second: best is (1, 1), and second best a path without a 1."""
BEST = (1, 1)
PATHS = torch.tensor(list(product(range(V), repeat=2)))


class Toy(torch.nn.Module):
    """Logits of the first token, and of the second given the first; a value for both places."""

    def __init__(self, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        make = lambda *shape: torch.nn.Parameter(  # noqa: E731
            torch.randn(*shape, generator=generator, dtype=torch.float64) * 0.3
        )
        self.first, self.second = make(V), make(V, V)
        self.value = torch.nn.Parameter(torch.zeros(1 + V, dtype=torch.float64))

    def logp(self, path):
        """[1, R, 1, 2] of R paths."""
        one = self.first.log_softmax(-1)[path[:, 0]]
        two = self.second.log_softmax(-1)[path[:, 0], path[:, 1]]
        return torch.stack([one, two], dim=-1)[None, :, None]

    def values(self, path):
        one = self.value[0].expand(len(path))
        return torch.stack([one, self.value[1 + path[:, 0]]], dim=-1)[None, :, None]

    def chance(self):
        """Of every path of PATHS."""
        return self.logp(PATHS).sum(dim=-1).flatten().exp()

    def draw(self, count, generator):
        return PATHS[torch.multinomial(self.chance().detach(), count, True, generator=generator)]


def reward_of(path):
    return REWARD[path[:, 0], path[:, 1]][None]


def even(logp):
    return torch.full_like(logp, 1 / logp.numel())


def mpo(toy, path, alpha=0.4):
    logp = toy.logp(path)
    gain = on_policy_gain(logp, above(reward_of(path), alpha=alpha)[:, :, None, None])
    return policy_gradient_loss(gain, even(logp))


def rloo(toy, path):
    logp = toy.logp(path)
    gain = on_policy_gain(logp, leave_one_out(reward_of(path))[:, :, None, None])
    return policy_gradient_loss(gain, even(logp))


def grpo(divide):
    def loss(toy, path):
        logp = toy.logp(path)
        advantage = relative(reward_of(path), divide_by_deviation=divide)[:, :, None, None]
        return policy_gradient_loss(
            clipped_gain(logp, logp.detach(), advantage, 0.2)[0], even(logp)
        )

    return loss


def ppo(toy, path):
    logp, value = toy.logp(path), toy.values(path)
    reward = torch.zeros_like(value)
    reward[..., -1] = reward_of(path)[..., None]
    advantage, returns = advantages(reward, value.detach(), discount=1.0, gae_lambda=0.95)
    return policy_gradient_loss(
        clipped_gain(logp, logp.detach(), advantage, 0.2)[0], even(logp),
        value_error=(value - returns).square(), value_weight=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    "loss",
    [mpo, rloo, grpo(True), grpo(False), ppo],
    ids=["mpo", "rloo", "grpo", "grpo_undivided", "ppo"],
)
def test_every_policy_gradient_finds_the_best_path(loss):
    toy, generator = Toy(), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(toy.parameters(), lr=0.05)
    for _ in range(200):
        optimiser.zero_grad()
        loss(toy, toy.draw(16, generator)).backward()
        optimiser.step()
    chance = dict(zip(map(tuple, PATHS.tolist()), toy.chance().tolist(), strict=True))
    assert chance[BEST] > 0.9, chance


def test_dpo_finds_the_best_path_among_the_references():
    """Pairs never leave the reference's rollouts, where all nine paths occur."""
    toy, reference, generator = Toy(), Toy(), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(toy.parameters(), lr=0.1)
    for _ in range(200):
        path = reference.draw(8, generator)
        pair, kept = best_and_worst(reward_of(path), 0.01)
        chosen = path[pair[0]]
        logp = toy.logp(chosen)
        optimiser.zero_grad()
        loss, _ = dpo_loss(
            logp,
            reference.logp(chosen).detach(),
            torch.full_like(logp, 0.5),
            kept.double(),
            beta=1.0,
        )
        loss.backward()
        optimiser.step()
    assert toy.chance()[PATHS.tolist().index(list(BEST))] > 0.9


def gradient(of, toy):
    return torch.cat([g.flatten() for g in torch.autograd.grad(of, [toy.first, toy.second])])


@pytest.mark.parametrize("alpha", [0.0, 0.4])
def test_sampled_gradients_are_those_of_the_expected_reward(alpha):
    """REINFORCE (α = 0) and MPO. A mean over two tokens is half of the sum that the theorem is about."""
    toy, generator = Toy(), torch.Generator().manual_seed(0)
    exact = gradient((toy.chance() * REWARD.flatten()).sum(), toy)
    count = 200_000
    sampled = -2 * gradient(mpo(toy, toy.draw(count, generator), alpha), toy)
    assert exact.abs().max() > 0.04
    assert torch.allclose(sampled, exact, atol=5 / count**0.5)


def test_with_a_penalty_the_optimum_is_the_tilted_reference():
    """max E[r] - β KL(π‖π_ref) is at π ∝ π_ref e^(r/β) (one token): exact gradients get there with the
    exact reverse divergence, and k3, whose gradient is the forward one's, ends elsewhere.
    """
    reward, beta = REWARD[1], 0.3
    reference = torch.tensor([0.5, -0.2, 0.1], dtype=torch.float64).log_softmax(-1)
    tilted = (reference + reward / beta).softmax(-1)
    found = {}
    for name in ("exact_reverse", "k3"):
        logits = torch.zeros(V, dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.Adam([logits], lr=0.03)
        for _ in range(500):
            logp = logits.log_softmax(-1)
            estimates = {"k3": k3, "exact_reverse": Categorical.kl}
            divergence = estimates[name](logp, reference).expand(V)
            gain = on_policy_gain(logp, above(reward, alpha=0.4))
            gain, divergence, weight = (
                term.view(1, V, 1, 1) for term in (gain, divergence, logp.exp().detach())
            )
            loss = policy_gradient_loss(gain, weight, divergence=divergence, beta=beta)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found[name] = logits.detach().softmax(-1)
    assert torch.allclose(found["exact_reverse"], tilted, atol=1e-3)
    assert (found["k3"] - tilted).abs().max() > 0.01


def test_passes_with_clipping_stop_where_the_clip_says():
    """Many updates from one batch: without a clip they run away from the policy that sampled it."""
    moved = {}
    for clip in (0.2, inf):
        toy, generator = Toy(), torch.Generator().manual_seed(0)
        path = toy.draw(64, generator)
        old, reward = toy.logp(path).detach(), reward_of(path)
        advantage = (reward - reward.mean())[:, :, None, None].expand_as(old)
        optimiser = torch.optim.Adam([toy.first, toy.second], lr=0.05)
        for _ in range(60):
            optimiser.zero_grad()
            gain, _ = clipped_gain(toy.logp(path), old, advantage, clip)
            policy_gradient_loss(gain, even(old)).backward()
            optimiser.step()
        moved[clip] = (toy.logp(path) - old).abs().max().item()
    assert moved[0.2] < 0.5 * moved[inf]
