"""Text -> LaTeX."""

import re
from typing import Any

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


def signs(text: str) -> str:
    """Numbers with a minus, and with a plus as wide, where the text has a hyphen."""
    return text.replace("-", "$-$").replace("+", "$+$").replace("<", "$<$")


def in_prose(value: Any) -> str:
    """A value as LaTeX prose has it: thousands apart, powers of ten, n/a for what is not."""
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(in_prose, value)) or "none"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return _decimal(value)
    return escaped(str(value))


def _decimal(value: float) -> str:
    """Small and large numbers as a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:g}"
    digits, power = f"{value:e}".split("e")
    factor = f"{float(digits):g}"
    ten = f"10^{{{int(power)}}}"
    return f"${ten}$" if factor == "1" else rf"${factor}\times{ten}$"
