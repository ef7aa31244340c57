"""Train one run. After a kill or a time limit, the same command resumes it."""

import copy
import os
import sys
import traceback
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from time import perf_counter, process_time
from typing import Literal

import torch
from tqdm import tqdm

from simagents.config.contradictions import check_recipe
from simagents.config.recipe import Recipe
from simagents.counter import hashed, key_of
from simagents.device import autocast
from simagents.errors import InputError
from simagents.files import UnwritableError
from simagents.models.families import build_policy, freeze
from simagents.models.value import ValueHead
from simagents.planning.runs import digest_of
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.data.batches import Batch, TrainingScenes, batches
from simagents.training.data.order import Share
from simagents.training.distributed.engine import update, wrap
from simagents.training.distributed.processes import (
    Processes,
    from_first,
    start_processes,
    sum_over_processes,
)
from simagents.training.learners.controls import ParentRewards, value_start
from simagents.training.learners.learner import Learner
from simagents.training.learners.registry import build_learner
from simagents.training.results import write_provenance, write_weights
from simagents.training.resume import save_folder
from simagents.training.resume.checkpoint import Checkpoint
from simagents.training.resume.history import History, cut_back
from simagents.training.resume.stopping import StopError, StopRequests, leased, stop_if_requested
from simagents.training.stopwatch import Stopwatch
from simagents.training.tally import add, summed
from simagents.training.validation import Validation, described


@dataclass
class Args:
    """Train one run from its recipe.

    For G processes: torchrun --nproc-per-node=G --no-python simagents train …
    """

    recipe: Path
    """everything that the result may depend on"""
    scenarios: list[Path]
    """cached training shards, a folder or a list of them (.txt)"""
    resume: Path
    """folder of optimiser state; kept when the job dies"""
    weights: Path
    """out: one file, the same for every ZeRO stage"""
    history: Path
    """out: one JSON line per step"""
    provenance: Path
    """out: versions, commit and machine"""
    tokens: list[Path] | None = None
    """the same shards, tokenised; for models that read tokens"""
    vocabulary: Path | None = None
    """of the tokens, from `simagents vocabulary`"""
    parent: Path | None = None
    """weights to start from; the reference of policy gradients"""
    calibration: Path | None = None
    """mean reward of the parent, from `simagents calibrate`"""
    micro_batch: int = 1
    """scenes in memory at once on each process, at most; another number draws other dropout masks"""
    worlds_at_once: int = 0
    """rollouts of a scene in memory at once when policy gradients learn from them; 0: all"""
    zero_stage: Literal[0, 1, 2] = 0
    """of DeepSpeed: 0, or what processes share, 1 the optimiser's state, 2 gradients as well"""
    save_every: int = 200
    """steps between saves"""
    workers: int = 1
    """processes that read data for each training process"""
    patience: float = 1800.0
    """seconds to wait for another process that trains this run; a start from a cold disk, one step
    and one save must fit within it"""


def main(args: Args) -> None:
    """Exit code 75 (try again): stopped by SIGTERM or by a newer job, with the state saved.

    74: the disk refused a file; the last save is unharmed. In both cases the same command resumes.
    """
    requests = StopRequests()
    recipe = Recipe.read(args.recipe)
    _check(args, recipe)
    processes = start_processes()
    try:
        with leased(args.resume, processes, requests, args.patience):
            train(args, recipe, processes, requests)
    except StopError:
        sys.exit(os.EX_TEMPFAIL)
    except UnwritableError as problem:
        if processes.rank == 0:
            last = f"the run continues from step {save_folder.last(args.resume)}"
            print(f"simagents: {problem}; make room and start again: {last}.", file=sys.stderr)
        sys.exit(os.EX_IOERR)
    except InputError:
        raise
    except (Exception, KeyboardInterrupt):
        # Python would keep everything that the traceback refers to, including the processes that
        # read data, and wait for them; but these end only when this process does.
        traceback.print_exc()
        sys.exit(1)
    # All results are on disk and all processes know it. Taking apart the libraries' threads while
    # Python ends may abort a process that has done everything, and would fail its job.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _check(args: Args, recipe: Recipe) -> None:
    """Raises InputError for numbers out of range, a recipe that can learn nothing, and what it needs and lacks."""
    check_recipe(recipe, str(args.recipe))
    for name, least in (
        ("micro_batch", 1),
        ("worlds_at_once", 0),
        ("save_every", 1),
        ("workers", 0),
    ):
        if (number := getattr(args, name)) < least:
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} is {number} and must be at least {least}.")
    if recipe.model.reads_tokens and not (args.tokens and args.vocabulary):
        raise InputError(f"{args.recipe}: its model reads tokens; give --tokens and --vocabulary.")
    if recipe.parent and not args.parent:
        raise InputError(
            f"{args.recipe}: the run starts from {recipe.parent}; give its weights with --parent."
        )
    if args.parent and not recipe.parent:
        raise InputError(f"{args.recipe}: the run starts from random weights; leave --parent out.")
    credit = getattr(recipe.algorithm, "credit", None)
    if credit is not None and credit.calibrated and not args.calibration:
        raise InputError(
            f"{args.recipe}: its credit begins with the mean reward of the run that it starts from; measure it"
            " with `simagents calibrate` and give it with --calibration."
        )


