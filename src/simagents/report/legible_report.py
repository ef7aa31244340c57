"""`simagents legible-report`: the drawing of the workflow in Snakemake's HTML report, by rules.

Snakemake writes the report as one page that needs no network. Only the drawing is replaced.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from simagents.errors import InputError
from simagents.files import replacing
from simagents.report.workflow_drawing import drawing


@dataclass
class Args:
    """Draw the workflow of Snakemake's HTML report legibly, in place."""

    report: Annotated[Path, tyro.conf.Positional]
    """from `snakemake --report`"""


def main(args: Args) -> None:
    """Replace the drawing."""
    if not args.report.exists():
        raise InputError(f"{args.report}: there is no such file; run snakemake --report first.")
    text = args.report.read_text(encoding="utf-8")
    with replacing(args.report) as temporary:
        temporary.write_text(redrawn(text, str(args.report)), encoding="utf-8")


def redrawn(text: str, name: str) -> str:
    """The page with another drawing. Raises InputError where it is no report of Snakemake."""
    spec, start, end = variable_of(text, "rulegraph_spec", name)
    rules, _, _ = variable_of(text, "rules", name)
    if "node-data" not in {part["name"] for part in spec["data"]}:
        return text  # it was redrawn before
    jobs = {rule: facts["n_jobs"] for rule, facts in rules.items()}
    return text[:start] + json.dumps(drawing(spec, jobs)) + text[end:]


def variable_of(text: str, variable: str, name: str) -> tuple[dict, int, int]:
    """An object that a script of the page defines, and where its text begins and ends.

    Raises InputError where there is none.
    """
    found = re.search(rf"\bvar {variable} = (?=\{{)", text)
    if not found:
        raise InputError(
            f"{name}: no `{variable}` in it; is it an HTML report of Snakemake 9 (--report x.html)?"
        )
    value, end = json.JSONDecoder().raw_decode(text, found.end())
    return value, found.end(), end
