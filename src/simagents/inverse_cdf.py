"""One uniform number -> one draw, so that a counter-based generator can decide it."""

from jaxtyping import Float64, Int64
from torch import Tensor


def drawn_place(
    share: Float64[Tensor, "*N K"], uniform: Float64[Tensor, "*N"]
) -> Int64[Tensor, "*N"]:
    """The place at which the cumulated share passes `uniform` in [0, 1).

    Shares sum to 1 up to rounding, hence double precision; a place without a share is never drawn
    for that rounding.
    """
    passed = (share.cumsum(dim=-1) <= uniform[..., None]).sum(dim=-1)
    last = (share > 0).sum(dim=-1) - 1
    return passed.minimum(last)
