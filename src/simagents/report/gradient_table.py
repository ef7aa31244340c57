"""Signal, noise and scenes needed of every credit rule, as Markdown and for browsers."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from simagents.report.credit_variance import FITTED_FROM, credit_variance
from simagents.report.gradient_noise import LABELS, Measured, noise_of, noise_slopes
from simagents.report.jackknife import Interval
from simagents.report.sheet import (
    Block,
    Column,
    Heading,
    Paragraph,
    Sheet,
    write_document,
)

HEADER = (
    "Means and 95 % intervals over scenes (jackknife). Noise is the variance of the gradient of one scene with N "
    "rollouts, signal the squared length of its expectation, which is an unbiased estimate and may be negative. "
    "Scenes is how many a step needs for as much noise as signal; with an interval of the signal that includes "
    "zero only a lower limit is known. Against leave-one-out: noise over that of the rule with the same expected "
    "gradient, which is how many times as many scenes a rule needs, whatever the signal."
)


@dataclass
class Args:
    """Tabulate what `simagents gradients` measured."""

    gradients: list[Path]
    """…/gradients/{run}/{digest}.safetensors"""
    out: Path
    """Markdown"""
    out_html: Path


def main(args: Args) -> None:
    """One section for each run, one table for each N."""
    blocks: list[Block] = [Paragraph(HEADER)]
    for path in args.gradients:
        blocks += [Heading(path.parent.name), *section(Measured.read(path))]
    write_document("Noise of gradients", blocks, args.out, None, args.out_html)


def section(measured: Measured) -> list[Block]:
    """Tables of one run."""
    scenes, rollouts = measured.gram.shape[:2]
    blocks: list[Block] = [Paragraph(f"{scenes} scenes, {rollouts} rollouts of each.")]
    titles = ("signal", "noise", "scenes", "against leave-one-out")
    for size in measured.sizes:
        sheet = Sheet([Column(f"N = {size}", "name"), *map(Column, titles)])
        for rule, noise in noise_of(measured, size).items():
            relative = "" if noise.relative is None else _text(noise.relative)
            cells = [_text(noise.signal), _text(noise.noise), scenes_text(noise.scenes), relative]
            sheet.lines.append([LABELS[rule], *cells])
        blocks.append(sheet)
    of_variance = f"exponent of N, variance of advantages, N ≥ {FITTED_FROM}"
    slopes = Sheet([Column("", "name"), Column("exponent of N, noise"), Column(of_variance)])
    for rule, slope in noise_slopes(measured).items():
        centred = rule in ("mloo", "rloo")
        variance = _text(credit_variance(measured, rule)[1]) if centred else ""
        slopes.lines.append([LABELS[rule], _text(slope), variance])
    return [*blocks, slopes]


def scenes_text(scenes: Interval) -> str:
    """A lower limit where no more is known."""
    if not isfinite(scenes.high):
        return f"> {scenes.low:,.0f}"
    return f"{scenes.value:,.0f} ({scenes.low:,.0f} to {scenes.high:,.0f})"


def _text(interval: Interval) -> str:
    value, low, high = (
        f"{number:,.0f}" if abs(number) >= 100 else f"{number:.{digits}g}"
        for number, digits in ((interval.value, 3), (interval.low, 2), (interval.high, 2))
    )
    return f"{value} ({low} to {high})"
