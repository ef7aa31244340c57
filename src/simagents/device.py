"""The device and precision that a command was asked to use."""

import torch

from simagents.config.recipe import Precision
from simagents.errors import InputError


def keep_float32_exact() -> None:
    """No TF32 on a GPU: under it, distances of the metric and of relations lose a decimal."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False  # of recurrent units, on by default


def autocast(device: str | torch.device, precision: Precision) -> torch.autocast:
    """Products in this precision, `float32` or `bfloat16`, on the device's type; weights stay float32."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16")


def check_device(device: str) -> None:
    """Make ready to compute there. Raises InputError where a tensor cannot be put on it and read back."""
    keep_float32_exact()
    try:
        torch.empty(1, device=device).item()
    except (AssertionError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise InputError(f"--device {device} cannot be used: {reason}.") from None
