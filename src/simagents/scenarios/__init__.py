"""Logged traffic: WOMD protos, the synthetic generator, the `Scenario`, the memory-mapped store."""
