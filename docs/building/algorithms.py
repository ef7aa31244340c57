"""Tables of the algorithms' pages: settings with their provenance, stages, and what a step logs.

Beside `docs/algorithms/NAME.md`, which is written by hand, lies `NAME.yaml`:

- `stage`: whose settings at scale paper are shown;
- `also`: other stages that learn this way, of which the differences are shown;
- `algorithms`, `credits`: kinds of the configuration that the page describes;
- `code`: modules;
- `settings`: for every key where its value is from: a tag (choices/index.md), or a tag and what is published;
- `logs`: names of numbers, which `logged.yaml` describes;
- `cases`: of `tests/algorithm_cases.py`, whose logged names a test compares with `logs`.

`common.yaml` has the provenance of the optimiser's keys, where a page says nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simagents.config.changes import flat
from simagents.config.keys import Settings, fields_of
from simagents.config.reading import read
from simagents.config.recipe import Recipe
from simagents.config.stages import Stage
from simagents.errors import InputError
from simagents.planning.plan import Plan

FOLDER = Path("docs/algorithms")
TAGS = ("PAPER", "PDFNOTE", "BLOG", "OTHER-PAPER", "REPO", "DERIVED", "OURS")
_SHARED = ("common", "logged")
_BUDGET = ("steps", "batch", "learning_rate", "rollouts")


@dataclass(frozen=True)
class Row:
    """A setting of a recipe."""

    key: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Page:
    """What the YAML file of a page says."""

    name: str
    stage: str
    algorithms: list[str]
    code: list[str]
    settings: dict[str, str | list[str]]
    logs: list[str]
    also: list[str]
    credits: list[str]
    cases: list[str]

    @staticmethod
    def read(path: Path) -> "Page":
        """Raises TypeError for a key that there is not, or that is missing."""
        content = {"also": [], "credits": [], "cases": [], **yaml.safe_load(path.read_text())}
        return Page(path.stem, **content)


def all_pages(root: Path) -> list[Page]:
    """In the order of their names."""
    paths = sorted((root / FOLDER).glob("*.yaml"))
    return [Page.read(path) for path in paths if path.stem not in _SHARED]


def pages(root: Path) -> dict[str, str]:
    """Parts that the algorithms' pages include."""
    plan = Plan.of(read(root, {"scale": "paper"}))
    common = yaml.safe_load((root / FOLDER / "common.yaml").read_text())
    meanings = yaml.safe_load((root / FOLDER / "logged.yaml").read_text())
    texts = {
        f"_generated/algorithms/{page.name}.md": part(page, plan, common, meanings)
        for page in all_pages(root)
    }
    texts["_generated/algorithms/every.md"] = "\n".join(_logged(meanings["every"], meanings))
    return texts


def part(page: Page, plan: Plan, common: dict, meanings: dict) -> str:
    """Settings, stages, logged numbers and code of one page."""
    head = f"Of stage `{page.stage}` at scale `paper`. [Tags](../choices/index.md) say where a value is from."
    return "\n".join([
        "## Settings", "", head, "", *_settings(page, plan, common), "",
        "## Stages", "", *_stages(page, plan), "",
        "## What a step logs", "",
        "Beside [what every algorithm logs](index.md#what-every-algorithm-logs), in `history.jsonl`:", "",
        *_logged(page.logs, meanings), "",
        "## Code", "", ", ".join(f"{{py:mod}}`{name}`" for name in page.code) + ".", "",
    ])  # fmt: skip


def recipe_of(stage: str, plan: Plan) -> Recipe:
    """The recipe of a stage as it is, under the first seed."""
    algorithm = plan.config.stages[stage].algorithm
    for run in plan.runs.values():
        if run.stage == stage and run.recipe.algorithm == algorithm:
            return run.recipe
    raise InputError(f"{FOLDER}: no table of scale paper has the stage `{stage}`.")


