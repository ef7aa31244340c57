"""Numbers of docs/findings.md, which are those of the kept results; none of them is typed.

In that page `{{ number("gain:policy_optimisation:sft-grpo:metametric") }}` is a number by the key that the paper's
prose has for it (`simagents numbers`), `{{ kept("tables/alpha.md") }}` a kept text, and
`{{ entry("gradients/noise.md", "N = 4", "MLOO", "scenes") }}` a cell of the table whose first head is `N = 4`.
"""

import re
from itertools import takewhile
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from simagents.errors import InputError, unknown_value
from simagents.files import read_json
from simagents.report.numbers import of_table

PAGE = "findings"
KEPT = Path("results/reference/small")


def rendered(text: str, root: Path) -> str:
    """The page with its numbers. Raises InputError for a number or a file that was not kept."""
    tables = {
        path.stem: read_json(path) for path in sorted((root / KEPT / "tables").glob("*.json"))
    }
    facts = dict(fact for name, cells in tables.items() for fact in of_table(name, cells))

    def number(key: str) -> str:
        if key not in facts:
            raise unknown_value(key, f"{PAGE}.md, number", facts)
        return re.sub(r"-(?=\d)", "−", facts[key].replace("$", ""))

    def kept(name: str) -> str:
        path = root / KEPT / name
        if not path.exists():
            raise InputError(f"{PAGE}.md: {path} was not kept.")
        return path.read_text()

    def entry(name: str, head: str, row: str, column: str) -> str:
        lines = [re.split(r" *\| *", line)[1:-1] for line in kept(name).splitlines()]
        start = next((at for at, cells in enumerate(lines) if cells[:1] == [head]), len(lines))
        for cells in takewhile(bool, lines[start + 1 :]):
            if cells[0] == row and column in lines[start]:
                return cells[lines[start].index(column)].replace("-", "−")
        raise InputError(f"{PAGE}.md: {name} has no {column} of {row} in a table of {head}.")

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals |= {"number": number, "kept": kept, "entry": entry}
    return environment.from_string(text).render()
