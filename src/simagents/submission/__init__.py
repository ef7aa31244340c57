"""Rollouts as the Waymo Open Sim Agents Challenge takes them: scored, packed, checked."""
