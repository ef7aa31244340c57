"""Frames -> a file: GIF by Pillow, MP4 by the program that imageio-ffmpeg brings."""

from importlib.util import find_spec
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.colors import to_rgb
from PIL import Image

from simagents.errors import InputError
from simagents.report.agent_drawing import CLASS_COLOURS, COLLISION, RECORDER
from simagents.report.map_drawing import LIGHTS, SIGN, YELLOW_LINE

TINTS, GREYS = 8, 32
"""Steps from each colour that pictures use to white, and from black to white, in a GIF's palette."""
LAST = 1000
"""Milliseconds that a GIF's last frame stays, before it begins again."""


class SmallGif(PillowWriter):
    """All frames have the colours of one palette, so that Pillow stores only what changes."""

    def finish(self) -> None:
        """Write the frames; none where drawing was interrupted before the first."""
        if not self._frames:
            return
        frames = [frame.convert("RGB") for frame in self._frames]
        palette = _palette()
        first, *others = (
            frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames
        )
        between = round(1000 / self.fps)
        first.save(
            self.outfile, format="GIF", save_all=True, append_images=others, loop=0, optimize=True,
            duration=[between] * len(others) + [max(between, LAST)],
        )  # fmt: skip


def _palette() -> Image.Image:
    """Tints of the colours of agents, marks, lights and paint, and greys.

    A palette found by counting pixels would lose the small and telling colours.
    """
    named = [RECORDER, *CLASS_COLOURS.values(), COLLISION[1], YELLOW_LINE, SIGN]
    named += [colour for colour, _, _ in LIGHTS.values()]
    whiter = np.linspace(0, 1, TINTS, endpoint=False)[:, None]
    tints = [(1 - whiter) * np.array(to_rgb(colour)) + whiter for colour in named]
    greys = np.linspace(0, 1, GREYS)[:, None].repeat(3, axis=1)
    colours = np.round(255 * np.concatenate([*tints, greys])).astype(np.uint8)
    image = Image.new("P", (1, 1))
    image.putpalette(colours.tobytes())
    return image


def writer_for(out: Path, fps: int) -> AbstractMovieWriter:
    """By the ending of the file. Raises InputError for other endings, and for MP4 without its program."""
    if out.suffix == ".gif":
        return SmallGif(fps=fps)
    if out.suffix != ".mp4":
        raise InputError(f"{out}: write to .gif or .mp4, or to .png or .pdf for a strip.")
    if find_spec("imageio_ffmpeg") is None:
        raise InputError(
            f"{out}: MP4 needs a package that is not installed here; run"
            " `pip install -c constraints.txt -e '.[animation]'`, or write a .gif."
        )
    from imageio_ffmpeg import get_ffmpeg_exe

    matplotlib.rcParams["animation.ffmpeg_path"] = get_ffmpeg_exe()
    # Players, browsers among them, need this format of pixels.
    return FFMpegWriter(fps=fps, codec="libx264", extra_args=["-pix_fmt", "yuv420p", "-f", "mp4"])
