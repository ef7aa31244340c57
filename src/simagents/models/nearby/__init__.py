"""Agents and what is nearest to them, for families that see a scene from where each agent is."""
