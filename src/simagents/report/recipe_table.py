"""Recipes of this copy's runs, stage by stage, as the appendix prints them.

Runs that differ in their seeds alone are one line. A stage with several recipes has a line for each,
with the keys in which it differs from the stage's first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simagents.config.changes import flat
from simagents.errors import InputError
from simagents.files import read_json
from simagents.report.latex import escaped, in_prose
from simagents.report.sheet import Column, Paragraph, Sheet, write_document

Json = dict[str, Any]

_APART = ("algorithm", "optimiser", "model", "validation", "budget")
"""Parts of a recipe that have columns, or the same text for all."""


@dataclass
class Args:
    """Print the recipes of runs."""

    recipes: list[Path]
    """…/runs/{run}/recipe.json"""
    out: Path
    """Markdown"""
    out_tex: Path
    """LaTeX, for the appendix"""
    out_html: Path


@dataclass(frozen=True)
class Variant:
    """Runs of one recipe."""

    stage: str
    recipe: Json
    """without its seed, its parent the parent's stage"""
    runs: int
    differs: str
    """from the first recipe of the stage, as text; empty for that"""


def main(args: Args) -> None:
    """Write the recipes."""
    variants = list(variants_of({path.parent.name: read_json(path) for path in args.recipes}))
    blocks = [
        Paragraph(
            f"Steps are updates by AdamW with {_optimisers(variants)}. Scenes are those of a step, rollouts those "
            "of a scene. The learning rate rises over the share of steps under `rises' and then falls by the "
            "schedule to the share of it under `to'. Draws are from so many likeliest tokens at a temperature. "
            "What stands after `tokens' is the digest of a vocabulary."
        ),
        Sheet(_COLUMNS, [_line(variant) for variant in variants]),
        Paragraph("Coefficients of the algorithms, as the configuration names them:"),
        Sheet(
            [Column("stages", "words", 0.3), Column("algorithm", "words", 0.66)],
            list(_algorithms(variants)),
        ),
    ]
    write_document("Recipes", blocks, args.out, args.out_tex, args.out_html)


_COLUMNS = [
    Column("stage", "words", 0.24), Column("from", "words", 0.14), Column("steps"), Column("scenes"),
    Column("rollouts"), Column("learning rate", "name"), Column("schedule", "name"), Column("to"),
    Column("rises"), Column("draws", "name"), Column("runs"),
]  # fmt: skip


def variants_of(recipes: Mapping[str, Json]) -> Iterator[Variant]:
    """Distinct recipes by stage, in the order in which stages are given.

    Raises InputError where a file is no recipe.
    """
    runs: dict[str, list[Json]] = {}
    counts: dict[str, int] = {}
    for name, recipe in recipes.items():
        if not {"stage", "seed", "parent", "algorithm", "budget"} <= set(recipe):
            raise InputError(f"{name}: this is no recipe; give recipe.json of a run.")
        same = {key: value for key, value in recipe.items() if key != "seed"}
        same["parent"] = (recipe["parent"] or "").rpartition("-")[0]
        known = runs.setdefault(recipe["stage"], [])
        if same not in known:
            known.append(same)
        key = f"{recipe['stage']} {known.index(same)}"
        counts[key] = counts.get(key, 0) + 1
    for stage, different in runs.items():
        for place, recipe in enumerate(different):
            differs = _differences(recipe, different[0])
            yield Variant(stage, recipe, counts[f"{stage} {place}"], differs)


def _differences(recipe: Json, first: Json) -> str:
    """Keys by their last names, and values."""
    ours, theirs = dict(flat(recipe, ".")), dict(flat(first, "."))
    return ", ".join(
        f"{key.rpartition('.')[2].replace('_', ' ')} {value}"
        for key, value in ours.items()
        if theirs.get(key) != value
    )


def _named(variant: Variant) -> str:
    stage = variant.stage.replace("_", " ")
    return escaped(f"{stage}: {variant.differs}" if variant.differs else stage)


def _line(variant: Variant) -> list[str]:
    recipe, budget, optimiser = (
        variant.recipe,
        variant.recipe["budget"],
        variant.recipe["optimiser"],
    )
    sampling = recipe["algorithm"].get("sampling")
    drawn = "–"
    if sampling:
        drawn = f"{sampling['top_k'] or 'all'} at {sampling['temperature']:g}"
    return [
        _named(variant),
        escaped(recipe["parent"].replace("_", " ")) or "–",
        in_prose(budget["steps"]),
        in_prose(budget["batch"]),
        in_prose(budget["rollouts"]) if budget["rollouts"] else "–",
        in_prose(budget["learning_rate"]),
        optimiser["schedule"],
        "–" if optimiser["schedule"] == "constant" else f"{optimiser['final_ratio']:g}",
        f"{optimiser['warmup']:g}",
        drawn,
        str(variant.runs),
    ]


def _optimisers(variants: list[Variant]) -> str:
    """What stages share, or each of what they have."""
    texts = dict.fromkeys(
        rf"$\beta_1, \beta_2 = {o['betas'][0]:g}, {o['betas'][1]:g}$, weight decay {in_prose(o['weight_decay'])}"
        f" and gradients of a norm of at most {in_prose(o['clip'])}"
        for o in (variant.recipe["optimiser"] for variant in variants)
    )
    return ", or ".join(texts)


def _algorithms(variants: list[Variant]) -> Iterator[list[str]]:
    """What the algorithms are given, once for all stages with the same."""
    stages: dict[str, list[str]] = {}
    for variant in variants:
        algorithm = variant.recipe["algorithm"]
        text = f"{algorithm['name'].replace('_', ' ')}: {_coefficients(algorithm)}"
        stages.setdefault(text, []).append(_named(variant))
    for text, names in stages.items():
        yield ["; ".join(names), escaped(text.replace("_", " "))]


def _coefficients(algorithm: Json) -> str:
    """All keys but those with columns of their own."""
    shown = {key: value for key, value in algorithm.items() if key not in ("name", "sampling")}
    return "; ".join(
        f"{key.replace('_', ' ').replace('.', ' ')} {_plain(value)}"
        for key, value in flat(shown, ".")
    )


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return " to ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
