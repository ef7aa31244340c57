"""Numbers of docs/findings.md, which are those of the kept results; none of them is typed.

In that page `{{ number("gain:policy_optimisation:sft-grpo:metametric") }}` is a number by the key that the paper's
prose has for it (`simagents numbers`), and `{{ table("policy_optimisation") }}` a kept table.
"""

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from simagents.errors import InputError, unknown_value
from simagents.files import read_json
from simagents.report.numbers import of_table

PAGE = "findings"
KEPT = Path("results/reference/small")


def rendered(text: str, root: Path) -> str:
    """The page with its numbers. Raises InputError for a number or a table that was not kept."""
    tables = {path.stem: read_json(path) for path in sorted((root / KEPT / "tables").glob("*.json"))}
    facts = dict(fact for name, cells in tables.items() for fact in of_table(name, cells))

    def number(key: str) -> str:
        if key not in facts:
            raise unknown_value(key, f"{PAGE}.md, number", facts)
        return facts[key].replace("$-$", "−").replace("$+$", "+").replace("$<$", "<")

    def table(name: str) -> str:
        path = root / KEPT / "tables" / f"{name}.md"
        if not path.exists():
            raise InputError(f"{PAGE}.md, table: {path} was not kept.")
        return path.read_text()

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.globals |= {"number": number, "table": table}
    return environment.from_string(text).render()
