"""Ending a run at any moment and continuing it: saves, lease, stopping, history."""
