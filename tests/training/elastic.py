"""Saves a run under every ZeRO stage, and goes on from what was saved by more or fewer processes.

    python tests/training/elastic.py RECIPE FOLDER

Two processes save and go on, then one, then two with what one saved. All are forks of this one, so
that libraries load once. A run's folder is FOLDER/WORLD-STAGE; FOLDER/report.json says how each went
on.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from forks import in_processes
from simagents.training.engine import start_processes, wrap
from torch import nn

from simagents.config.recipe import Recipe
from simagents.training.distributed.optimiser_state import whole_state
from simagents.training.resume.checkpoint import Checkpoint
from simagents.training.resume.save_folder import last

STAGES = (0, 1, 2)
BATCH, SAVED, END = 4, 3, 6


class Policy(nn.Module):
    """Layers whose borders are no borders between processes, a frozen one, and a value head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Linear(5, 7).requires_grad_(False)
        self.layers = nn.Sequential(nn.Linear(7, 13), nn.Tanh(), nn.Linear(13, 3))
        self.value_head = nn.Linear(7, 1)

    def forward(self, x):
        seen = self.frozen(x)
        return (self.layers(seen) - x[:, :3]).square().mean(1) + self.value_head(seen)[:, 0] ** 2


def train(engine, first: int, end: int) -> None:
    """Each process takes its part of the batch of a step."""
    for step in range(first, end):
        x = torch.randn(BATCH, 5, generator=torch.manual_seed(step))
        engine.backward(engine(x[dist.get_rank() :: dist.get_world_size()]).mean())
        engine.step()


def work(recipe: Recipe, folder: Path) -> None:
    """Save under all stages, then go on from all that lies there, under all stages."""
    world = start_processes().world

    def new(stage):
        return wrap(Policy(), recipe, BATCH // world, 1, stage)

    report = folder / "report.json"
    found = json.loads(report.read_text()) if report.exists() else {}
    for stage in STAGES:
        engine, name = new(stage), f"{world}-{stage}"
        if not (folder / name).exists():
            train(engine, 0, SAVED)
            Checkpoint(engine, folder / name).save(SAVED, {"beta": 0.1})
            train(engine, SAVED, END)
            end = whole_state(engine)
            if dist.get_rank() == 0:
                torch.save(end, folder / f"{name}.end")
    dist.barrier()
    for save in sorted(path for path in folder.iterdir() if path.is_dir()):
        for stage in STAGES:
            way = f"{save.name} to {world}-{stage}"
            if way in found:
                continue
            engine = new(stage)
            checkpoint = Checkpoint(engine, save)
            assert checkpoint.resume() == {"beta": 0.1}
            assert checkpoint.last == last(save) == SAVED
            again = folder / f".again-{save.name}-{stage}"
            Checkpoint(engine, again).save(SAVED, {"beta": 0.1})
            train(engine, SAVED, END)
            state = whole_state(engine)
            if dist.get_rank() == 0:
                found[way] = {
                    "kept": bytes_of(again) == bytes_of(save),
                    "apart": apart(state, torch.load(folder / f"{save.name}.end")),
                }
                shutil.rmtree(again)
    if dist.get_rank() == 0:
        report.write_text(json.dumps(found))


def bytes_of(save: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (save / f"step{SAVED}").iterdir()}


def apart(one, other) -> float:
    assert one.keys() == other.keys()
    return max(float((tensor - other[name]).abs().max()) for name, tensor in one.items())


if __name__ == "__main__":
    for world in (2, 1, 2):
        in_processes(world, work, Recipe.read(Path(sys.argv[1])), Path(sys.argv[2]))
