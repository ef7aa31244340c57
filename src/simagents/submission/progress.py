"""What a long command has finished, so that it goes on where it was killed."""

import fcntl
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simagents.errors import InputError


class Progress:
    """Finished scenarios beside the file that they are for, one JSON line each.

    Lines are only appended; one that a kill has torn is dropped. The name carries a digest of all
    that the results depend on, so results of other inputs are neither mixed in nor lost.
    """

    def __init__(self, out: Path, key: str):
        out = Path(out)
        if out.is_dir():
            raise InputError(f"{out}: is a folder; give the name of a file.")
        out.parent.mkdir(parents=True, exist_ok=True)
        self.path = out.with_name(f".{out.name}.{key[:10]}.progress.jsonl")
        self._file = self.path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another process is writing the same file.") from None
        self.finished: dict[str, Any] = {}
        self._file.seek(0)
        whole = 0
        for line in self._file:
            try:
                scenario, result = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self.finished[scenario] = result
        self._file.truncate(whole)

    def add(self, scenario: str, result: Any) -> None:
        """Remember a result; once this returns, a kill of the process does not lose it."""
        self.finished[scenario] = result
        self._file.write(json.dumps([scenario, result]).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Keep what is finished for the next time, if anything is."""
        if not self.finished:
            self.path.unlink()
        self._file.close()

    def forget(self) -> None:
        """Everything is written elsewhere; closing then removes the file."""
        self.finished.clear()


def digest_of(files: Iterable[Path], **settings: Any) -> str:
    """Of names, sizes and times of files, and of settings; contents would take long to read."""
    states = [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return hashlib.sha256(json.dumps([states, settings], sort_keys=True).encode()).hexdigest()
