"""Metres driven, by hand."""

import pytest
import torch

from simagents.metrics.distance import metres_driven


def test_the_log_drives_as_far_as_itself(scenarios, as_rollouts):
    for scenario in scenarios:
        valid = scenario.valid[scenario.simulated, 11:].all()
        driven = metres_driven(scenario, as_rollouts(scenario, 2))
        assert driven["logged_distance"] > 10
        if valid:
            assert driven["simulated_distance"] == pytest.approx(
                driven["logged_distance"], rel=1e-5
            )


def test_by_hand(street, as_rollouts):
    """10 m/s for 8 s; one rollout stands still, one drives the log: 80 m logged, 40 m on average."""
    scenario = street()
    log = as_rollouts(scenario)
    still = log[:, :, :1].expand(-1, -1, 80, -1).clone()
    still[..., 0] = float(scenario.position[0, 10, 0])
    driven = metres_driven(scenario, torch.cat([log, still]))
    assert driven["logged_distance"] == pytest.approx(80, abs=1e-3)
    assert driven["simulated_distance"] == pytest.approx(40, abs=1e-3)


def test_steps_that_the_log_does_not_see_do_not_count(street, as_rollouts):
    """Seen for 4 s after the current step: half of it, simulated and logged."""
    scenario = street()
    rollouts = as_rollouts(scenario)
    scenario.valid[0, 51:] = False
    driven = metres_driven(scenario, rollouts)
    assert driven["simulated_distance"] == pytest.approx(40, abs=1e-3)
    assert driven["logged_distance"] == pytest.approx(40, abs=1e-3)
