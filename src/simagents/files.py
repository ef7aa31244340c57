"""Files that appear whole or not at all."""

import errno
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from simagents.errors import InputError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What the system says of a disk that takes no more, of whatever file."""


class UnwritableError(Exception):
    """The disk refuses a file; the message says where and why, as the beginning of a sentence."""


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Raises UnwritableError where the system refuses what the block writes at `path`."""
    try:
        yield
    except OSError as problem:
        raise UnwritableError(f"{path}: cannot be written ({problem.strerror})") from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed to `path` if the block ends well.

    The name carries the process id, so two writers never share it. Folders are made as needed. Raises
    UnwritableError where a folder cannot be made or the disk is full.
    """
    path = Path(path)
    with refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        # Some libraries write 0600, which colleagues on a cluster cannot read.
        temporary.chmod(0o644)
        # After a power cut the name would otherwise have a part of the content, or nothing.
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_names(path.parent)
    except (OSError, SafetensorError) as problem:
        number = _number(problem)
        if number not in FULL:
            raise
        raise UnwritableError(f"{path}: cannot be written ({os.strerror(number)})") from None
    finally:
        with suppress(OSError):  # of a disk that can no longer be written; the error above says so
            temporary.unlink()


def sync_names(folder: Path) -> None:
    """Flush the names of a folder's files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _number(problem: OSError | SafetensorError) -> int | None:
    """The system's number of an error; safetensors has it in its message only."""
    if isinstance(problem, OSError):
        return problem.errno
    said = re.search(r"\(os error (\d+)\)", str(problem))
    return int(said[1]) if said else None


def print_or_write(text: str, path: Path | None) -> None:
    """On standard output, or as the whole content of a file. A reader may stop early, as `head` does."""
    if path is None:
        try:
            print(text, flush=True)
        except BrokenPipeError:
            # Python flushes once more when it ends, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    with replacing(path) as temporary:
        temporary.write_text(text + "\n")


def matching(path: Path, names: Iterable[str]) -> list[Path]:
    """The files that a path of the command line means, sorted: itself, what its `*` match, or, for
    a folder, what lies in it under one of the `names`, patterns like `*.parquet`.
    """
    path, names = Path(path), list(names)
    if path.is_dir():
        files = {
            file
            for name in names
            for file in path.glob(name)
            if file.is_file() and not _hidden(file, name)
        }
        if not files:
            raise InputError(f"{path}: holds no file that is called {' or '.join(names)}.")
        return sorted(files)
    if any(sign in path.name for sign in "*?[") and not path.exists():
        files = {file for file in path.parent.glob(path.name) if not _hidden(file, path.name)}
        if not files:
            raise InputError(f"{path}: no file is called like that.")
        return sorted(files)
    if not path.exists():
        raise InputError(f"{path}: there is no such file.")
    return [path]


def _hidden(file: Path, pattern: str) -> bool:
    """As in a shell, `*` matches no leading dot: what a killed writer left behind has one."""
    return file.name.startswith(".") and not pattern.startswith(".")


def read_json(path: Path) -> Any:
    """The content of a JSON file; InputError where it is absent or not JSON."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except json.JSONDecodeError as problem:
        raise InputError(
            f"{path}, line {problem.lineno}: not valid JSON ({problem.msg})."
        ) from None
    except UnicodeDecodeError as problem:
        raise InputError(f"{path}: not text ({problem}).") from None


def read_object(text: str, flag: str, kind: type) -> Any:
    """The JSON value of a command-line flag. Raises InputError where it is not of that kind."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as problem:
        raise InputError(f"{flag}: not valid JSON ({problem.msg}): {text[:60]}") from None
    if not isinstance(value, kind):
        noun = {dict: "object", list: "list"}[kind]
        raise InputError(f"{flag}: expected a JSON {noun}, got {text[:60]}")
    return value


def write_json(path: Path, content: Any) -> None:
    """Write `content` with stable formatting, so that equal content gives equal bytes."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n")
