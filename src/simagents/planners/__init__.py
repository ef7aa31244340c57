"""Planners of the SDC, and what they are worth among simulated agents."""
