"""The value head."""

import torch

from simagents.models.value import ValueHead


def test_values_differ_by_less_than_bfloat16_has_steps():
    """Near 0.77 those are 0.004; in an autocast region, as training at scale paper has it."""
    head = ValueHead(8, seed=0, start=0.7734)
    torch.nn.init.normal_(head.layers[-1].weight, std=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        values = head(torch.randn(100, 8, generator=torch.manual_seed(0)))
    assert values.dtype == torch.float32
    assert len(values.unique()) > 90
