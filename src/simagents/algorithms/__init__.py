"""Losses as pure functions: tensors in, loss and numbers to log out.

Every function takes a `weight`: how much each token counts, zero where it does not, summing to one
over the global batch. So a loss is a weighted sum, micro-batches and processes add up to the whole,
and whether an average is taken over tokens or over rollouts first is said in `weights.py`, once.

A module `name.py` with a function `name_loss` is an algorithm that a recipe may name. What stands
before the `*` of its signature is measured from rollouts (`training/policy_gradient.py` has the
list); what stands behind it are coefficients, which the recipe must give, all of them.
"""
