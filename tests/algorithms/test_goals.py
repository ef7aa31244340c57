"""Credit for goals, and learning in hindsight, in a world small enough to enumerate."""

from itertools import product

import pytest
import torch

from simagents.algorithms.goals import balanced, goal_credit, hindsight_ratio

V, GOALS = 3, 2
PATHS = torch.tensor(list(product(range(V), repeat=2)))


def test_balanced_credit_by_hand():
    """Three rollouts reach 1, 1/2 and 0 of their goals. The means of the others are 1/4, 1/2 and 3/4, so
    their credit is 3/4, 0 and -3/4; with λ = 0.1 and realism's 0.02, -0.01, -0.01 that is
    0.018 + 0.075 = 0.093, -0.009 and -0.009 - 0.075 = -0.084."""
    goals = goal_credit(torch.tensor([[1.0, 0.5, 0.0]]))
    assert goals.tolist() == [[0.75, 0.0, -0.75]]
    realism = torch.tensor([[0.02, -0.01, -0.01]])[:, :, None, None]
    expected = torch.tensor([[0.093, -0.009, -0.084]])[:, :, None, None]
    torch.testing.assert_close(balanced(realism, goals, 0.1), expected)
    assert torch.equal(balanced(realism, goals, 0.0), realism)


def test_where_all_reach_the_same_goals_none_has_credit():
    assert not goal_credit(torch.full((2, 4), 0.5)).any()


def test_the_ratio_by_hand_is_of_whole_rollouts_and_has_no_gradient():
    """Two actions with probabilities 1/2 and 1/4 under the new goal, 1/4 and 1/2 under the given one, and
    two with 1/2, 1/2 and 1/4, 1/4: ratios 1 and 4."""
    new = torch.tensor([[0.5, 0.25], [0.5, 0.5]]).log().requires_grad_()
    given = torch.tensor([[0.25, 0.5], [0.25, 0.25]]).log()
    ratio = hindsight_ratio(new, given)
    torch.testing.assert_close(ratio, torch.tensor([1.0, 4.0]))
    assert not ratio.requires_grad


def test_weighted_rollouts_of_one_goal_teach_what_rollouts_of_the_other_would():
    """Over all nine paths of two tokens out of three: the gradient at goal 1 that is expected from paths
    drawn at goal 1 equals the one expected from paths drawn at goal 0 and weighted by the ratio."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(GOALS, 1 + V, V, generator=generator, dtype=torch.float64)
    logits.requires_grad_()
    credit = torch.randn(len(PATHS), generator=generator, dtype=torch.float64)

    def logp(goal):
        """[9, 2]: of both tokens of every path."""
        one = logits[goal, 0].log_softmax(-1)[PATHS[:, 0]]
        two = logits[goal, 1:].log_softmax(-1)[PATHS[:, 0], PATHS[:, 1]]
        return torch.stack([one, two], dim=-1)

    def gradient(weight):
        loss = (weight.detach() * credit * logp(1).sum(dim=-1)).sum()
        return torch.autograd.grad(loss, logits)[0]

    chance = [logp(goal).sum(dim=-1).exp() for goal in range(GOALS)]
    direct = gradient(chance[1])
    ratio = hindsight_ratio(logp(1), logp(0))
    torch.testing.assert_close(gradient(chance[0] * ratio), direct)
    assert (gradient(chance[0]) - direct).abs().max() > 0.01  # without the ratio it is another
    assert (chance[0] * ratio).sum().item() == pytest.approx(1)
