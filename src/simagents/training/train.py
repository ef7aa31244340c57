"""Train one run. Started again after a kill or a time limit, it goes on where it was."""

import copy
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from tqdm import tqdm

from simagents.counter import hashed, key_of
from simagents.files import read_json, replacing, write_json
from simagents.models.build import build_policy, freeze
from simagents.provenance import provenance
from simagents.recipe import Recipe
from simagents.tokens.vocabulary import Vocabulary
from simagents.training import checkpoint
from simagents.training.batches import Batch, Scenes, Share, batches
from simagents.training.engine import Processes, autocast, start_processes, wrap
from simagents.training.history import History
from simagents.training.learners import Learner, build_learner


@dataclass
class Args:
    """Train one run from its recipe.

    For G processes: torchrun --nproc-per-node=G --no-python simagents train …
    """

    recipe: Path
    """all that the result may depend on"""
    tokens: list[Path]
    """tokenised training shards, or a list of them (.txt)"""
    scenarios: list[Path]
    """the cached shards behind them, for rewards"""
    vocabulary: Path
    """from `simagents vocabulary`"""
    resume: Path
    """folder of optimiser state; kept when the job dies"""
    weights: Path
    """out: one plain file, whatever ZeRO stage wrote it"""
    history: Path
    """out: one JSON line per step"""
    provenance: Path
    """out: versions, commit and machine"""
    parent: Path | None = None
    """weights to start from; the reference of policy gradients"""
    calibration: Path | None = None
    """mean reward of the parent, from `simagents calibrate`"""
    micro_batch: int = 1
    """scenes in memory at once on each process; another one draws other dropout masks, no more"""
    zero_stage: int = 1
    """0, 1 or 2"""
    save_every: int = 200
    """steps between saves"""
    workers: int = 1
    """processes that read data for each training process"""


def main(args: Args) -> None:
    """Exit code 75 (try again) after SIGTERM: the state is saved and the same command goes on."""
    recipe = Recipe.read(args.recipe)
    processes = start_processes()
    with checkpoint.lease(args.resume, processes.rank):
        train(args, recipe, processes)


def train(args: Args, recipe: Recipe, processes: Processes) -> None:
    """The loop; what varies between algorithms is the learner."""
    vocabulary = Vocabulary.read(args.vocabulary).to(processes.device)
    policy = build_policy(recipe, vocabulary, args.parent).to(processes.device)
    reference = copy.deepcopy(policy).eval().requires_grad_(False) if args.parent else None
    freeze(policy, recipe)
    share = Share(processes.rank, processes.world, args.micro_batch)
    accumulation = share.accumulation(recipe.budget.batch)
    engine = wrap(policy, recipe, args.micro_batch, accumulation, args.zero_stage)
    first_step = checkpoint.resume(engine, args.resume)
    resolved = {"alpha": read_json(args.calibration)["alpha"]} if args.calibration else {}
    learner = build_learner(recipe, engine, engine.module, reference, resolved)
    scenes = Scenes(args.tokens, args.scenarios, recipe)
    stopped = _stop_signal()
    work = batches(scenes, recipe, share, first_step, args.workers)
    bar = tqdm(
        work, total=recipe.budget.steps, initial=first_step, desc=recipe.stage, unit="step",
        disable=processes.rank != 0, mininterval=5,
    )  # fmt: skip
    with History(args.resume, first_step, writes=processes.rank == 0) as history:
        for step, micro_batches in bar:
            begun = perf_counter()
            micro_batches = [move(batch, processes.device) for batch in micro_batches]
            total, stop = _agree(learner, micro_batches, bool(stopped), processes.device)
            if stop:
                checkpoint.save(engine, args.resume, step)
                sys.exit(75)
            sums: dict[str, torch.Tensor] = {}
            for batch in micro_batches:
                # Dropout is a function of (seed, place): the same alone, resumed, or on many.
                torch.manual_seed(int(hashed(recipe.seed, key_of("dropout"), batch.first) >> 1))
                engine.train()
                with autocast(processes.device, recipe):
                    loss, stats = learner.loss(batch, total)
                # DeepSpeed averages over micro-batches and processes; the loss is already a share.
                engine.backward(loss * accumulation * processes.world)
                engine.step()
                for name, value in {"loss": loss.detach(), **stats}.items():
                    sums[name] = sums.get(name, 0.0) + value.to(processes.device)
            numbers = _sum_over_processes(sums, processes.device)
            norm = engine.get_global_grad_norm()
            if norm is not None:  # ZeRO stage 0 keeps it to itself
                numbers["gradient_norm"] = float(norm)
            history.add(step, **numbers, seconds=perf_counter() - begun)
            bar.set_postfix({"loss": f"{numbers['loss']:.4f}"})
            done = step + 1
            if done % args.save_every == 0 and done < recipe.budget.steps:
                checkpoint.save(engine, args.resume, done)
        _finish(args, policy, history, processes.rank)


def _finish(args: Args, policy: torch.nn.Module, history: History, rank: int) -> None:
    if rank == 0:
        state = {
            name: tensor.detach().float().cpu() for name, tensor in policy.state_dict().items()
        }
        history.export(args.history)
        write_json(args.provenance, provenance())
        with replacing(args.weights) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
    dist.barrier()
    dist.destroy_process_group()


def move(batch: Batch, device: torch.device) -> Batch:
    """The micro-batch on the device; its logs stay where they are."""
    return Batch(batch.first, batch.ids, batch.scenes.to(device), batch.scenarios)


def _agree(
    learner: Learner, micro: list[Batch], stop: bool, device: torch.device
) -> tuple[float, bool]:
    """The total that the step's loss averages over, and whether any process was told to stop."""
    both = torch.tensor(
        [sum(map(learner.counts, micro)), int(stop)], dtype=torch.float64, device=device
    )
    dist.all_reduce(both)
    return float(both[0]), bool(both[1])


def _sum_over_processes(sums: dict[str, torch.Tensor], device: torch.device) -> dict[str, float]:
    names = sorted(sums)
    values = torch.stack([sums[name].double() for name in names]).to(device)
    dist.all_reduce(values)
    numbers = dict(zip(names, values.tolist(), strict=True))
    # Shares of a loss add up; processes work at the same time, so their seconds do not.
    at_once = dist.get_world_size()
    return {n: v / at_once if n.startswith("seconds") else v for n, v in numbers.items()}


def _stop_signal() -> list[int]:
    """Filled when SIGTERM arrives: a time limit, scancel or preemption, seconds before the kill."""
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    return received
