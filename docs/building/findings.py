"""Numbers of docs/findings.md, which are those of the kept results; none of them is typed.

In that page `{{ number("gain:policy_optimisation:sft-grpo:metametric") }}` is a number by the key that the paper's
prose has for it (`simagents numbers`), `{{ kept("tables/alpha.md") }}` a kept text,
`{{ entry("gradients/noise.md", "N = 4", "MLOO", "scenes") }}` a cell of the table whose first head is `N = 4`,
`{{ folders() }}` which folder has which tables, and `{{ repeated() }}` what `simagents repeat` says of the first
machine and each other that trained some of the same runs. `rows("alpha")` are labels and names of a table's rows,
`{% if has("alpha") %}` begins a section that waits for its table, and `{{ missing() }}` names the tables of the scale
that nobody has computed yet.
"""

import re
from itertools import takewhile
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from simagents.config.reading import read
from simagents.errors import InputError, unknown_value
from simagents.files import read_json
from simagents.planning.plan import Plan
from simagents.reference.repeat import compared, markdown
from simagents.report.numbers import of_table, slug

PAGE = "findings"
KEPT = tuple(
    Path("results/reference") / name
    for name in ("small-xeon", "small-zen5", "small-epyc", "small-zen4", "small-zen5-second")
)
"""Of scale small, each from one machine; what several have is that of the first."""


def rendered(text: str, root: Path) -> str:
    """The page with its numbers. Raises InputError for a number or a file that was not kept."""
    of = {folder: sorted((root / folder).glob("tables/*.json")) for folder in KEPT}
    tables = {path.stem: read_json(path) for folder in reversed(KEPT) for path in of[folder]}
    facts = dict(fact for name, cells in tables.items() for fact in of_table(name, cells))

    def number(key: str) -> str:
        if key not in facts:
            raise unknown_value(key, f"{PAGE}.md, number", facts)
        return re.sub(r"-(?=\d)", "−", facts[key].replace("$", ""))

    def kept(name: str) -> str:
        # Its headings are below those of the page.
        return re.sub("^#", "###", kept_file(root, name).read_text(), flags=re.MULTILINE)

    def entry(name: str, head: str, row: str, column: str) -> str:
        lines = [re.split(r" *\| *", line)[1:-1] for line in kept(name).splitlines()]
        start = next((at for at, cells in enumerate(lines) if cells[:1] == [head]), len(lines))
        for cells in takewhile(bool, lines[start + 1 :]):
            if cells[0] == row and column in lines[start]:
                return cells[lines[start].index(column)].replace("-", "−")
        raise InputError(f"{PAGE}.md: {name} has no {column} of {row} in a table of {head}.")

    def has(table: str) -> bool:
        return table in tables

    def rows(table: str) -> list[tuple[str, str]]:
        """Label of each row, and how numbers name it."""
        return [(row["label"], slug(row["label"])) for row in tables[table]["rows"]]

    def missing() -> str:
        planned = Plan.of(read(root, {"scale": "small", "data": "default"}))
        return ", ".join(
            f"`{name}`" for name in planned.by_default(planned.tables) if name not in tables
        )

    def folders() -> str:
        lines = [(folder, ", ".join(f"`{path.stem}`" for path in of[folder])) for folder in KEPT]
        return "\n".join(f"- `{folder.name}`: {names}" for folder, names in lines if names)

    def repeated() -> str:
        first, *others = (folder for folder in KEPT if of[folder])
        lines = {other: list(compared(root / first, root / other)) for other in others}
        parts = [
            f"`{first.name}`, kept, and `{other.name}`, repeated:\n\n" + markdown(in_common)
            for other, in_common in lines.items()
            if in_common
        ]
        return "\n".join(parts)

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals |= {
        "number": number, "kept": kept, "entry": entry, "has": has, "rows": rows, "missing": missing,
        "folders": folders, "repeated": repeated,
    }  # fmt: skip
    return environment.from_string(text).render()


def kept_file(root: Path, name: str) -> Path:
    """Of the first folder that has it. Raises InputError where none does."""
    for folder in KEPT:
        if (root / folder / name).exists():
            return root / folder / name
    raise InputError(f"{root / KEPT[0] / name} was not kept.")
