"""How wide LaTeX sets a piece of text, without LaTeX.

Widths are those of Computer Modern Roman, which matplotlib brings along. The paper's Latin Modern
has the same ones. Smaller designs of the family are wider than the 10 pt one scaled down.
"""

import re
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.ft2font import FT2Font, LoadFlags

POINTS = {"small": 9.0, "footnotesize": 8.0, "scriptsize": 7.0}
"""Font sizes of a document of 10 pt."""
_DESIGN = {9.0: 1.028, 8.0: 1.063, 7.0: 1.139}
"""Width of a digit over that of the 10 pt design at the same size (cmr9, cmr8, cmr7 and cmr10.tfm)."""
_BOLD = 1.15
"""Width of a bold digit over that of an upright one (cmbx10.tfm)."""
_ITALIC = 1.08
"""Width of an italic digit over that of an upright one (cmti10.tfm)."""
_OPERATOR = 0.55
"""Ems of space around a sign in mathematics; a minus is as much wider than a hyphen."""
_SUBSCRIPT = 0.75
_SYMBOLS = {"pm": "+", "uparrow": "1", "downarrow": "1", "alpha": "w", "beta": "k", "sigma": "w"}
_ALIKE = {"–": "0", "±": "+", "→": "m", "σ": "o"}
"""Letters that the font lacks, and others of about their width."""
_SIZE, _FRACTION = 100, 16
"""Size at which letters are measured; bits of their widths behind the point."""
_ANY = "m"
"""Stands for a symbol that is not in the list: wider than most."""
_ENDS = re.compile(r"\\begin\{tabular\}\[c\]\{[^}]*\{\}r[^}]*\{\}\}(.*?)\\end\{tabular\}")


def width_of(text: str, size: str) -> float:
    """Points (1/72.27 inch) of a line of LaTeX at a size of `POINTS`; the widest of lines one below
    the other, as a tabular in a cell has them."""
    if inner := _ENDS.fullmatch(text):
        return max(width_of(line, size) for line in re.split(r"\\\\\[.*?\]", inner[1]))
    small = re.search(r"\{\\scriptsize(.*)\}", text)
    if small:
        rest = text[: small.start()] + text[small.end() :]
        return width_of(rest, size) + _plain(small[1], POINTS["scriptsize"])
    return _plain(text, POINTS[size])


def _plain(text: str, points: float) -> float:
    wider = _BOLD if r"\textbf" in text else _ITALIC if r"\textit" in text else 1.0
    upright = re.sub(r"\\text(?:bf|it)", "", text)
    pieces = re.split(r"(?<!\\)\$", upright)  # every second one is mathematics
    ems = sum(map(_prose, pieces[::2])) + sum(map(_mathematics, pieces[1::2]))
    return points * _DESIGN[points] * wider * ems


def _prose(text: str) -> float:
    return sum(map(_ems, _letters(re.sub(r"\\([%&#_$])", r"\1", text))), 0.0)


def _mathematics(text: str) -> float:
    scripts = re.findall(r"[_^]\{?([^{}]*?)\}?(?![\w.])", text)
    small = (1 - _SUBSCRIPT) * sum(
        _ems(letter) for script in scripts for letter in _letters(script)
    )
    signs = len(re.findall(r"(?<!^)[-+=<>]", text)) + text.count("-")
    return sum(map(_ems, _letters(re.sub("[_^]", "", text)))) - small + _OPERATOR * signs


def _letters(text: str) -> str:
    """What LaTeX would print, a letter for each of its commands."""
    text = re.sub(r"\\[,;]", " ", text)
    text = re.sub(r"\\([a-zA-Z]+) ?", lambda match: _SYMBOLS.get(match[1], _ANY), text)
    return re.sub(r"[{}\\]", "", text)


@cache
def _ems(letter: str) -> float:
    """Width of a letter over the font size."""
    if letter == " ":
        return 1 / 3  # between words of Computer Modern
    letter = _ALIKE.get(letter, letter)
    glyph = _font().load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return glyph.linearHoriAdvance / (_SIZE << _FRACTION)


@cache
def _font() -> FT2Font:
    font = FT2Font(str(Path(mpl.get_data_path(), "fonts/ttf/cmr10.ttf")))
    font.set_size(_SIZE, 72)  # so that a point is a pixel
    return font
