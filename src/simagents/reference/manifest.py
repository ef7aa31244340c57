"""Which commands make the kept tables and figures from the kept scores."""

from dataclasses import dataclass
from pathlib import Path

from simagents.errors import InputError
from simagents.files import read_json, write_json

NAME = "manifest.json"


@dataclass(frozen=True)
class Step:
    """One command and the files that it writes."""

    words: tuple[str, ...]
    """of the command line, behind `simagents`"""
    outputs: tuple[str, ...]
    """paths from the top of the repository, as in the words"""


@dataclass(frozen=True)
class Manifest:
    """What a folder of kept results says of itself."""

    results: str
    """where the workflow had them, from the top of the repository: `results/small`"""
    commit: str
    """of the working tree that made them"""
    steps: tuple[Step, ...]
    """in an order in which each finds its inputs"""
    as_made: tuple[str, ...]
    """figures that need rollouts or scenarios, which are not kept: these stay as the workflow made them"""

    def write(self, folder: Path) -> None:
        """Write it beside the results."""
        content = {
            "results": self.results,
            "commit": self.commit,
            "as_made": self.as_made,
            "steps": [{"outputs": step.outputs, "words": step.words} for step in self.steps],
        }
        write_json(folder / NAME, content)

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Raises InputError where the folder has none, or one of another form."""
        path = folder / NAME
        if not path.exists():
            raise InputError(
                f"{path}: there is no such file; name a folder that `simagents keep` wrote."
            )
        content = read_json(path)
        try:
            steps = [
                Step(tuple(each["words"]), tuple(each["outputs"])) for each in content["steps"]
            ]
            return Manifest(
                content["results"], content["commit"], tuple(steps), tuple(content["as_made"])
            )
        except (KeyError, TypeError):
            raise InputError(
                f"{path}: not what `simagents keep` writes; keep the results again."
            ) from None
