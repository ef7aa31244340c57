"""A recurrent unit that stays in float32."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ExactGRU(nn.GRU):
    """A GRU that autocast leaves alone.

    On a GPU, autocast runs recurrent units in float16 whatever its own type is, and there gradients of
    a loss that is a mean over many tokens vanish.
    """

    def forward(
        self, x: Float[Tensor, "T N D"], before: Float[Tensor, "1 N D"] | None = None
    ) -> tuple[Float[Tensor, "T N D"], Float[Tensor, "1 N D"]]:
        """States after each moment, and the last one."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float(), None if before is None else before.float())
