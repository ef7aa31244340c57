"""What a run needs to resume: gathered from any number of processes, loaded by any other number."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from safetensors.torch import save as serialised

from simagents.errors import InputError
from simagents.files import read_json
from simagents.training.distributed.optimiser_state import restore, whole_state
from simagents.training.distributed.processes import from_first
from simagents.training.resume import save_folder

TENSORS, PROGRESS = "state.safetensors", "progress.json"


class Checkpoint:
    """The saves of a run as all of its processes see them.

    A save holds whole tensors under their names, not one part for each process: it resumes on
    another number of processes and at another ZeRO stage. Only one process writes, so that the
    others do not wait for one that failed on a full disk.
    """

    def __init__(self, engine: Any, folder: Path, recipe: str):
        """`recipe` is a digest of what is trained: no run continues another one's saves."""
        self.engine, self.folder, self.recipe = engine, folder, recipe
        self.last = 0
        """steps that are done in the newest save"""

    def resume(self) -> dict[str, Any] | None:
        """Load the newest complete save; returns the learner's state, None where there is no save.

        Raises InputError where it is of another recipe.
        """
        self.last = from_first(self._newest)
        if not self.last:
            return None
        save = save_folder.place(self.folder, self.last)
        progress = read_json(save / PROGRESS)
        restore(self.engine, load_file(save / TENSORS), progress["schedule"])
        return progress["learner"]

    def _newest(self) -> int:
        last = save_folder.newest(self.folder)
        if not last:
            return last
        save = save_folder.place(self.folder, last)
        # A save without the key was written before saves named their recipes.
        if read_json(save / PROGRESS).get("recipe", self.recipe) != self.recipe:
            raise InputError(
                f"{save}: was saved while another recipe was trained; give another folder as --resume."
            )
        return last

    def save(self, step: int, learner: dict[str, Any]) -> None:
        """Save the state after `step` steps; `learner`, of JSON's types, is the same on all processes.

        Raises UnwritableError on all processes where the disk refuses.
        """
        if step == self.last:
            return
        tensors = whole_state(self.engine)
        progress = {
            "step": step, "schedule": self.engine.lr_scheduler.state_dict(), "learner": learner,
            "recipe": self.recipe,
        }  # fmt: skip

        def write() -> None:
            files = {
                TENSORS: serialised(tensors),
                PROGRESS: json.dumps(progress, indent=2).encode(),
            }
            save_folder.write(self.folder, step, files)

        from_first(write)
        self.last = step
