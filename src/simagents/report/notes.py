"""Sentences under a table: what was measured, what ± means, whence published values."""

from typing import Any

from simagents.report.cells import COMPARED, LAST, sharing
from simagents.report.columns import column
from simagents.report.pairs import ONE_SEED
from simagents.report.published import Published
from simagents.report.rows import NO_CONTESTANT, UNTRAINED

Json = dict[str, Any]


def notes_of(
    cells: Json, published: Published | None, literature: tuple[str, ...], transposed: bool
) -> list[str]:
    """All of them, in order."""
    # Where all columns are about planners, the metric's scenarios and rollouts are those of no number.
    scored = not all(column(key).of_planners for key in cells["columns"])
    scores = f"{measured(cells)}, "
    notes = [
        f"{data_of(cells)} data, {scores if scored else ''}{counted(cells['seeds'], 'training seed')}.",
        *_signs_note(cells, scored, transposed),
    ]
    if cells["seeds"] > 1 and not column(cells["columns"][0]).of_pairs:
        notes.append("σ is the deviation over training seeds, where a row has several.")
    imported = [row["label"] for row in cells["rows"] if row["imported"]]
    if imported:
        notes.append(
            f"Imported, so not trained here and one model for all seeds: {', '.join(imported)}."
        )
    if shared := sharing(cells):
        notes.append(shared)
    if any(column(key).of_difference for key in cells["columns"]):
        notes.append(_compared_note(cells))
    if "kl" in cells["columns"]:
        notes.append(
            f"KL is from the policy that fine-tuning started from, a mean over tokens and over the "
            f"last {LAST:.0%} of training."
        )
    if "planners" in cells:
        notes += _planners_notes(cells, published)
    undefined = max(c["undefined"] for row in cells["rows"] for c in row["cells"].values())
    if undefined:
        notes.append(
            f"n/a: not defined on up to {counted(undefined, 'scenario')}, hence no mean over all."
        )
    return notes + (_published_notes(cells, published, literature) if published else [])


FEW_SCENES = 20
"""Below so many, intervals of errors cover less than they say (`agreement.py`)."""


def drives_of(cells: Json) -> str:
    """How many planners drove in how many scenes, and among whom."""
    drives = cells["planners"]
    there = {
        "logged": "An agent that the log does not show at a step is not there, whatever moves it.",
        "all": "Agents stay to the end, and those that the log loses stand still in its playback.",
    }
    return (
        f"{drives['planners']} planners drove in {counted(drives['scenes'], 'scene')}, with"
        f" {counted(drives['rollouts'], 'rollout')} of each. {there[drives['agents']]}"
    )


def _planners_notes(cells: Json, published: Published | None) -> list[str]:
    """On whom, with what intervals, and what the columns of this table are."""
    shown = set(cells["columns"])
    trained = max(len(row["systems"]) for row in cells["rows"]) > 1
    seeds = ", with Student's t over seeds" if trained else ""
    notes = [
        drives_of(cells),
        f"Intervals at 95 % are those of a bootstrap that draws scenes and planners{seeds}.",
    ]
    if not trained and any(not row["systems"][0].startswith(UNTRAINED) for row in cells["rows"]):
        notes.append("They leave out the choice of the training seed, so they give no verdict.")
    if shown & {"value_error", "error_pairs"}:
        notes.append(
            "Noise adds to absolute errors: intervals are partly corrected for it, and may lie below the error."
        )
        if cells["planners"]["scenes"] < FEW_SCENES:
            notes.append(
                "With so few scenes they cover less than 95 %, and one from 0 to twice the error says only that a"
                " single scene decides."
            )
    if "value_spread" in shown:
        notes.append("Spread is the standard deviation over planners.")
    if "rank_halves" in shown:
        notes.append(
            "Split halves is the rank correlation of a row with itself between halves of the scenes."
        )
    if "error_halves" in shown:
        notes.append(
            "Error of halves is the absolute error of a row from itself between halves of the scenes, which have"
            " none in common: what another choice of scenes makes, not the noise between two systems on the same."
        )
    if "error_noise" in shown:
        notes.append(
            "Noise alone is what the absolute error would be on average if a row's agents differed from the log's"
            " by the draw of scenes only, from differences between halves of them."
        )
    if any(column(key).of_pairs for key in shown):
        diagonal = ", on it a system with itself between halves of the scenes"
        below = "; below it published values in italics, where the paper has both systems"
        notes.append(
            "Columns are rows by their numbers. Above the diagonal are our values with their"
            f" intervals{diagonal if 'rank_pairs' in shown else ''}{below if published else ''}."
        )
    return notes


def _signs_note(cells: Json, scored: bool, transposed: bool) -> list[str]:
    """What ± and bold mean, where the table has them."""
    if all(column(key).of_pairs for key in cells["columns"]):
        return []
    log = any(NO_CONTESTANT in row["systems"] for row in cells["rows"])
    best = f"Bold is the best number of its {'line' if transposed else 'column'}"
    error = "± is the standard error over scenarios. " if scored else ""
    return [f"{error}{best}{', the log aside' if log else ''}."]


def _compared_note(cells: Json) -> str:
    alone = ""
    if any(p["covers"] == ONE_SEED for p in cells["differences"][COMPARED]):
        alone = (
            " Where there is one training seed it covers scenarios alone, and there is no p of"
            " training."
        )
    return (
        f"Differences are of realism, each row minus {cells['over']}, on the same scenarios; the"
        f" interval and p cover seeds and scenarios.{alone} The t test over scenarios takes the"
        " trained policies as given."
    )


def _published_notes(cells: Json, published: Published, literature: tuple[str, ...]) -> list[str]:
    named = [row["published"] for row in cells["rows"] if row["published"]]
    shown = list(literature) or named
    printed = [key for key in cells["columns"] if key in published.beside] or [published.compared]
    what = f"{', '.join(column(key).title.lower() for key in printed)} only"
    if literature:
        what = "their own data and scale"
    if not published.has_values:
        what = f"values not found; the paper chose {published.chosen}"
    notes = [f"Published: {published.source(shown)}, {what}; {published.provenance(shown)}."]
    second = [row for row in shown if row in published.second_source]
    other = {
        row: value
        for row in second
        if (value := published.second_source[row]) != published.value(row)
    }
    if other:
        values = ", ".join(f"{value:.4f} ({row})" for row, value in other.items())
        by_paper = sorted(second, key=lambda row: published.value(row))
        by_second_source = sorted(second, key=lambda row: published.second_source[row])
        order = "the same order" if by_paper == by_second_source else "another order"
        notes.append(
            f"A second source, a summary of the paper, prints other values in {order}: {values}."
        )
    return notes


def counted(number: int, noun: str) -> str:
    """`1 scenario`, `4,000 scenarios`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def data_of(facts: Json) -> str:
    """Where scenarios come from, at the beginning of a sentence."""
    return facts["data"].upper() if facts["data"] == "womd" else facts["data"].capitalize()


def measured(cells: Json) -> str:
    """By which metric, on how much."""
    return (
        f"metric of WOSAC {cells['challenge']}, {counted(cells['scenarios'], 'scenario')}, "
        f"{counted(cells['rollouts'], 'rollout')} each"
    )
