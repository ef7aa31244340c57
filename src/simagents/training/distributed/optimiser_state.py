"""The whole state of a DeepSpeed engine, independent of the number of processes.

DeepSpeed's own saves hold one part for each process: they resume on the same number of processes,
and on another number only after a conversion.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq")
"""AdamW's state of every trained number."""


def whole_state(engine: Any) -> dict[str, Tensor]:
    """Weights, AdamW's moments and its counts of steps, whole, in memory of the first process.

    All processes have to call this: under ZeRO each has a part of the moments. Frozen parameters
    have no moments.
    """
    optimiser, sharded = engine.basic_optimizer, engine.zero_optimization_stage() > 0
    names, parameters = zip(*_learned(engine), strict=True)
    if sharded:
        _link_moments(engine)
        moments = {key: _gathered(parameters, key) for key in MOMENTS}
    else:
        moments = {key: [optimiser.state[p][key] for p in parameters] for key in MOMENTS}
    if dist.get_rank() != 0:
        return {}
    steps = [optimiser.state[group["params"][0]]["step"] for group in optimiser.param_groups]
    state = {"steps": torch.stack(steps).cpu()}
    for key, wholes in moments.items():
        state |= {f"{key}/{name}": t.cpu() for name, t in zip(names, wholes, strict=True)}
    for name, tensor in engine.module.state_dict().items():
        state[f"weight/{name}"] = tensor.cpu().contiguous()
    return state


def restore(engine: Any, state: dict[str, Tensor], schedule: dict[str, Any]) -> None:
    """Load such a state and the schedule's into a new engine, of any stage and number of processes."""
    from deepspeed.utils import safe_set_full_optimizer_state

    optimiser, sharded = engine.basic_optimizer, engine.zero_optimization_stage() > 0
    weights = {k.removeprefix("weight/"): v for k, v in state.items() if k.startswith("weight/")}
    engine.module.load_state_dict(weights)
    for group, step in zip(optimiser.param_groups, state["steps"], strict=True):
        for tensor in group["params"]:
            # The fused kernel reads its step count on the weights' device, and counts on in place.
            count = step.to(tensor.device, copy=True)
            moments = {moment: torch.zeros_like(tensor) for moment in MOMENTS}
            optimiser.state[tensor] = {"step": count, **moments}
    if sharded:
        engine.optimizer.refresh_fp32_params()
        _link_moments(engine)
    for name, parameter in _learned(engine):
        for moment in MOMENTS:
            whole = state[f"{moment}/{name}"]
            if sharded:
                safe_set_full_optimizer_state(parameter, whole, moment)
            else:
                optimiser.state[parameter][moment].copy_(whole)
    engine.lr_scheduler.load_state_dict(schedule)
    for group, rate in zip(optimiser.param_groups, engine.lr_scheduler.get_last_lr(), strict=True):
        group["lr"] = rate


def _gathered(parameters: Sequence[nn.Parameter], moment: str) -> list[Tensor]:
    """One moment of all parameters, whole, from all processes' parts."""
    from deepspeed.utils import safe_get_full_optimizer_state

    return [safe_get_full_optimizer_state(p, moment) for p in parameters]


def _link_moments(engine: Any) -> None:
    """Link every parameter to its part of the shared moments.

    DeepSpeed links them after the step of the first parameter group, before the other groups have
    moments.
    """
    from deepspeed.utils import lazy_init_hp_params_optimizer_state as link

    groups = zip(engine.optimizer.bit16_groups, engine.basic_optimizer.param_groups, strict=True)
    for parameters, group in groups:
        link(parameters, group["params"][0], engine.basic_optimizer.state)


def _learned(engine: Any) -> list[tuple[str, nn.Parameter]]:
    return [(n, p) for n, p in engine.module.named_parameters() if p.requires_grad]
