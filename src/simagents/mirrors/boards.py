"""Where numbers of a run are shown: TensorBoard and Weights & Biases, neither of which training depends on."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from simagents.errors import InputError


@runtime_checkable
class Board(Protocol):
    """Shows one run."""

    def add(self, step: int, numbers: dict[str, float]) -> None:
        """Numbers of a step, by name; a slash in a name separates its group."""

    def flush(self) -> None:
        """Show what was added."""

    def close(self) -> None:
        """Nothing more comes."""


class TensorBoard:
    """Event files in a folder named after the run; older ones of the run are no longer shown."""

    def __init__(self, folder: Path, run: str, recipe: dict[str, Any]):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise InputError(
                "TensorBoard is not installed; run `pip install -c constraints.txt -e '.[tensorboard]'`."
            ) from None
        self._writer = SummaryWriter(folder / run, purge_step=0)
        lines = [f"    {key}: {value}" for key, value in sorted(recipe.items())]
        self._writer.add_text("recipe", "\n".join(lines))

    def add(self, step: int, numbers: dict[str, float]) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A run of the same name in a project; it continues where an earlier mirror ended, if the server says where."""

    def __init__(self, project: str, run: str, recipe: dict[str, Any]):
        try:
            import wandb
        except ImportError:
            raise InputError(
                "Weights & Biases is not installed; run `pip install 'wandb>=0.31'`."
            ) from None
        try:
            self._run = wandb.init(
                project=project, id=run, name=run, config=recipe, resume="allow",
                reinit="create_new",
            )  # fmt: skip
        except wandb.errors.Error as problem:
            raise InputError(
                f"Weights & Biases: {problem}; log in with `wandb login`, or set WANDB_MODE=offline."
            ) from None
        self._next = self._run.step

    def add(self, step: int, numbers: dict[str, float]) -> None:
        if step >= self._next:
            self._run.log(numbers, step=step)

    def flush(self) -> None:
        """The library sends by itself."""

    def close(self) -> None:
        self._run.finish()
