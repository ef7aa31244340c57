"""Figure: where the seconds of a training step go, one bar per row.

Medians over the steps of all runs of a row, so that a first step that compiles or a busy moment of
the machine does not count. Several processes add up, as their cores do.
"""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from simagents.config.figures import TimeSplit
from simagents.errors import InputError
from simagents.report.figure_files import TEXT_WIDTH
from simagents.report.figure_inputs import FigureInputs
from simagents.report.rows import Row

PARTS = {
    "seconds_sampling": "sampling",
    "seconds_reward": "reward",
    "seconds_log_probabilities": "log-probabilities",
    "seconds_update": "gradient and update",
}
"""What histories hold, in the order of a step, and what it is called."""


def draw(settings: TimeSplit, inputs: FigureInputs) -> Figure:
    """Bars from left to right in the order of a step, with each part's share where it fits.

    Raises InputError where a row's runs log no seconds.
    """
    split = seconds_of_steps(inputs.rows, inputs.histories)
    size = (TEXT_WIDTH, 0.85 + 0.26 * len(split))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    total = split.sum(axis=1)
    left = pd.Series(0.0, index=split.index)
    palette = sns.color_palette("colorblind", split.shape[1])
    for (part, seconds), colour in zip(split.items(), palette, strict=True):
        bars = axes.barh(
            range(len(split)), seconds, left=left, height=0.62, color=colour, label=PARTS[part],
            edgecolor="white", linewidth=0.5,
        )  # fmt: skip
        shares = seconds / total
        wide = seconds / total.max() > 0.06
        texts = [f"{share:.0%}" if fits else "" for share, fits in zip(shares, wide, strict=True)]
        axes.bar_label(bars, texts, label_type="center", color="white", fontsize=7)
        left += seconds
    for place, seconds in enumerate(total):
        axes.annotate(
            f"{seconds:.2f} s", (seconds, place), xytext=(3, 0), textcoords="offset points",
            va="center", fontsize=7,
        )  # fmt: skip
    axes.set_yticks(range(len(split)), split.index)
    axes.tick_params(left=False)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlim(0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("seconds a step")
    figure.legend(
        loc="outside upper right", ncols=len(split.columns), borderaxespad=0.2, handlelength=1.0,
        handleheight=0.9,
    )  # fmt: skip
    return figure


def seconds_of_steps(rows: list[Row], histories: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Seconds a step by row and part; rows that were not trained here are left out.

    Raises InputError where no row is left, and where a row's runs log none.
    """
    split = {}
    trained = [row for row in rows if row.trained]
    if not trained:
        raise InputError("--rows: none of the rows is trained, so there is nothing to draw.")
    for row in trained:
        logged = [histories[system] for system in row.systems if system in histories]
        steps = pd.concat(logged) if logged else pd.DataFrame()
        parts = [part for part in PARTS if part in steps]
        if not parts:
            raise InputError(f"{row.label}: its histories do not say how a step's time is split.")
        split[row.label] = steps[parts].median()
    return pd.DataFrame(split).T.reindex(columns=list(PARTS)).dropna(axis=1, how="all").fillna(0.0)
