"""The device that a command was asked to use."""

import torch

from simagents.errors import InputError


def check_device(device: str) -> None:
    """Raises InputError where a tensor cannot be put on it and read back."""
    try:
        torch.empty(1, device=device).item()
    except (AssertionError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise InputError(f"--device {device} cannot be used: {reason}.") from None
