"""Metres that vehicles come at a constant acceleration."""

import torch
from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "*#n"]


def travelled(speed: Values, acceleration: Values, seconds: Values) -> Float[Tensor, "*n"]:
    """Metres along the path after that time; a vehicle that brakes stands and never reverses."""
    until = torch.minimum(seconds, torch.where(acceleration < 0, speed / -acceleration, torch.inf))
    return until * (speed + 0.5 * acceleration * until)
