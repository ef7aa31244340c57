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
    names = sorted(valid)
    near = get_close_matches(key, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"valid keys are {', '.join(names)}."
    return InputError(f"{where}: unknown key `{key}`; {hint}")
