"""Signal, noise and scenes needed of every credit rule, as a Markdown table."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from simagents.files import replacing
from simagents.report.credit_variance import FITTED_FROM, credit_variance
from simagents.report.gradient_noise import (
    LABELS,
    Interval,
    Measured,
    noise_of,
    noise_slopes,
)

HEADER = """\
Means and 95 % intervals over scenes (jackknife). `noise` is the variance of the gradient of one scene with N
rollouts, `signal` the squared length of its expectation, which is an unbiased estimate and may be negative.
`scenes` is how many a step needs for as much noise as signal; with an interval of the signal that includes
zero only a lower limit is known. `against leave-one-out`: noise over that of the rule with the same expected
gradient, which is how many times as many scenes a rule needs, whatever the signal.
"""


@dataclass
class Args:
    """Tabulate what `simagents gradients` measured."""

    gradients: list[Path]
    """…/gradients/{run}/{digest}.safetensors"""
    out: Path
    """Markdown"""


def main(args: Args) -> None:
    """One section for each run, one table for each N."""
    parts = [HEADER]
    for path in args.gradients:
        parts += [f"## {path.parent.name}", *section(Measured.read(path))]
    with replacing(args.out) as temporary:
        temporary.write_text("\n\n".join(parts) + "\n")


def section(measured: Measured) -> list[str]:
    """Tables of one run."""
    scenes, rollouts = measured.gram.shape[:2]
    parts = [f"{scenes} scenes, {rollouts} rollouts of each."]
    for size in measured.sizes:
        lines = [
            f"| N = {size} | signal | noise | scenes | against leave-one-out |",
            "|---|--:|--:|--:|--:|",
        ]
        for rule, noise in noise_of(measured, size).items():
            relative = "" if noise.relative is None else _text(noise.relative)
            cells = [_text(noise.signal), _text(noise.noise), scenes_text(noise.scenes), relative]
            lines.append(f"| {LABELS[rule]} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    lines = [
        f"| | exponent of N, noise | exponent of N, variance of advantages, N ≥ {FITTED_FROM} |",
        "|---|--:|--:|",
    ]
    for rule, slope in noise_slopes(measured).items():
        centred = rule in ("mloo", "rloo")
        variance = _text(credit_variance(measured, rule)[1]) if centred else ""
        lines.append(f"| {LABELS[rule]} | {_text(slope)} | {variance} |")
    return [*parts, "\n".join(lines)]


def scenes_text(scenes: Interval) -> str:
    """A lower limit where no more is known."""
    if not isfinite(scenes.high):
        return f"> {scenes.low:,.0f}"
    return f"{scenes.value:,.0f} ({scenes.low:,.0f} to {scenes.high:,.0f})"


def _text(interval: Interval) -> str:
    return f"{interval.value:.3g} ({interval.low:.2g} to {interval.high:.2g})"
