"""Waves by which families encode places, so that near and far are told apart finely."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

_SHORTEST = 4.0
"""Metres: the shortest wavelength; each further one is twice as long."""
FAR = 50.0
"""Metres: the unit of plain coordinates beside the waves."""


def frequencies(bands: int) -> Float[Tensor, "{bands}"]:
    """Radians for each metre, from the shortest wavelength on."""
    wavelength = _SHORTEST * 2.0 ** torch.arange(bands)
    return 2 * pi / wavelength
