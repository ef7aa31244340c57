"""Token chains that stray a little from the log, as augmentation."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.inverse_cdf import drawn_place


@dataclass(frozen=True)
class AmongNearest:
    """Draw among the nearest tokens, nearer ones with higher probability; a `choose` of `token_chain`.

    The noisy tokenisation of Trajeglish (Philion et al. 2024, arXiv:2312.04535) as CAT-K's code has
    it: of the `nearest` tokens one is drawn with softmax(-d / temperature), d the mean distance of
    the box corners (m). One number in [0, 1) decides each draw.
    """

    nearest: int
    temperature: float
    """metres"""
    uniform: Float[Tensor, "A T"]

    def __call__(self, distance: Float[Tensor, "A V"], step: int) -> Int64[Tensor, "A"]:
        near, token = distance.topk(min(self.nearest, distance.shape[-1]), largest=False)
        # Padding is infinitely far: its share is 0.
        share = (-near.double() / self.temperature).softmax(dim=-1)
        place = drawn_place(share, self.uniform[:, step].double())
        return torch.gather(token, -1, place[:, None]).squeeze(-1)
