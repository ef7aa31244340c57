"""The metric's leave-one-out differences: the credit of RLFTSim."""

from jaxtyping import Float
from torch import Tensor

from simagents.algorithms.credit import Credit, Evidence
from simagents.config.credit import Mloo


def credit(settings: Mloo, evidence: Evidence) -> Credit:
    """Of a reward that is one of all rollouts together."""
    return Credit(centred(evidence.without)[:, :, None, None])


def centred(without: Float[Tensor, "S R"]) -> Float[Tensor, "S R"]:
    """A_i = 1/R Σ_j m_{-j} - m_{-i}, m_{-i} the metric of all rollouts but i.

    RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033). A good rollout lowers the metric when it is left
    out, so its advantage is positive. Advantages of a scene add up to zero: that is the paper's own
    claim, which the sum over j ≠ i in its poster would contradict.
    """
    return without.mean(dim=1, keepdim=True) - without
