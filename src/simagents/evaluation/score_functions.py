"""Score functions of rollouts: the vectors that credit rules multiply and add up to a gradient."""

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from simagents.config.algorithms import Sampling
from simagents.counter import hashed, key_of
from simagents.models.paths import Paths
from simagents.models.policy import TrainablePolicy
from simagents.models.scenes import SceneBatch

MOST_WEIGHTS = 2**17
"""Longer vectors are sketched."""
BUCKETS = 2**16


class CountSketch:
    """Vectors of P numbers as B numbers whose dot products are unbiased estimates of the vectors'.

    Number p goes into bucket h(p) with sign s(p), both hashes of p: Charikar, Chen,
    Farach-Colton 2002; dot products: Weinberger et al. 2009, arXiv:0902.2206, Lemma 2, with variance at
    most (|u|² |v|² + (u·v)²) / B. All vectors share h and s, so the sketch is linear: the sketch of
    a mean of vectors is the mean of their sketches, and its error does not add up over vectors.
    """

    def __init__(self, weights: int, buckets: int = BUCKETS, seed: int = 0):
        bits = hashed(seed, key_of("count sketch"), np.arange(weights))
        self.bucket: Int64[Tensor, "P"] = torch.from_numpy((bits % buckets).astype(np.int64))
        self.sign = torch.from_numpy(1 - 2 * (bits >> np.uint64(63)).astype(np.float32))
        self.buckets = buckets

    def __call__(self, vector: Float32[Tensor, "P"]) -> Float32[Tensor, "B"]:
        """The vector, on the CPU, as B numbers."""
        return torch.zeros(self.buckets).index_add(0, self.bucket, self.sign * vector)


def score_function(
    policy: TrainablePolicy,
    scenes: SceneBatch,
    paths: Paths,
    sampling: Sampling,
    weights: list[nn.Parameter],
) -> Float[Tensor, "P"]:
    """∇ of the mean log-probability of one rollout's actions, over agents and actions alike.

    The gain of a rollout with advantage A is A times that mean where a recipe has `log_prob: mean`, so its
    gradient is A times this vector. `paths` are the agents of one rollout of one scene.
    """
    drawn_from = policy(scenes, paths).drawn_by(sampling, paths.support)
    gradients = torch.autograd.grad(
        drawn_from.log_prob(paths.chosen).mean(), weights, allow_unused=True
    )
    parts = [
        torch.zeros_like(weight) if part is None else part
        for weight, part in zip(weights, gradients, strict=True)
    ]
    return torch.cat([part.flatten() for part in parts]).float().cpu()
