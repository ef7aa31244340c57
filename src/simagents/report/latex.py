"""Text -> LaTeX."""

import re

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def escaped(text: str) -> str:
    """Plain text so that LaTeX prints it as it stands."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def wording(text: str) -> str:
    """Labels and captions from the configuration: LaTeX already, with mathematics between dollars.

    A bare %, &, # or _ outside of mathematics can only be meant as a letter, so it becomes one.
    """
    pieces = re.split(r"((?<!\\)\$.*?(?<!\\)\$)", text)
    return "".join(
        piece if place % 2 else re.sub(r"(?<!\\)([%&#_])", r"\\\1", piece)
        for place, piece in enumerate(pieces)
    )
