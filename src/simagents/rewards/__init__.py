"""What rollouts are worth."""
