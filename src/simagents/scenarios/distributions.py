"""Figure: how synthetic traffic is distributed, beside real traffic."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import seaborn as sns
import tyro
from matplotlib import pyplot as plt
from scipy.spatial import cKDTree
from tqdm import tqdm

from simagents.files import replacing
from simagents.geometry import wrap_angle
from simagents.scenarios.scenario import STEP_SECONDS, MapKind, Scenario
from simagents.scenarios.womd.decode import read_scenarios

PANELS = {
    # quantity: title, range, bins, logarithmic counts
    "speed": ("speed (m/s)", (0, 25), 50, True),
    "acceleration": ("acceleration (m/s²)", (-6, 6), 49, True),
    "turn": ("turn rate (rad/s)", (-1, 1), 49, True),
    "nearest": ("nearest other agent (m)", (0, 40), 40, False),
    "edge": ("nearest road edge (m)", (0, 25), 40, False),
    "agents": ("agents per scene", (0, 150), 30, False),
}


@dataclass
class Args:
    """What to compare, and where to."""

    synthetic: list[Path]
    """TFRecord shards of the generator"""
    out: Path
    """where the figure goes: .pdf or .png"""
    real: list[Path] | None = None
    """TFRecord shards of the data set; without them the synthetic traffic is drawn alone"""
    most: int = 200
    """scenarios read from each shard, at most"""
    style: Path | None = None
    """a matplotlib style sheet"""


def quantities(scenario: Scenario) -> dict[str, np.ndarray]:
    """Samples of each quantity from one scenario, [n] each.

    Kinematics are central differences of the logged positions (turn rates: headings, for agents
    faster than 1 m/s) over 0.2 s, where all steps needed are valid. Distances are from centre to
    centre, and from centre to the nearest *point* of a road edge: unlike the metric's, they know no
    boxes and no sign, which is enough to compare distributions. They are taken every second.
    """
    valid, xy = scenario.valid, scenario.position[..., :2].astype(np.float64)
    seen = valid[:, 2:] & valid[:, :-2]
    speed = np.linalg.norm(xy[:, 2:] - xy[:, :-2], axis=-1) / (2 * STEP_SECONDS)
    turn = wrap_angle(scenario.heading[:, 2:] - scenario.heading[:, :-2]) / (2 * STEP_SECONDS)
    gain = (speed[:, 2:] - speed[:, :-2]) / (2 * STEP_SECONDS)
    is_edge = np.repeat(scenario.map_kind == MapKind.ROAD_EDGE, np.diff(scenario.map_start))
    edges = cKDTree(scenario.map_point[is_edge, :2]) if is_edge.any() else None
    nearest, edge = [], []
    for t in range(0, valid.shape[1], 10):
        here = xy[valid[:, t], t]
        if len(here) > 1:
            nearest.append(cKDTree(here).query(here, k=2)[0][:, 1])
        if edges is not None and len(here):
            edge.append(edges.query(here)[0])
    return {
        "speed": speed[seen],
        "acceleration": gain[seen[:, 2:] & seen[:, :-2]],
        "turn": turn[seen & (speed > 1.0)],
        "nearest": np.concatenate([*nearest, []]),
        "edge": np.concatenate([*edge, []]),
        "agents": np.array([len(valid)]),
    }


def collect(shards: Iterable[Path], most: int) -> dict[str, np.ndarray]:
    """Samples of all scenarios of some shards; records that are no scenario are passed over."""
    samples = defaultdict(list)
    for shard in shards:
        count = 0
        for scenario in tqdm(read_scenarios(shard), desc=shard.name, unit=" scenarios"):
            if isinstance(scenario, Scenario):
                for name, values in quantities(scenario).items():
                    samples[name].append(values)
                count += 1
            if count == most:
                break
    return {name: np.concatenate(values) for name, values in samples.items()}


def plot(sources: dict[str, dict[str, np.ndarray]]):
    """One panel for each quantity, one outline for each source; each outline has area 1.

    What lies beyond a panel is counted in its outermost bin.
    """
    figure, axes = plt.subplots(2, 3, figsize=(7.2, 3.9), layout="constrained")
    colours = sns.color_palette("colorblind", len(sources))
    for axis, (name, (title, limits, bins, log)) in zip(axes.flat, PANELS.items(), strict=True):
        for (source, samples), colour in zip(sources.items(), colours, strict=True):
            sns.histplot(
                np.clip(samples[name], *limits), ax=axis, stat="density", element="step",
                bins=bins, binrange=limits, color=colour, alpha=0.25, label=source,
            )  # fmt: skip
        axis.set(xlabel=title, ylabel="", xlim=limits)
        if log:
            axis.set_yscale("log")
    for row in axes:
        row[0].set_ylabel("density")
    if len(sources) > 1:
        axes.flat[0].legend(frameon=False)
    sns.despine(figure)
    return figure


def main(args: Args) -> None:
    """Read, draw, save."""
    sns.set_theme(context="paper", style="ticks", font_scale=0.9)
    if args.style:
        matplotlib.style.use(args.style)
    shards = {"synthetic": args.synthetic, "real": args.real or []}
    figure = plot({name: collect(paths, args.most) for name, paths in shards.items() if paths})
    dated = {"CreationDate": None} if args.out.suffix == ".pdf" else {}
    with replacing(args.out) as temporary:  # no date: same numbers, same bytes
        figure.savefig(temporary, format=args.out.suffix[1:], metadata=dated, dpi=200)


if __name__ == "__main__":
    main(tyro.cli(Args))