def rows(recipe: Recipe) -> Iterator[Row]:
    """Every setting of a recipe that belongs to how it learns."""
    yield from _leaves(recipe.algorithm, "algorithm")
    fields = fields_of(type(recipe))
    yield Row("trains", recipe.trains, fields["trains"].description)
    for row in _leaves(recipe.budget, "budget"):
        if row.key.removeprefix("budget.") in _BUDGET:
            yield row
    yield from _leaves(recipe.optimiser, "optimiser")


def _leaves(settings: Settings, path: str) -> Iterator[Row]:
    for name, field in fields_of(type(settings)).items():
        value, here = getattr(settings, name), f"{path}.{name}"
        if field.exclude_if is not None and field.exclude_if(value):
            continue  # a key that is left out
        if isinstance(value, Settings):
            yield from _leaves(value, here)
        else:
            yield Row(here, _shown(value), " ".join((field.description or "").split()))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(map(_shown, value))
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def provenance(page: Page, key: str, common: dict) -> tuple[str, str]:
    """(tag, published value) of a key. Raises InputError where the page says nothing, or no such tag."""
    said = page.settings.get(key, common.get(key))
    if said is None:
        raise InputError(f"{FOLDER}/{page.name}.yaml, settings: `{key}` has no provenance.")
    tag, published = (said, "") if isinstance(said, str) else said
    if unknown := [each for each in tag.split(", ") if each not in TAGS]:
        raise InputError(f"{FOLDER}/{page.name}.yaml, settings.{key}: no tag `{unknown[0]}`.")
    return tag, str(published) or ("not found" if tag == "OURS" else "same")


def _settings(page: Page, plan: Plan, common: dict) -> list[str]:
    lines = ["| key | value | published | tag | meaning |", "|---|---|---|---|---|"]
    for row in rows(recipe_of(page.stage, plan)):
        tag, published = provenance(page, row.key, common)
        lines.append(f"| {_linked(row)} | {row.value} | {published} | {tag} | {row.meaning} |")
    return lines


def _linked(row: Row) -> str:
    """The key, which leads to the reference where its value is a kind of settings."""
    last = row.key.rpartition(".")[2]
    if last in ("name", "rule", "kind", "choice") and row.value.isidentifier():
        return f"[`{row.key}`](#key-{row.value})"
    return f"`{row.key}`"


def _stages(page: Page, plan: Plan) -> list[str]:
    stages = plan.config.stages
    first = _flat(stages[page.stage])
    lines = ["| stage | from | differs by | rows of |", "|---|---|---|---|"]
    for name in (page.stage, *page.also):
        own = _flat(stages[name])
        keys = sorted(
            key for key in first.keys() | own.keys()
            if key != "from" and own.get(key) != first.get(key)
        )  # fmt: skip
        differs = ", ".join(
            f"`{key}: {_shown(own[key])}`" if key in own else f"no `{key}`" for key in keys
        )
        tables = [
            t for t, table in plan.tables.items() if any(name in _of(row) for row in table.rows)
        ]
        start = stages[name].from_
        lines.append(
            f"| `{name}` | {f'`{start}`' if start else 'random weights'} | {differs or '–'}"
            f" | {', '.join(f'`{table}`' for table in tables) or '–'} |"
        )
    return lines


def _flat(stage: Stage) -> dict[str, Any]:
    content = stage.model_dump(mode="json", by_alias=True)
    return {key: value for key, value in flat(content, ".") if value is not None}


def _of(row: Any) -> set[str]:
    return {getattr(system, "stage", "") for system in row.systems}


def _logged(names: list[str], meanings: dict) -> list[str]:
    lines = ["| name | meaning |", "|---|---|"]
    for name in names:
        if name not in meanings["names"]:
            raise InputError(f"{FOLDER}/logged.yaml, names: `{name}` has no meaning.")
        lines.append(f"| `{name}` | {meanings['names'][name]} |")
    return lines
