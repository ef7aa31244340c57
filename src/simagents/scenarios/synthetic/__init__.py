"""Synthetic scenarios: traffic on random roads, good enough to learn from."""

from simagents.scenarios.synthetic.generate import generate_scenario

__all__ = ["generate_scenario"]
