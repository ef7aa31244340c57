"""Our metric beside the official evaluator, on scenarios and rollouts that anyone can have."""
