"""Train one run. Started again after a kill or a time limit, it goes on where it was."""

import copy
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
import torch.distributed as dist
from tqdm import tqdm

from simagents.counter import hashed, key_of
from simagents.errors import InputError
from simagents.files import read_json
from simagents.models.build import build_policy, freeze
from simagents.models.value import ValueHead
from simagents.recipe import Recipe
from simagents.tokens.vocabulary import Vocabulary
from simagents.training import saves
from simagents.training.batches import Batch, Scenes, Share, batches
from simagents.training.checkpoint import Checkpoint
from simagents.training.engine import (
    Processes,
    autocast,
    from_first,
    start_processes,
    sum_over_processes,
    wrap,
)
from simagents.training.history import History
from simagents.training.learner import Learner
from simagents.training.learners import build_learner, has_value_head
from simagents.training.results import write_provenance, write_weights
from simagents.training.stopping import Asked, StopError, leased, stop_where_asked
from simagents.training.stopwatch import Stopwatch
from simagents.training.tally import add, summed


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
    worlds_at_once: int = 0
    """rollouts of a scene in memory at once when policy gradients learn from them; 0: all"""
    zero_stage: int = 1
    """0, 1 or 2"""
    save_every: int = 200
    """steps between saves"""
    workers: int = 1
    """processes that read data for each training process"""
    patience: float = 1800.0
    """seconds to wait for another process that trains this run: more than a start from a cold disk,
    a step and a save take together"""


def main(args: Args) -> None:
    """Exit code 75, try again: asked to stop by SIGTERM or by a newcomer, the state is saved.

    74: the disk refused a file; the last save is as it was. Either way the same command goes on.
    """
    asked = Asked()
    recipe = Recipe.read(args.recipe)
    processes = start_processes()
    try:
        with leased(args.resume, processes, asked, args.patience):
            train(args, recipe, processes, asked)
    except StopError:
        sys.exit(os.EX_TEMPFAIL)
    except saves.UnwritableError as problem:
        if processes.rank == 0:
            goes_on = f"the run goes on from step {saves.last(args.resume)}"
            print(f"simagents: {problem}; make room and start again: {goes_on}.", file=sys.stderr)
        sys.exit(os.EX_IOERR)
    except InputError:
        raise
    except (Exception, KeyboardInterrupt):
        # Left to itself, Python keeps what its traceback can reach: processes that read data too,
        # which it waits for in vain, as they end when this one does.
        traceback.print_exc()
        sys.exit(1)
    dist.destroy_process_group()


def train(args: Args, recipe: Recipe, processes: Processes, asked: Asked) -> None:
    """The loop; what varies between algorithms is the learner."""
    vocabulary = Vocabulary.read(args.vocabulary).to(processes.device)
    policy = build_policy(recipe, vocabulary, args.parent).to(processes.device)
    reference = copy.deepcopy(policy).eval().requires_grad_(False) if args.parent else None
    freeze(policy, recipe)
    if has_value_head(recipe):
        policy.value_head = ValueHead(policy.config.width, recipe.seed).to(processes.device)
    share = Share(processes.rank, processes.world, args.micro_batch)
    accumulation = share.accumulation(recipe.budget.batch)
    engine = wrap(policy, recipe, args.micro_batch, accumulation, args.zero_stage)
    checkpoint = Checkpoint(engine, args.resume)
    remembered = checkpoint.resume()
    first_step = checkpoint.last
    resolved = _threshold(recipe, args.calibration)
    learner = build_learner(recipe, engine, engine.module, reference, resolved, args.worlds_at_once)
    if remembered is not None:
        learner.restore(remembered)
    scenes = Scenes(args.tokens, args.scenarios, recipe)
    stop_where_asked(asked, processes)
    work = batches(scenes, recipe, share, first_step, args.workers)
    bar = tqdm(
        work, total=recipe.budget.steps, initial=first_step, desc=recipe.stage, unit="step",
        disable=processes.rank != 0, mininterval=5,
    )  # fmt: skip
    with History(args.resume, first_step, writes=processes.rank == 0) as history:
        for step, micro_batches in bar:
            begun = perf_counter()
            micro_batches = [move(batch, processes.device) for batch in micro_batches]
            with autocast(processes.device, recipe):
                sums = learner.prepare(micro_batches)
            total, stop = _agree(learner, micro_batches, bool(asked), processes.device)
            if stop:
                checkpoint.save(step, learner.state())
                raise StopError
            for batch in micro_batches * learner.passes:
                # Dropout is a function of (seed, place): the same alone, resumed, or on many.
                torch.manual_seed(int(hashed(recipe.seed, key_of("dropout"), batch.first) >> 1))
                engine.train()
                with autocast(processes.device, recipe):
                    loss, stats = learner.loss(batch, total)
                watch = Stopwatch(processes.device)
                # DeepSpeed averages over micro-batches and processes; the loss is already a share.
                engine.backward(loss * accumulation * processes.world)
                engine.step()
                watch.lap("update")
                add(sums, {"loss": loss.detach(), **stats}, 1 / learner.passes)
                add(sums, watch.laps, 1.0)
            numbers = summed(sums, processes.device)
            learner.learned(numbers)
            norm = engine.get_global_grad_norm()
            if norm is not None:  # ZeRO stage 0 keeps it to itself
                numbers["gradient_norm"] = float(norm)
            history.add(step, **numbers, seconds=perf_counter() - begun)
            bar.set_postfix({"loss": f"{numbers['loss']:.4f}"})
            done = step + 1
            if done % args.save_every == 0 and done < recipe.budget.steps:
                checkpoint.save(done, learner.state())
        from_first(lambda: _finish(args, policy, history))


def _threshold(recipe: Recipe, calibration: Path | None) -> dict[str, float]:
    """α, where the recipe has it as an offset from the parent's mean reward."""
    if calibration is None:
        return {}
    offset = recipe.coefficients["alpha"]["parent_mean"]
    return {"alpha": round(read_json(calibration)["mean"] + offset, 6)}


def _finish(args: Args, policy: torch.nn.Module, history: History) -> None:
    policy.value_head = None  # it taught the policy, and is none of it
    history.export(args.history)
    write_provenance(args.provenance)
    write_weights(args.weights, policy)


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
    both = sum_over_processes(both)
    return float(both[0]), bool(both[1])
