"""Sentences under a table: what was measured, what ± means, whence published values."""

from typing import Any

from simagents.report.cells import COMPARED, LAST, sharing
from simagents.report.columns import column
from simagents.report.pairs import ONE_SEED
from simagents.report.published import Published
from simagents.report.rows import NO_CONTESTANT

Json = dict[str, Any]


def notes_of(
    cells: Json, published: Published | None, literature: tuple[str, ...], transposed: bool
) -> list[str]:
    """All of them, in order."""
    # Where all columns are about planners, the metric's scenarios and rollouts are those of no number.
    scored = not all(column(key).of_planners for key in cells["columns"])
    scores = (
        f"metric of WOSAC {cells['challenge']}, {_count(cells['scenarios'], 'scenario')}, "
        f"{_count(cells['rollouts'], 'rollout')} each, "
    )
    notes = [
        f"{cells['data'].upper() if cells['data'] == 'womd' else cells['data'].capitalize()} data, "
        f"{scores if scored else ''}{_count(cells['seeds'], 'training seed')}.",
        ("± is the standard error over scenarios. " if scored else "")
        + "Bold is the best number of its "
        + ("line" if transposed else "column")
        + (
            ", the log aside."
            if any(NO_CONTESTANT in row["systems"] for row in cells["rows"])
            else "."
        ),
    ]
    if cells["seeds"] > 1:
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
    if any(column(key).of_history for key in cells["columns"]):
        notes.append(
            f"KL is from the policy that fine-tuning started from, a mean over tokens and over the "
            f"last {LAST:.0%} of training."
        )
    if "planners" in cells:
        notes.append(_planners_note(cells))
    undefined = max(c["undefined"] for row in cells["rows"] for c in row["cells"].values())
    if undefined:
        notes.append(
            f"n/a: not defined on up to {_count(undefined, 'scenario')}, hence no mean over all."
        )
    return notes + (_published_notes(cells, published, literature) if published else [])


def _planners_note(cells: Json) -> str:
    trained = max(len(row["systems"]) for row in cells["rows"]) > 1
    drawn = "scenes, planners and seeds" if trained else "scenes and planners"
    return (
        f"Planners: {cells['planners']['planners']} on"
        f" {_count(cells['planners']['scenes'], 'scene')}, with"
        f" {_count(cells['planners']['rollouts'], 'rollout')} of each; their intervals are those of a bootstrap that"
        f" draws {drawn}. Spread is the standard deviation over planners; split halves is the rank"
        " correlation of a row with itself between halves of the scenes."
    )


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
    notes = [
        f"Published: {published.source(shown)}, {what}; provenance {published.provenance(shown)}."
    ]
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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
