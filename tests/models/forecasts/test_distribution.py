"""A few possible futures as a distribution."""

from math import exp, log

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.errors import InputError
from simagents.models.forecasts.actions import PoseActions
from simagents.models.forecasts.distribution import Forecast
from simagents.models.paths import AgentState, LoggedStates
from simagents.simulation.choice import ClosestAmongTop

EVERY = Sampling(top_k=0, temperature=1.0)
POSES = torch.tensor([[[5.0, 0, 0], [4.0, 1, 0.2], [0.0, 0, 0]]])
SHARES = torch.tensor([[0.5, 0.3, 0.2]])


def forecast(**changes):
    given = {"logits": SHARES.log(), "pose": POSES, "log_scale": torch.zeros(1, 3), **changes}
    return Forecast(**given)


def test_the_density_of_a_place_is_that_of_the_mixture():
    """With scale 1 a mode has the density e^-(|dx| + |dy|) / 4. The place (4, 0) is 1 m from the first two modes
    and 4 m from the third: .5 e^-1 / 4 + .3 e^-1 / 4 + .2 e^-4 / 4."""
    expected = (0.8 * exp(-1) + 0.2 * exp(-4)) / 4
    action = torch.tensor([[4.0, 0.0, 3.0]])
    assert forecast().log_prob(action).item() == pytest.approx(log(expected), rel=1e-5)


@pytest.mark.parametrize(("uniform", "mode"), [(0.49, 0), (0.51, 1), (0.79, 1), (0.81, 2)])
def test_a_draw_is_one_of_the_modes_by_their_shares(uniform, mode):
    drawn = forecast().drawn_by(EVERY).sample(torch.tensor([[uniform]], dtype=torch.double))
    assert drawn.equal(POSES[:, mode])


def test_a_drawn_mode_has_the_probability_of_its_draw():
    drawn = forecast().drawn_by(EVERY)
    assert drawn.log_prob(POSES[:, 1]).exp().item() == pytest.approx(0.3)
    assert drawn.entropy().item() == pytest.approx(-sum(p * log(p) for p in (0.5, 0.3, 0.2)))


def test_of_the_two_likeliest_the_second_has_three_eighths():
    drawn = forecast().drawn_by(Sampling(top_k=2, temperature=1.0))
    assert drawn.parameters.exp().tolist()[0] == pytest.approx([0.625, 0.375])


def test_a_certain_forecast_draws_the_likeliest_mode_whatever_the_number():
    drawn = forecast(certain=True).drawn_by(EVERY)
    for uniform in (0.0, 0.6, 0.99):
        assert drawn.sample(torch.tensor([[uniform]], dtype=torch.double)).equal(POSES[:, 0])


def test_two_policies_are_compared_mode_by_mode_also_where_they_rank_modes_differently():
    """Shares .5, .3, .2 against .3, .5, .2: .5 ln(5/3) + .3 ln(3/5) = .2 ln(5/3)."""
    drew = forecast().drawn_by(EVERY)
    other = forecast(logits=SHARES[:, [1, 0, 2]].log()).drawn_by(EVERY, drew.support)
    divergence = drew.kl(drew.parameters, other.parameters)
    assert divergence.item() == pytest.approx(0.2 * log(5 / 3), rel=1e-5)
    assert other.mode().equal(POSES[:, 1])


def test_modes_are_no_tokens_among_which_the_nearest_to_the_log_is_chosen():
    log = LoggedStates(torch.zeros(1, 2, 3), *torch.ones(2, 1, 2, dtype=torch.bool))
    state = AgentState(
        torch.zeros(1, 3), torch.zeros(1, 2), torch.ones(1, 3), torch.zeros(1, dtype=torch.long)
    )
    closest = ClosestAmongTop(top_k=2, actions=PoseActions(), log=log)
    with pytest.raises(InputError, match="discrete actions"):
        closest(forecast(), 0, state)
