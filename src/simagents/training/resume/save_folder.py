"""The saves of a run on disk: the last two, complete, and verified before one is loaded.

    stepN/manifest.json   size and digest of every file beside it

A save is written under another name and renamed when all of it has reached the disk: a kill, a full
disk or the loss of the machine leaves the earlier saves as they were.
"""

import json
import os
import shutil
import sys
from hashlib import blake2b, file_digest
from pathlib import Path

from simagents.errors import InputError
from simagents.files import UnwritableError, read_json, refusals, sync_names

KEPT = 2
MANIFEST = "manifest.json"


def place(folder: Path, step: int) -> Path:
    """The folder of the save after `step` steps."""
    return folder / f"step{step}"


def write(folder: Path, step: int, files: dict[str, bytes]) -> None:
    """Write a save, and remove all but the last two.

    Raises UnwritableError where the disk refuses, and leaves nothing of the save behind.
    """
    whole, partial = place(folder, step), folder / f".step{step}.partial"
    listed = {
        name: {"bytes": len(content), "blake2b": blake2b(content).hexdigest()}
        for name, content in files.items()
    }
    manifest = json.dumps({"files": listed}, indent=2).encode() + b"\n"
    try:
        with refusals(whole):
            partial.mkdir(parents=True)
            for name, content in {**files, MANIFEST: manifest}.items():
                _write(partial / name, content)
            partial.rename(whole)
            sync_names(folder)
    except UnwritableError:
        for half in (partial, whole):
            shutil.rmtree(half, ignore_errors=True)
        raise
    for old in _steps(folder)[KEPT:]:
        _remove(place(folder, old))


def newest(folder: Path) -> int:
    """The step of the newest complete save; 0 where there is none.

    A damaged save is named on stderr and removed, and the one before it is used. Raises InputError
    where all are damaged, because a silent restart could lose days of training. Only the holder of
    the lease may call this.
    """
    damaged = {}
    for step in _steps(folder):
        offence = _offence(place(folder, step))
        if offence is None:
            break
        damaged[step] = offence
    else:
        if damaged:
            offences = "; ".join(f"step{step} {offence}" for step, offence in damaged.items())
            raise InputError(
                f"{folder}: no save is whole ({offences}); delete the folder to restart the run."
            )
        step = 0
    for number, offence in damaged.items():
        print(f"simagents: {place(folder, number)} {offence}; resuming from step {step}.",
              file=sys.stderr)  # fmt: skip
        _remove(place(folder, number))
    for half in folder.glob(".*.partial"):
        _remove(half)
    return step


def last(folder: Path) -> int:
    """The step of the newest save, which is not verified; 0 where there is none."""
    return max(_steps(folder), default=0)


def _offence(save: Path) -> str | None:
    """What is wrong with a save, as the end of a sentence; None where it is complete."""
    try:
        files = read_json(save / MANIFEST)["files"]
        listed = [(name, one["bytes"], one["blake2b"]) for name, one in files.items()]
    except (InputError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return f"has no readable {MANIFEST}"
    for name, size, digest in listed:
        try:
            with (save / name).open("rb") as file:
                present = os.fstat(file.fileno()).st_size
                if present != size:
                    return f"holds {present} of the {size} bytes of {name}"
                if file_digest(file, "blake2b").hexdigest() != digest:
                    return f"holds a {name} that is not what was written"
        except OSError as problem:
            return f"holds no readable {name} ({problem.strerror})"
    return None


def _steps(folder: Path) -> list[int]:
    """All steps with a save, whole or not, newest first."""
    names = [path.name.removeprefix("step") for path in folder.glob("step*")]
    return sorted((int(name) for name in names if name.isdigit()), reverse=True)


def _remove(path: Path) -> None:
    # A network disk keeps a file while it is read elsewhere; the next call removes it.
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        # Network disks report that they are full only here.
        os.fsync(file.fileno())
