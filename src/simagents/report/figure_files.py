"""Figures at rest: one style, a PDF for print, a PNG beside it; equal numbers give equal bytes."""

import logging
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from simagents.errors import InputError
from simagents.files import replacing

TEXT_WIDTH = 6.3
"""Inches between the margins of the paper: figures are drawn at the size of print."""


def use_style(path: Path) -> None:
    """Draw without a screen, in the paper's style."""
    if not path.exists():
        raise InputError(f"{path}: there is no such style; run from the top of the repository.")
    matplotlib.use("agg")
    # It complains about the dates in the fonts that come with matplotlib.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    matplotlib.style.use(path)


def save(figure: Figure, out: Path) -> None:
    """Write `out` (.pdf) and the same picture beside it as .png, without dates or versions."""
    if out.suffix != ".pdf":
        raise InputError(f"{out}: figures are written as .pdf, with a .png beside.")
    with replacing(out) as temporary:
        figure.savefig(
            temporary,
            format="pdf",
            metadata={"CreationDate": None, "Creator": None, "Producer": None},
        )
    with replacing(out.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
