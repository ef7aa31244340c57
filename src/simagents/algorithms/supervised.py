"""Learning from given tokens: behaviour cloning, and CAT-K's closed-loop fine-tuning."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from simagents.algorithms.weights import weighted


def cross_entropy(
    logits: Float[Tensor, "*N V"],
    target: Int64[Tensor, "*N"],
    weight: Float[Tensor, "*N"],
    *,
    label_smoothing: float,
    shares: Float[Tensor, "*N V"] | None = None,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Cross-entropy with a little of the target's mass spread over the vocabulary.

    BC of SMART (Wu et al. 2024) with the log's next token as target, and CAT-K (Zhang et al. 2025,
    Eq. 6) with the token that leads the rolled-out agent back to the log. Tokens with a logit of
    -inf are not in the class's vocabulary and get no share of the smoothing. The spread is even, the
    target included, or as `shares` say (`smoothing.py`).
    """
    log_prob = logits.log_softmax(dim=-1)
    exists = log_prob.isfinite()
    chosen = log_prob.gather(-1, target[..., None]).squeeze(-1)
    loss = -(1 - label_smoothing) * chosen
    if label_smoothing:
        known = torch.where(exists, log_prob, 0.0)
        even = 1 / exists.sum(dim=-1, keepdim=True)
        loss = loss - label_smoothing * (known * (even if shares is None else shares)).sum(dim=-1)
    with torch.no_grad():
        stats = {
            "cross_entropy": weighted(weight, -chosen),
            "accuracy": weighted(weight, (logits.argmax(dim=-1) == target).float()),
        }
    return weighted(weight, loss), stats


def likelihood_loss(
    log_prob: Float[Tensor, "*N"], weight: Float[Tensor, "*N"]
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """Minus the log-density of continuous target actions."""
    loss = weighted(weight, -log_prob)
    return loss, {"negative_log_likelihood": loss.detach()}