def train(args: Args, recipe: Recipe, processes: Processes, requests: StopRequests) -> None:
    """The loop; algorithms differ in their learner only."""
    device = processes.device
    vocabulary = Vocabulary.read(args.vocabulary).to(device) if args.vocabulary else None
    policy = build_policy(recipe, vocabulary, args.parent, of_parent=True).to(device)
    reference = None
    if args.parent and recipe.algorithm.needs_reference:
        reference = copy.deepcopy(policy).eval().requires_grad_(False)
    freeze(policy, recipe)
    rewards = ParentRewards.read(args.calibration) if args.calibration else None
    if recipe.algorithm.value is not None:
        start = value_start(recipe.algorithm.value, rewards)
        policy.value_head = ValueHead(policy.feature_width, recipe.seed, start).to(device)
    share = Share.of(processes.rank, processes.world_size, recipe.budget.batch, args.micro_batch)
    accumulation = share.accumulation(recipe.budget.batch)
    engine = wrap(policy, recipe, share.micro, accumulation, args.zero_stage)
    checkpoint = Checkpoint(engine, args.resume, digest_of(recipe))
    learner_state = checkpoint.resume()
    first_step = checkpoint.last
    learner = build_learner(recipe, engine, engine.module, reference, rewards, args.worlds_at_once)
    if learner_state is not None:
        learner.restore(learner_state)
    scenes = TrainingScenes(args.scenarios, args.tokens, recipe, vocabulary)
    validation = Validation(scenes, recipe, processes, args.micro_batch)
    if scenes.left_out and processes.rank == 0:
        print(scenes.left_out, file=sys.stderr)
    stop_if_requested(requests, processes)
    work = batches(scenes, recipe, share, first_step, args.workers)
    bar = tqdm(
        work, total=recipe.budget.steps, initial=first_step, desc=recipe.stage, unit="step",
        disable=processes.rank != 0, mininterval=5,
    )  # fmt: skip
    from_first(lambda: cut_back(args.resume, first_step))
    with History(args.resume, writes=processes.rank == 0) as history:
        for step, micro_batches in bar:
            start, processor_start = perf_counter(), process_time()
            micro_batches = [batch.to(device) for batch in micro_batches]
            with autocast(device, recipe.precision):  # to count may take a rollout, too
                sums = learner.prepare(micro_batches)
                ends = bool(requests or history.refused)
                total, stop = _agree(learner, micro_batches, ends, device)
            if stop:
                from_first(history.sync)
                checkpoint.save(step, learner.state())
                raise StopError
            for batch in micro_batches * learner.passes:
                # Dropout is a function of (seed, place): the same alone, resumed, or on many.
                torch.manual_seed(int(hashed(recipe.seed, key_of("dropout"), batch.first) >> 1))
                engine.train()
                with autocast(device, recipe.precision):
                    loss, stats = learner.loss(batch, total)
                watch = Stopwatch(device)
                # DeepSpeed averages over micro-batches and processes, but the loss is already a share.
                engine.backward(loss * accumulation * processes.world_size)
                norm = update(engine, recipe.optimiser.clip)
                watch.lap("update")
                add(sums, {"loss": loss.detach(), **stats}, 1 / learner.passes)
                add(sums, watch.laps, 1.0)
            cpu = {"cpu_seconds": torch.tensor(process_time() - processor_start)}
            add(sums, cpu, 1.0)
            numbers = summed(sums, device)
            learner.follow(numbers)
            numbers["gradient_norm"] = float(norm)
            _check_finite(recipe, step, numbers)
            numbers["seconds"] = perf_counter() - start
            done = step + 1
            if validation.due(done):
                with autocast(device, recipe.precision):
                    health = validation(engine.module)
                numbers |= health
                if processes.rank == 0:
                    bar.write(f"step {done}, {described(health)}", file=sys.stderr)
            history.add(step, **numbers)
            bar.set_postfix({"loss": f"{numbers['loss']:.4f}"})
            if done % args.save_every == 0 and done < recipe.budget.steps:
                from_first(history.sync)
                checkpoint.save(done, learner.state())
        from_first(lambda: _finish(args, policy, history, processes))


def _check_finite(recipe: Recipe, step: int, numbers: dict[str, float]) -> None:
    """Raises InputError before weights that are no numbers are saved; the same on all processes."""
    loss, norm = numbers["loss"], numbers["gradient_norm"]
    if not (isfinite(loss) and isfinite(norm)):
        first = step * recipe.budget.batch
        raise InputError(
            f"{recipe.stage}, seed {recipe.seed}, step {step}: the loss is {loss} and the gradient's norm {norm}."
            f" Earlier saves are unharmed. Lower the learning rate or `optimiser.clip`, or look for a fault in the"
            f" scenes at places {first} to {first + recipe.budget.batch - 1} of the training order."
        )


def _finish(args: Args, policy: torch.nn.Module, history: History, processes: Processes) -> None:
    policy.value_head = None  # not part of the policy
    history.sync()
    history.export(args.history)
    write_provenance(args.provenance, processes)
    write_weights(args.weights, policy)


def _agree(
    learner: Learner, micro: list[Batch], stop: bool, device: torch.device
) -> tuple[float, bool]:
    """The total that the step's loss averages over, and whether any process has a reason to stop."""
    both = torch.tensor(
        [sum(map(learner.counts, micro)), int(stop)], dtype=torch.float64, device=device
    )
    both = sum_over_processes(both)
    return float(both[0]), bool(both[1])
