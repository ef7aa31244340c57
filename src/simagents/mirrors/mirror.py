"""Mirror the histories of runs in TensorBoard or Weights & Biases, while they train or afterwards.

A process of its own: what it shows, or fails to show, cannot disturb training.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any

from tyro.conf import Positional

from simagents.errors import InputError
from simagents.files import read_json
from simagents.mirrors.boards import Board, TensorBoard, WeightsAndBiases
from simagents.mirrors.tail import Tail

HISTORY, RECIPE = "history.jsonl", "recipe.json"


@dataclass
class Args:
    """Mirror what runs log; Ctrl-C ends it, and the same command begins it again."""

    folders: Positional[list[Path]]
    """that have a folder for each run: resume for those that train, results/SCALE/runs for finished ones"""
    tensorboard: Path | None = None
    """out: folder of event files, for `tensorboard --logdir`"""
    wandb: str | None = None
    """project of Weights & Biases; WANDB_MODE=offline keeps it on this machine"""
    follow: bool = False
    """look for new steps and new runs until Ctrl-C"""
    every: float = 10.0
    """seconds between looks"""


def main(args: Args) -> None:
    """Raises InputError where there is nothing to mirror, or nowhere to show it."""
    if args.tensorboard is None and args.wandb is None:
        raise InputError("no board is named; add `--tensorboard FOLDER` or `--wandb PROJECT`.")
    if args.every <= 0:
        raise InputError(f"--every {args.every}: the seconds between looks must be above 0.")
    missing = [str(folder) for folder in args.folders if not folder.is_dir()]
    if missing and (not args.follow or len(missing) == len(args.folders)):
        raise InputError(
            f"{missing[0]}: there is no such folder; name one with runs, such as resume."
        )
    for folder in missing:
        print(f"{folder}: there is no such folder yet; it is looked for again", file=sys.stderr)
    mirrors = Mirrors(args.folders, lambda run, recipe: list(_boards(args, run, recipe)))
    try:
        mirrors.look()
        if not mirrors.tails and not args.follow:
            raise InputError(f"{args.folders[0]}: no folder in it has a {HISTORY}.")
        while args.follow:
            sleep(args.every)
            mirrors.look()
    except KeyboardInterrupt:
        pass
    finally:
        mirrors.close()
    print(f"{len(mirrors.tails)} {'run' if len(mirrors.tails) == 1 else 'runs'} mirrored")


def _boards(args: Args, run: str, recipe: dict[str, Any]) -> Iterator[Board]:
    if args.tensorboard is not None:
        yield TensorBoard(args.tensorboard, run, recipe)
    if args.wandb is not None:
        yield WeightsAndBiases(args.wandb, run, recipe)


@dataclass
class Mirrors:
    """The runs under some folders and their boards, which are open while a run has steps to come."""

    folders: list[Path]
    boards_of: Callable[[str, dict[str, Any]], list[Board]]
    tails: dict[str, Tail] = field(default_factory=dict)
    """by run"""
    open: dict[str, list[Board]] = field(default_factory=dict)

    def look(self) -> None:
        """Show what is new."""
        recipes = self._by_run(RECIPE)
        for run, path in self._by_run(HISTORY).items():
            tail = self.tails.setdefault(run, Tail(path))
            tail.path = path  # another one once the run has finished
            try:
                rows = tail.new()
            except FileNotFoundError:  # the run has just replaced it
                continue
            if not rows:
                continue
            recipe = read_json(recipes[run]) if run in recipes else {}
            if run not in self.open:
                self.open[run] = self.boards_of(run, recipe)
            for row in rows:
                numbers = {grouped(name): row[name] for name in row if name != "step"}
                for board in self.open[run]:
                    board.add(row["step"], numbers)
            for board in self.open[run]:
                board.flush()
            if tail.step + 1 == recipe.get("budget", {}).get("steps"):
                self._close(run)

    def close(self) -> None:
        """Close all boards."""
        for run in list(self.open):
            self._close(run)

    def _close(self, run: str) -> None:
        for board in self.open.pop(run):
            board.close()

    def _by_run(self, name: str) -> dict[str, Path]:
        """Files of that name; of a run that several folders have, the last folder's."""
        found = (path for folder in self.folders for path in sorted(folder.glob(f"*/{name}")))
        return {path.parent.name: path for path in found}


def grouped(name: str) -> str:
    """A logged name with its group: `validation_driven` is `validation/driven`."""
    if "seconds" in name:
        return f"time/{name}"
    group, _, rest = name.partition("_")
    return f"validation/{rest}" if group == "validation" else f"training/{name}"
