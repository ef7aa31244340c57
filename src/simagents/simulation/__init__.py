"""Closed-loop rollouts of any policy, and the baselines that need none."""
