"""Mean 0 and deviation 1 over a batch that several processes share."""

import torch
from jaxtyping import Float
from torch import Tensor


def moments(weight: Float[Tensor, "*N"], term: Float[Tensor, "*N"]) -> Float[Tensor, "3"]:
    """Weight, weighted sum and weighted sum of squares: what parts of a batch add up to."""
    weight, term = weight.double(), torch.where(weight > 0, term, 0.0).double()
    return torch.stack([weight.sum(), (weight * term).sum(), (weight * term.square()).sum()])


def whitened(term: Float[Tensor, "*N"], total: Float[Tensor, "3"]) -> Float[Tensor, "*N"]:
    """`term` with mean 0 and deviation 1 in the batch whose moments are `total`."""
    mean, square = (total[1:] / total[0]).tolist()
    deviation = max(square - mean**2, 0.0) ** 0.5
    return (term - mean) / (deviation + 1e-8)
