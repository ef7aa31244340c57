"""Losses and credit rules as pure functions: tensors in, tensors out.

Every loss takes a `weight`: how much each action counts, zero where it does not, summing to one over
the global batch. So a loss is a weighted sum, micro-batches and processes add up to the whole, and
what an average is taken over is decided in `weights.py`, once.

A policy gradient is composed: a credit rule (`credit/`) turns rewards into advantages, a surrogate
(`surrogate.py`) is maximised with them, a divergence (`kl.py`) holds the policy near its reference.

| | reward | credit | surrogate | divergence |
|---|---|---|---|---|
| MPO (SMART-R1) | meta-metric of the scene | constant α | on-policy | k3 |
| GRPO | of each rollout | mean of the scene, over the deviation | clipped | k3 |
| PPO | of each rollout | GAE, whitened | clipped | k3 |
| RLOO, MLOO (RLFTSim) | of each rollout; leave-one-out of the scene's | leave-one-out | on-policy | to a target |
| REINFORCE (Peng et al.) | of each agent and step | reward to go, whitened | on-policy | none |
"""
