"""Arithmetic that rounds as IEEE 754 says, on every device.

The official evaluator works in float32, where a last bit decides on which side of a bin edge a
value falls. Two operations of torch are faster and less exact than that.
"""

from jaxtyping import Float32
from torch import Tensor


def root(square: Float32[Tensor, "*n"]) -> Float32[Tensor, "*n"]:
    """Square root. In float32 on a CPU, torch's own is off by one bit in one of 140 values."""
    return square.double().sqrt().float()


def divide(values: Float32[Tensor, "*n"], divisor: float) -> Float32[Tensor, "*n"]:
    """Quotient. By a Python number, torch on CUDA multiplies with its rounded reciprocal."""
    return values / values.new_full((), divisor)
