"""The one exception that is meant for the user's eyes."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(Exception):
    """Something the user gave is wrong: one sentence says what, where, and what to do.

    Command lines print the sentence alone and exit with 2; anything else that is raised is a
    defect of ours and keeps its traceback.
    """


def unknown_key(key: str, where: str, valid: Iterable[str]) -> InputError:
    """The error for a key that nobody reads, naming the nearest one that somebody does."""
    return _unknown("key", key, where, valid)


def unknown_value(value: str, where: str, valid: Iterable[str]) -> InputError:
    """The error for a name that means nothing there, naming the nearest one that does."""
    return _unknown("value", value, where, valid)


def _unknown(noun: str, name: str, where: str, valid: Iterable[str]) -> InputError:
    names = sorted(valid)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"valid {noun}s are {', '.join(names)}."
    return InputError(f"{where}: unknown {noun} `{name}`; {hint}")
