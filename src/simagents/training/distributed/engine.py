"""DeepSpeed around a policy. Only `optimiser_state.py` and `processes.py` import it besides this file."""

from typing import Any

import torch
from torch import Tensor, nn

from simagents.config.recipe import Recipe
from simagents.device import autocast
from simagents.training.schedule import policy_factor, rate_factor


def wrap(policy: nn.Module, recipe: Recipe, micro: int, accumulation: int, zero_stage: int) -> Any:
    """The DeepSpeed engine of a policy: AdamW, schedule, ZeRO, shared gradients.

    Weights stay float32; under `precision: bfloat16` products run in bfloat16 by autocast, because
    seven million weights need no half-precision storage and coordinates need more digits.
    A value head learns at its own rate. While it warms up, the policy's rate is zero. What a policy
    adds to its parent may have its own rate, too.
    """
    import deepspeed

    attached = getattr(policy, "value_head", None)
    head = list(attached.parameters()) if attached is not None else []
    rate = recipe.algorithm.learning_rate_of_added
    names = getattr(policy, "added", ()) if rate is not None else ()
    added = [policy.get_parameter(name) for name in sorted(names)]
    others = {id(parameter) for parameter in (*head, *added)}
    trained = [p for p in policy.parameters() if p.requires_grad and id(p) not in others]
    groups = [{"params": trained, "lr": recipe.budget.learning_rate}]
    value = recipe.algorithm.value
    if head:
        groups.append({"params": head, "lr": value.learning_rate})
    if added:
        groups.append({"params": added, "lr": rate})
    optimiser = torch.optim.AdamW(
        groups, betas=recipe.optimiser.betas, weight_decay=recipe.optimiser.weight_decay,
        fused=True,
    )  # fmt: skip
    passes = recipe.algorithm.passes

    def of_head(update: int) -> float:
        return rate_factor(update // passes, recipe)

    def of_policy(update: int) -> float:
        return policy_factor(update // passes, recipe)

    factors = [of_policy, *([of_head] if head else []), *([of_policy] if added else [])]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factors)
    _run_in_precision(policy, recipe)
    engine, *_ = deepspeed.initialize(
        model=policy,
        optimizer=optimiser,
        lr_scheduler=schedule,
        config={
            "train_micro_batch_size_per_gpu": micro,
            "gradient_accumulation_steps": accumulation,
            # Without ZeRO every process has the whole gradient: `update` clips it.
            "gradient_clipping": recipe.optimiser.clip if zero_stage else 0.0,
            "zero_optimization": {"stage": zero_stage},
            "zero_allow_untested_optimizer": True,
            "steps_per_print": 10**9,
        },
    )
    return engine


def update(engine: Any, limit: float) -> Tensor | None:
    """Take the engine's next step; at the last micro-batch, the gradient's norm before clipping."""
    if not engine.is_gradient_accumulation_boundary():
        engine.step()
        return None
    if engine.zero_optimization_stage():
        engine.step()
        return torch.as_tensor(engine.get_global_grad_norm())
    norm = _clip(engine.basic_optimizer.param_groups, limit)
    engine.step()
    return norm


def _clip(groups: list[dict], limit: float) -> Tensor:
    """Scale the gradient down to a norm of `limit`, and return its norm.

    Squares are added in double precision, so that the norm does not depend on their order.
    """
    gradients = [[p.grad for p in group["params"] if p.grad is not None] for group in groups]
    gradients = [group for group in gradients if group]  # lists of nothing have no norm
    norm = torch.linalg.vector_norm(torch.stack([_norm(group) for group in gradients]))
    scale = 1.0 / ((norm + 1e-6) / limit).clamp(min=1.0)
    for group in gradients:
        torch._foreach_mul_(group, scale)
    return norm


def _norm(gradients: list[Tensor]) -> Tensor:
    norms = torch._foreach_norm(gradients, 2, dtype=torch.double)
    return torch.linalg.vector_norm(torch.stack(norms)).float()


def _run_in_precision(policy: nn.Module, recipe: Recipe) -> None:
    """Have every forward pass switch autocast on by itself.

    On a GPU DeepSpeed's engine switches off an autocast around it, and would compute what has gradients in
    float32, beside rollouts in bfloat16. Hooks, because a copy of a policy shares them, while a method
    that is replaced would stay that of the original.
    """
    active = []

    def enter(module: nn.Module, inputs: tuple) -> None:
        active.append(autocast(next(module.parameters()).device, recipe.precision))
        active[-1].__enter__()

    def leave(module: nn.Module, inputs: tuple, output: Any) -> None:
        active.pop().__exit__(None, None, None)

    policy.register_forward_pre_hook(enter)
    policy.register_forward_hook(leave, always_call=True)
