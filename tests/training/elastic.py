"""Saves a run under every ZeRO stage, and resumes every save with more or fewer processes.

    python tests/training/elastic.py RECIPE FOLDER

Two processes train and save, then one process does, then two resume what one saved. All processes
are forks of this one, so that libraries load once. A run's folder is FOLDER/PROCESSES-STAGE;
FOLDER/report.json says how each save was resumed.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from forks import in_processes
from torch import nn

from simagents.config.recipe import Recipe
from simagents.training.distributed.engine import update, wrap
from simagents.training.distributed.optimiser_state import whole_state
from simagents.training.distributed.processes import start_processes
from simagents.training.resume.checkpoint import Checkpoint
from simagents.training.resume.save_folder import last

STAGES = (0, 1, 2)
BATCH, SAVED, END = 4, 3, 6
LEARNER = {"beta": 0.1}


class Policy(nn.Module):
    """Layers that ZeRO divides in the middle, a frozen one, and a value head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Linear(5, 7).requires_grad_(False)
        self.layers = nn.Sequential(nn.Linear(7, 13), nn.Tanh(), nn.Linear(13, 3))
        self.value_head = nn.Linear(7, 1)

    def forward(self, x):
        features = self.frozen(x)
        error = (self.layers(features) - x[:, :3]).square().mean(1)
        return error + self.value_head(features)[:, 0] ** 2


def train(engine, clip: float, first: int, end: int) -> None:
    """Each process computes its part of the batch of every step."""
    for step in range(first, end):
        x = torch.randn(BATCH, 5, generator=torch.manual_seed(step))
        engine.backward(engine(x[dist.get_rank() :: dist.get_world_size()]).mean())
        update(engine, clip)


def work(recipe: Recipe, folder: Path) -> None:
    """Save under all stages, then resume all saves in the folder under all stages."""
    world_size, clip = start_processes().world_size, recipe.optimiser.clip

    def new_engine(stage):
        return wrap(Policy(), recipe, BATCH // world_size, 1, stage)

    path = folder / "report.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    for stage in STAGES:
        engine, name = new_engine(stage), f"{world_size}-{stage}"
        if not (folder / name).exists():
            train(engine, clip, 0, SAVED)
            Checkpoint(engine, folder / name, "recipe").save(SAVED, LEARNER)
            train(engine, clip, SAVED, END)
            end = whole_state(engine)
            if dist.get_rank() == 0:
                torch.save(end, folder / f"{name}.end")
    dist.barrier()
    for save in sorted(child for child in folder.iterdir() if child.is_dir()):
        for stage in STAGES:
            route = f"{save.name} to {world_size}-{stage}"
            if route in report:
                continue
            engine = new_engine(stage)
            checkpoint = Checkpoint(engine, save, "recipe")
            assert checkpoint.resume() == LEARNER
            assert checkpoint.last == last(save) == SAVED
            copy = folder / f".copy-{save.name}-{stage}"
            Checkpoint(engine, copy, "recipe").save(SAVED, LEARNER)
            train(engine, clip, SAVED, END)
            state = whole_state(engine)
            if dist.get_rank() == 0:
                report[route] = {
                    "same_save": bytes_of(copy) == bytes_of(save),
                    "difference": difference(state, torch.load(folder / f"{save.name}.end")),
                }
                shutil.rmtree(copy)
    if dist.get_rank() == 0:
        path.write_text(json.dumps(report))


def bytes_of(save: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (save / f"step{SAVED}").iterdir()}


def difference(state, other) -> float:
    """The largest absolute difference of two states."""
    assert state.keys() == other.keys()
    return max(float((tensor - other[name]).abs().max()) for name, tensor in state.items())


if __name__ == "__main__":
    for processes in (2, 1, 2):
        in_processes(processes, work, Recipe.read(Path(sys.argv[1])), Path(sys.argv[2]))
