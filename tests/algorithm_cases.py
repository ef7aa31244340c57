"""Short settings of every algorithm and credit rule that trains SMART, by names of their own."""

SAMPLING = {"top_k": 16, "temperature": 1.0}
BY_ROLLOUT = {"kind": "realism", "challenge": 2025, "scored": "rollout"}
BY_SCENE = {**BY_ROLLOUT, "scored": "scene"}
REINFORCE = {
    "name": "policy_gradient", "reward": BY_ROLLOUT, "credit": {"rule": "constant", "alpha": 0.6, "divide_by": 1.0},
    "whiten": False, "surrogate": {"kind": "on_policy"}, "log_prob": "mean",
    "divergence": {"estimator": "k3", "beta": 0.04}, "sampling": SAMPLING,
}  # fmt: skip
VALUE = {"start": 0.0, "weight": 0.5, "warmup": 0.1, "learning_rate": 1e-3}
ALGORITHMS = {
    "bc": {"name": "bc", "label_smoothing": 0.1, "smoothing": "spatial"},
    "noisy_bc": {
        "name": "noisy_bc", "label_smoothing": 0.1, "noise": "nearest_k", "top_k": 5,
        "temperature": 1.0,
    },
    "catk": {
        "name": "catk", "label_smoothing": 0.0, "rollout": {"choice": "closest", "top_k": 8},
    },
    "mpo": REINFORCE,
    "ppo": {
        **REINFORCE, "whiten": True, "surrogate": {"kind": "clipped", "range": 0.2, "passes": 2},
        "credit": {"rule": "gae", "discount": 1.0, "gae_lambda": 0.95, "value": VALUE},
    },
    "grpo": {
        **REINFORCE, "surrogate": {"kind": "clipped", "range": 0.2, "passes": 1},
        "credit": {"rule": "scene_mean", "divide_by_deviation": True},
        "divergence": {"estimator": "exact_reverse", "beta": 0.04},
    },
    "rloo": {**REINFORCE, "credit": {"rule": "rloo"}, "log_prob": "sum"},
    "mloo": {**REINFORCE, "reward": BY_SCENE, "credit": {"rule": "mloo"}, "log_prob": "sum"},
    "leave_one_out": {**REINFORCE, "reward": BY_SCENE, "credit": {"rule": "leave_one_out"}},
    "reinforce": {
        **REINFORCE, "credit": {"rule": "reward_to_go", "discount": 0.95}, "whiten": True,
        "divergence": None,
    },
    "peng": {
        **REINFORCE, "reward": {"kind": "displacement", "collision": 2.0}, "whiten": True,
        "credit": {"rule": "reward_to_go", "discount": 0.95}, "log_prob": "sum", "divergence": None,
    },
    "dpo": {
        "name": "dpo", "reward": BY_ROLLOUT, "sampling": SAMPLING, "beta": 10.0, "least_gap": 0.0,
    },
}  # fmt: skip
IMITATING = ("bc", "noisy_bc", "catk")
