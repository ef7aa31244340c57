"""Turning recipes into weights: batches, learners, one loop, exact resume."""
