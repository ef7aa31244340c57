"""Against TorchRL, where it is installed (`pip install -e '.[compare]'`): the same numbers to 1e-6.

TRL has its losses inside its trainers, for text, and is not compared.
"""

import pytest
import torch

from simagents.algorithms.credit.gae import advantages
from simagents.algorithms.policy_gradient import policy_gradient_loss
from simagents.algorithms.surrogate import clipped_gain

pytest.importorskip("torchrl", reason="pip install -e '.[compare]'")
from tensordict import TensorDict
from tensordict.nn import ProbabilisticTensorDictModule, ProbabilisticTensorDictSequential
from tensordict.nn import TensorDictModule as Module
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value.functional import generalized_advantage_estimate

N, T, V = 6, 5, 4


@pytest.fixture
def numbers():
    generator = torch.manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("discount", "gae_lambda"), [(1.0, 0.95), (0.9, 0.5)])
def test_advantages_are_theirs(numbers, discount, gae_lambda):
    value, reward = numbers(N, T), numbers(N)
    rewards, done = torch.zeros(N, T, 1, dtype=torch.float64), torch.zeros(N, T, 1).bool()
    rewards[:, -1, 0], done[:, -1] = reward, True
    ours = advantages(rewards[..., 0], value, discount=discount, gae_lambda=gae_lambda)
    after = torch.cat([value[:, 1:], numbers(N, 1)], dim=1)
    theirs = generalized_advantage_estimate(
        discount, gae_lambda, value[..., None], after[..., None], rewards, done
    )
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other.squeeze(-1), rtol=0, atol=1e-6)


def test_the_loss_and_its_gradient_are_theirs(numbers):
    logits, value = numbers(N, V).requires_grad_(), numbers(N).requires_grad_()
    action, old = torch.arange(N) % V, numbers(N, V).log_softmax(-1)
    old, advantage, returns = old[torch.arange(N), action], numbers(N), numbers(N)
    actor = ProbabilisticTensorDictSequential(
        Module(lambda _: logits, in_keys=["seen"], out_keys=["logits"]),
        ProbabilisticTensorDictModule(
            ["logits"], ["action"], distribution_class=torch.distributions.Categorical
        ),
    )
    critic = Module(lambda _: value[:, None], in_keys=["seen"], out_keys=["state_value"])
    loss_of = ClipPPOLoss(
        actor,
        critic,
        clip_epsilon=0.2,
        entropy_bonus=False,
        critic_coeff=0.5,
        loss_critic_type="l2",
    )
    data = {
        "seen": torch.zeros(N, 1), "action": action, "action_log_prob": old,
        "advantage": advantage[:, None], "value_target": returns[:, None],
    }  # fmt: skip
    found = loss_of(TensorDict(data, [N]))
    theirs = found["loss_objective"] + found["loss_critic"]

    def shaped(rows):
        return rows.view(N, 1, 1, 1)

    logp = logits.log_softmax(-1)[torch.arange(N), action]
    gain, _ = clipped_gain(*map(shaped, (logp, old, advantage)), 0.2)
    error = shaped((value - returns).square())
    weight = shaped(torch.full_like(old, 1 / N))
    ours = policy_gradient_loss(gain, weight, value_error=error, value_weight=0.5)
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)
    for one, other in zip(
        torch.autograd.grad(ours, (logits, value)),
        torch.autograd.grad(theirs, (logits, value)),
        strict=True,
    ):
        assert torch.allclose(one, other, rtol=0, atol=1e-6)
