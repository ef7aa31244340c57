"""Reinforcement fine-tuning of traffic-simulation agents."""
