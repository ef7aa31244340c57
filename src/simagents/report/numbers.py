r"""Every number of the paper's prose as a LaTeX macro, so that none is typed by hand.

What the paper may write, and what it gets:

    \scale \dataSource \commit
    \apart                           "Scale: demo" or what else forbids comparison with published numbers; or empty
    \seedCount                       of the scale; a table may have seeds of its own
    \sharing                         a sentence where all seeds share the run of a stage, else nothing
    \challengeYear \scenarioCount \rolloutCount   of the paper's default evaluation
    \challengeof{table} \scenariosof{table} \rolloutsof{table}   of the table's own evaluation
    \cell{table}{row}{column}        mean, as the table prints it: \cell{baselines}{bc}{min_ade}; of a column about
                                     pairs with the other row: \cell{planner_rank_pairs}{bc}{rank_pairs:log-playback}
    \drivesof{table}                 a sentence: how many planners drove in how many scenes
    \cellerror{table}{row}{column}   its standard error
    \gain{table}{row}                meta-metric minus that of the table's first row, with sign
    \gaininterval{table}{row}        its interval, [low, high]
    \gainverdict{table}{row}         above, below, not resolved from, or, at one training seed, not judged
                                     against the first row
    \difference{table}{row}{to}{column}          mean of the row minus that of an earlier row
    \differenceinterval{table}{row}{to}{column}  its interval
    \differenceverdict{table}{row}{to}{column}   the same, of an earlier row
    \ifinpaper{exhibit}{yes}{no}     whether this scale has the table or figure, or leaves it for demand
    \ifimported{stage}{yes}{no}      whether the stage's model was trained elsewhere
    \vocabulary{part}{key}           of the report on the vocabularies: \vocabulary{vehicle}{tokens}
    \fact{key}                       of the plan: \fact{model.width}
    \figurecaption{figure}           from the configuration, and what its numbers were measured on
    \published{file}{row}{column}    of a published table: \published{smartr1_table3_training_strategy}{bc}{metametric}

A row goes by its label in small letters with hyphens, `BC + SFT` by bc-sft. What does not exist is
an error of LaTeX and never blank; a number that is not defined prints as n/a.

`--plan-facts` is JSON:

    scale, data    as the tables say
    evaluation     digest of the paper's default evaluation; without it all tables must agree
    captions       {figure: LaTeX}
    figures        {figure: {tables: names of those that it draws, evaluation: digest or null, seeds: number,
                   first_seed: whether it shows one seed alone}}, for the figures of this copy
    imported       names of the stages whose models were trained elsewhere
    facts          any nesting of mappings, lists and values; mappings become dotted keys, lists
                   are joined by commas. The paper asks for seeds, scenarios (of the
                   source), tokens, tokenizers, model, budgets, evaluation, stages, as in the configuration
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simagents.config.changes import flat
from simagents.errors import InputError
from simagents.files import read_json, read_object, replacing
from simagents.provenance import commit
from simagents.report.apart import apart
from simagents.report.cells import COMPARED, sharing
from simagents.report.columns import Column, column
from simagents.report.latex import escaped, in_prose, signs, wording
from simagents.report.notes import counted, data_of, drives_of, measured
from simagents.report.pairs import ONE_SEED
from simagents.report.published import read_published

Json = dict[str, Any]

_LOOKUP = r"""% Numbers of the paper. Written by `simagents numbers`; do not edit.
\newcommand{\resultof}[1]{\ifcsname result:#1\endcsname\csname result:#1\endcsname\else
  \PackageError{results}{There is no result `#1'}{See results.tex for those there are.}\fi}
\newcommand{\setresult}[2]{\expandafter\def\csname result:#1\endcsname{#2}}
\newcommand{\challengeof}[1]{\resultof{challenge:#1}}
\newcommand{\scenariosof}[1]{\resultof{scenarios:#1}}
\newcommand{\rolloutsof}[1]{\resultof{rollouts:#1}}
\newcommand{\drivesof}[1]{\resultof{drives:#1}}
\newcommand{\cell}[3]{\resultof{cell:#1:#2:#3}}
\newcommand{\cellerror}[3]{\resultof{error:#1:#2:#3}}
\newcommand{\gain}[2]{\resultof{gain:#1:#2}}
\newcommand{\gaininterval}[2]{\resultof{interval:#1:#2}}
\newcommand{\gainverdict}[2]{\resultof{verdict:#1:#2}}
\newcommand{\difference}[4]{\resultof{gain:#1:#2:#3:#4}}
\newcommand{\differenceinterval}[4]{\resultof{interval:#1:#2:#3:#4}}
\newcommand{\differenceverdict}[4]{\resultof{verdict:#1:#2:#3:#4}}
\newcommand{\ifinpaper}[3]{\ifcsname inpaper:#1\endcsname#2\else#3\fi}
\newcommand{\ifimported}[3]{\ifcsname imported:#1\endcsname#2\else#3\fi}
\newcommand{\vocabulary}[2]{\resultof{vocabulary:#1:#2}}
\newcommand{\fact}[1]{\resultof{fact:#1}}
\newcommand{\figurecaption}[1]{\resultof{caption:#1}}
\newcommand{\published}[3]{\resultof{published:#1:#2:#3}}
"""


@dataclass
class Args:
    """Write the numbers of the paper's prose as LaTeX macros."""

    cells: list[Path]
    """of every table, from `simagents cells`"""
    vocabulary_report: Path
    """from `simagents vocabulary`"""
    plan_facts: str
    """JSON: scale, data, evaluation, captions of figures, facts"""
    out: Path
    """results.tex"""
    published: list[Path] = field(default_factory=list)
    """published tables (.csv) whose values the prose cites"""


def main(args: Args) -> None:
    """Write the macros."""
    tables = {path.stem: read_json(path) for path in args.cells}
    plan = read_object(args.plan_facts, "--plan-facts", dict)
    lines = [_LOOKUP]
    for name, value in common_facts(tables, plan).items():
        lines.append(rf"\newcommand{{\{name}}}{{{value}}}")
    lines.append(rf"\newcommand{{\commit}}{{{escaped(commit())}}}")
    results = [
        *(item for name, cells in tables.items() for item in of_table(name, cells)),
        *_prefixed("vocabulary", flat(read_json(args.vocabulary_report), ":")),
        *_prefixed("fact", flat(plan.get("facts", {}), ".")),
        *captions(tables, plan),
        *(item for path in args.published for item in of_published(path)),
    ]
    flags = [f"inpaper:{name}" for name in (*tables, *plan.get("figures", ()))]
    flags += [f"imported:{name}" for name in plan.get("imported", ())]
    lines += [rf"\expandafter\def\csname {flag}\endcsname{{}}" for flag in flags]
    lines += [rf"\setresult{{{key}}}{{{text}}}" for key, text in results]
    with replacing(args.out) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def of_published(path: Path) -> Iterator[tuple[str, str]]:
    """Values of a published table, as our own tables print them; n/a where one is not known."""
    table = read_published(path)
    slugs = _unlike(table.name, list(table.values))
    for key, values in zip(slugs, table.values.values(), strict=True):
        for quantity, value in values.items():
            yield f"published:{table.name}:{key}:{quantity}", signs(column(quantity).format(value))


def _unlike(name: str, labels: list[str]) -> list[str]:
    """Labels as names. Raises InputError where two are the same."""
    slugs = list(map(slug, labels))
    if len(set(slugs)) < len(slugs):
        raise InputError(f"{name}: two rows go by the same name ({', '.join(slugs)}).")
    return slugs


def captions(tables: Mapping[str, Json], plan: Json) -> Iterator[tuple[str, str]]:
    """Captions of figures, with the conditions of those that this copy shows."""
    shown = plan.get("figures", {})
    for name, text in plan.get("captions", {}).items():
        after = f" {escaped(conditions(shown[name], tables, plan))}" if name in shown else ""
        yield f"caption:{name}", wording(text) + after


def conditions(of: Json, tables: Mapping[str, Json], plan: Json) -> str:
    """A sentence under a figure: data, metric, seeds. `of` is an entry of `figures`, as in the head of this file."""
    drawn = [tables[name] for name in of["tables"]]
    scored = [cells for cells in tables.values() if cells["evaluation"] == of["evaluation"]]
    source = next(cells for cells in (plan, *tables.values()) if "data" in cells)
    facts = [f"{data_of(source)} data", *dict.fromkeys(map(measured, drawn or scored[:1]))]
    seeds = max((cells["seeds"] for cells in drawn), default=of["seeds"])
    if of["first_seed"]:
        facts.append("the first training seed")
    elif seeds:
        facts.append(counted(seeds, "training seed"))
    return f"{', '.join(facts)}."


def common_facts(tables: Mapping[str, Json], plan: Json) -> dict[str, str]:
    """What holds for the paper as a whole: of all tables, and of its default evaluation.

    Raises InputError where tables, or the plan, disagree, and where no table is scored by the
    default evaluation.
    """
    default = plan.get("evaluation")
    scored = [cells for cells in tables.values() if default in (None, cells["evaluation"])]
    if not scored:
        raise InputError(
            f"no table is scored by the paper's default evaluation {default}; give its cells."
        )
    everything = [*tables.values(), *([plan] if plan else [])]
    scale, data = (_agreed(everything, key) for key in ("scale", "data"))
    return {
        "scale": scale,
        "dataSource": data,
        "apart": apart(scale, data),
        "challengeYear": _agreed(scored, "challenge"),
        "scenarioCount": _agreed(scored, "scenarios"),
        "rolloutCount": _agreed(scored, "rollouts"),
        "seedCount": str(_seeds(tables, plan)),
        "sharing": escaped(next(filter(None, map(sharing, tables.values())), "")),
    }


def _seeds(tables: Mapping[str, Json], plan: Json) -> int:
    """How many the scale has. Without a plan: the largest number that a table has."""
    of_scale = plan.get("facts", {}).get("seeds")
    return len(of_scale) if of_scale else max(cells["seeds"] for cells in tables.values())


def _agreed(sources: list[Json], key: str) -> str:
    """The one value of a key in all sources that have it."""
    values = {source[key] for source in sources if key in source}
    if len(values) != 1:
        listed = ", ".join(sorted(map(str, values))) or "none"
        raise InputError(f"the tables disagree on `{key}` ({listed}); make them anew.")
    return in_prose(values.pop())


def of_table(name: str, cells: Json) -> Iterator[tuple[str, str]]:
    """How a table is scored, its cells and their errors, and differences between its rows."""
    for key in ("challenge", "scenarios", "rollouts"):
        yield f"{key}:{name}", in_prose(cells[key])
    if "planners" in cells:
        yield f"drives:{name}", escaped(drives_of(cells))
    slugs = _unlike(name, [row["label"] for row in cells["rows"]])
    for row, key in zip(cells["rows"], slugs, strict=True):
        for quantity, cell in row["cells"].items():
            of = column(quantity)
            if of.of_pairs:
                for to, pair in zip(slugs, cell["pairs"], strict=True):
                    yield f"cell:{name}:{key}:{quantity}:{to}", signs(of.format(pair["value"]))
                continue
            yield f"cell:{name}:{key}:{quantity}", signs(of.format(cell["mean"]))
            yield f"error:{name}:{key}:{quantity}", of.format(cell["standard_error"])
    for quantity, differences in cells["differences"].items():
        for difference in differences:
            row, to = slugs[difference["row"]], slugs[difference["to"]]
            yield from _gain(f"{name}:{row}:{to}:{quantity}", difference, column(quantity))
            if difference["to"] == 0 and quantity == COMPARED:
                yield from _gain(f"{name}:{row}", difference, column(quantity))


def _gain(key: str, difference: Json, of: Column) -> Iterator[tuple[str, str]]:
    mean, low, high = (signed(difference[end], of) for end in ("mean", "low", "high"))
    yield f"gain:{key}", mean
    yield f"interval:{key}", f"[{low}, {high}]"
    yield f"verdict:{key}", verdict(difference)


def verdict(difference: Json) -> str:
    """How a row stands to another, as words between their names."""
    if difference["covers"] == ONE_SEED:
        return "not judged, at one training seed, against"
    return {1: "above", -1: "below", 0: "not resolved from"}[sign(difference)]


def sign(difference: Json) -> int:
    """1 or -1 where the interval excludes zero; 0 where it does not or does not exist, and where it
    leaves out the choice of the training seed."""
    low, high = difference["low"], difference["high"]
    if low is None or high is None or difference["covers"] == ONE_SEED:
        return 0
    return int(low > 0) - int(high < 0)


def signed(value: float | None, of: Column) -> str:
    """With its sign, in LaTeX mathematics."""
    if value is None:
        return "n/a"
    text = of.format(abs(value))
    return f"${'-' if value < 0 else '+'}{text}$"


def slug(label: str) -> str:
    r"""A label as a name: `BC + SFT` is bc-sft, `$\alpha=0.77$` is alpha-0.77.

    A plus before a number is not lost: `$\alpha_0+0.1$` is alpha-0plus0.1.
    """
    letters = re.sub(r"\+(?=\d)", "plus", label.lower())
    return re.sub(r"[^a-z0-9.]+", "-", letters).strip("-")


def _prefixed(prefix: str, facts: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    return ((f"{prefix}:{key}", in_prose(value)) for key, value in facts)
