"""Make the tables and figures of kept results again from their scores, and compare byte for byte."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm
from tyro.conf import Positional

from simagents.cli import parsed
from simagents.commands import COMMANDS
from simagents.errors import InputError
from simagents.files import replacing
from simagents.reference.manifest import Manifest


@dataclass
class Args:
    """Rebuild the tables and figures of kept results from their scores; nothing is trained or driven."""

    folder: Positional[Path]
    """that `simagents keep` wrote, such as results/reference/small-xeon"""
    write: bool = False
    """put what differs in the place of what was kept, after a change of how tables or figures look"""


def main(args: Args) -> None:
    """Exit code 1 where a file differs and is not to be written."""
    manifest = Manifest.read(args.folder)
    with rebuilt(args.folder, Path(), manifest) as results:
        differing = different(args.folder, results, manifest)
        if args.write:
            for name in differing:
                with replacing(args.folder / name) as temporary:
                    shutil.copyfile(results / name, temporary)
    count = sum(len(step.outputs) for step in manifest.steps)
    verb = "written" if args.write else "differ from what was kept"
    said = f"{len(differing)} of {count} files {verb}"
    print(f"{args.folder}: {said}{': ' if differing else ''}{', '.join(differing)}")
    if differing and not args.write:
        sys.exit(1)


@contextmanager
def rebuilt(folder: Path, root: Path, manifest: Manifest) -> Iterator[Path]:
    """A temporary folder of results, made by the manifest's commands from the scores in `folder`.

    `root` is the top of the repository, which has published values and templates.
    """
    folder, root = folder.resolve(), root.resolve()
    made = {path for step in manifest.steps for path in step.outputs}
    with TemporaryDirectory() as place:
        results = Path(place) / manifest.results
        for path in filter(Path.is_file, folder.rglob("*")):
            name = path.relative_to(folder)
            if f"{manifest.results}/{name}" not in made:
                (results / name).parent.mkdir(parents=True, exist_ok=True)
                (results / name).symlink_to(path)
        (Path(place) / "paper").symlink_to(root / "paper")
        with chdir(place):
            for step in tqdm(manifest.steps, unit="command"):
                run(step.words)
        yield results


def run(words: tuple[str, ...]) -> None:
    """A command of the report, in this process: loading the libraries takes longer than most of them."""
    name, *rest = words
    if name not in COMMANDS:
        raise InputError(f"manifest: there is no command {name} any more; keep the results again.")
    module = import_module(COMMANDS[name].module)
    module.main(parsed(module, name, rest))


def different(folder: Path, results: Path, manifest: Manifest) -> list[str]:
    """Names of files that are not the same in both, from `folder`."""
    names = [
        str(Path(path).relative_to(manifest.results))
        for step in manifest.steps
        for path in step.outputs
    ]
    return [name for name in names if not _equal(folder / name, results / name)]


def _equal(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()
