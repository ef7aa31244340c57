"""Power of every published ordering at a scale, before anything is submitted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from simagents.config.reading import read
from simagents.errors import InputError, unknown_value
from simagents.files import print_or_write
from simagents.planning.exhibits import Exhibit, PlannedRow
from simagents.planning.plan import Plan
from simagents.power.detection import (
    GOAL,
    Count,
    Spread,
    detectable,
    least_scenes,
    least_seeds,
    power,
)
from simagents.power.spreads import measured, read_spreads
from simagents.report.columns import column
from simagents.report.orderings import SIGNIFICANT
from simagents.report.published import Published, read_published
from simagents.report.rows import Row
from simagents.report.scores import by_seed, read_scores

_POWER = (
    "Power is the probability of a verdict if the published difference is the true one. It is that of"
    " Holm's first step, p below 0.05 divided by the table's orderings. Later steps are easier, so it"
    " is a lower limit. One seed gives no verdict."
)
_NEVER = (
    f"Needed: for {GOAL:.0%} power; `never` where the spread over seeds alone, or over scenes alone, is"
    " too large. WOMD's validation split has 44,097 scenes."
)


@dataclass
class Args:
    """How likely the seeds and scenes of a scale resolve each published difference, and how many it takes."""

    scale: str = "paper"
    """demo, small, lab or paper"""
    spread: str = "published"
    """a name in config/spread.yaml: where the spreads of differences come from"""
    measured: str | None = None
    """a scale with several seeds whose scores give the spreads instead"""
    tables: tuple[str, ...] = ()
    """names of tables; all that have published values if none is given"""
    brief: bool = False
    """without the table of all orderings"""
    out: Path | None = None
    """write there instead of printing"""
    root: Path = Path()
    """folder of the repository"""


@dataclass(frozen=True)
class PublishedOrdering:
    """Two rows of a table that its paper orders."""

    better: str
    worse: str
    published: float
    """by how much"""


@dataclass(frozen=True)
class Analysis:
    """A published table, and the experiment that would resolve it."""

    name: str
    orderings: list[PublishedOrdering]
    column: str
    """by which rows are compared"""
    spread: Spread
    seeds: int
    scenes: int
    shared: str | None
    """the stage whose run all seeds have in common"""

    @property
    def p(self) -> float:
        """What a p value must not exceed where all others are larger: Holm's first step."""
        return SIGNIFICANT / len(self.orderings)

    def power(self, ordering: PublishedOrdering) -> float:
        return power(ordering.published, self.spread, self.seeds, self.scenes, self.p)


def main(args: Args) -> None:
    """Print Markdown, or write it."""
    print_or_write(report(args), args.out)


def report(args: Args) -> str:
    """All of it. Raises InputError where a table has no published values, or a spread is missing."""
    plan = Plan.of(read(args.root, {"scale": args.scale}))
    source, spreads = read_spreads(args.root / "config/spread.yaml", args.spread)
    scored = None
    if args.measured is not None:
        scored = Plan.of(read(args.root, {"scale": args.measured}))
        source = f"measured at scale {args.measured}, pooled over the orderings of each table."
    analyses, left_out = [], []
    for name, published in published_tables(plan, args.root, args.tables).items():
        compared = published.compared
        if scored is not None and measurable(scored, name, published):
            spread = spread_of(scored, name, published, args.root)
        elif scored is None and compared in spreads:
            spread = spreads[compared]
        elif args.tables and scored is not None:
            raise InputError(
                f"tables.{name}: has no two rows at scale {args.measured} that its paper orders by a score of"
                f" scenes ({column(compared).title}), so no spread can be measured; leave it out of --tables."
            )
        elif args.tables:
            raise unknown_value(compared, f"config/spread.yaml, {args.spread}.columns", spreads)
        else:
            left_out.append(f"{name} (by {column(compared).title})")
            continue
        found = analysis(plan, name, published, spread)
        if found.orderings:  # a scale may show one published row alone
            analyses.append(found)
    return text(plan, analyses, source, args.brief, left_out)


def published_tables(plan: Plan, root: Path, names: tuple[str, ...]) -> dict[str, Published]:
    """Published tables with values, by the names of the tables here.

    Raises InputError for a table that is not there or has no published values.
    """
    found = {}
    for name in plan.tables:
        file = plan.tables[name].settings.published
        published = read_published(root / f"paper/published/{file}.csv") if file else None
        if published and published.has_values:
            found[name] = published
    for name in names:
        if name not in found:
            raise unknown_value(name, "--tables", found)
    return {name: found[name] for name in names or found}


def ordered_rows(
    exhibit: Exhibit, published: Published
) -> Iterator[tuple[PlannedRow, PlannedRow, float]]:
    """Pairs of rows that the paper orders, the better one first, and by how much."""
    for earlier, later in combinations(exhibit.rows, 2):
        gap = published.gap(later.published, earlier.published)
        if gap:
            better, worse = (later, earlier) if gap > 0 else (earlier, later)
            yield better, worse, abs(gap)


def analysis(plan: Plan, name: str, published: Published, spread: Spread) -> Analysis:
    """Of one table. Raises InputError where a scale does not say how many scenes it scores."""
    exhibit = plan.tables[name]
    scenes = plan.evaluations[exhibit.evaluation].limit
    if not scenes:
        raise InputError(
            f"tables.{name}: scores all scenes (`limit: 0`), of which the plan knows no number; set"
            " evaluation.limit."
        )
    pairs = list(ordered_rows(exhibit, published))
    return Analysis(
        name=name,
        orderings=[
            PublishedOrdering(better.label, worse.label, gap) for better, worse, gap in pairs
        ],
        column=published.compared,
        spread=spread,
        seeds=len(plan.seeds_of(exhibit.settings)),
        scenes=scenes,
        shared=next((row.shared for row in exhibit.rows if row.shared), None),
    )


def measurable(plan: Plan, name: str, published: Published) -> bool:
    """Whether the scale has the table, with rows that the paper orders by what every scene has a score of."""
    of_scores = column(published.compared).of_scores
    return of_scores and name in plan.tables and any(ordered_rows(plan.tables[name], published))


def spread_of(plan: Plan, name: str, published: Published, root: Path) -> Spread:
    """The spread of a table's published orderings in the scores of a scale.

    Raises InputError where scores are missing, and where the scale has one seed.
    """
    exhibit, key = plan.tables[name], published.compared
    deltas = []
    for pair in ordered_rows(exhibit, published):
        rows = [Row(row.label, tuple(s.id for s in row.systems)) for row in pair[:2]]
        systems = sorted({system for row in rows for system in row.systems})
        folder = root / plan.results / "scores"
        chunks = range(plan.config.compute.chunks)
        evaluation = plan.evaluation_id(exhibit.evaluation)
        paths = [
            folder / system / evaluation / f"{n}.parquet" for system in systems for n in chunks
        ]
        _, scores = read_scores(paths)
        better, worse = (by_seed(row, scores, key) for row in rows)
        deltas.append(better - worse)
    # Two rows without training have no seeds.
    several = [delta for delta in deltas if len(delta) > 1]
    return measured(several or deltas)


def text(
    plan: Plan, analyses: list[Analysis], source: str, brief: bool, left_out: list[str]
) -> str:
    """Markdown: the experiment, a line for each table, and one for each ordering.

    `left_out` are published tables whose spread nobody has measured.
    """
    lines = [
        f"Scale {plan.config.scale}, training seeds: {_seeds(plan, analyses)}, scenes:"
        f" {plan.config.evaluation.limit}. Spreads: {source}",
        "",
        "| table | orderings | published differences | spread over seeds, scenes, residual"
        f" | resolved here with {GOAL:.0%} power | least difference with that power |",
        "|---|--:|--:|--:|--:|--:|",
        *map(_table_line, analyses),
    ]
    shared = ", ".join(sorted({each.shared for each in analyses if each.shared}))
    if shared:
        lines += [
            "",
            f"All seeds share one run of {shared}; a verdict does not cover its training.",
        ]
    if left_out:
        lines += ["", f"Spread not known, so left out: {', '.join(left_out)}."]
    lines += ["", _POWER]
    if not brief:
        lines += [
            "",
            "| table | the paper puts | above | by | power here | scenes needed at these seeds"
            " | seeds needed on these scenes |",
            "|---|---|---|--:|--:|--:|--:|",
            *(_ordering_line(each, ordering) for each in analyses for ordering in each.orderings),
            "",
            _NEVER,
        ]
    return "\n".join(lines)


def _seeds(plan: Plan, analyses: list[Analysis]) -> str:
    """Of the scale, and of tables that have others."""
    of_scale = len(plan.config.seeds)
    others = [f"{each.seeds} for {each.name}" for each in analyses if each.seeds != of_scale]
    return f"{of_scale} ({', '.join(others)})" if others else str(of_scale)


def _table_line(each: Analysis) -> str:
    of = column(each.column)
    gaps = [ordering.published for ordering in each.orderings]
    resolved = sum(each.power(ordering) >= GOAL for ordering in each.orderings)
    spread = f"{each.spread.seed:.2g}, {each.spread.scene:.2g}, {each.spread.residual:.2g}"
    printed = " to ".join(dict.fromkeys(map(of.format, (min(gaps), max(gaps)))))
    return (
        f"| {each.name}, {of.title.lower()} | {len(gaps)} | {printed} | {spread}"
        f" | {resolved} of {len(gaps)} | {_or_never(_detectable(each), of.format)} |"
    )


def _or_never(number: Count | None, format_: Callable[[Count], str]) -> str:
    return "never" if number is None else format_(number)


def _detectable(each: Analysis) -> float | None:
    return detectable(each.spread, each.seeds, each.scenes, each.p)


def _ordering_line(each: Analysis, ordering: PublishedOrdering) -> str:
    gap, spread = ordering.published, each.spread
    scenes = least_scenes(gap, spread, each.seeds, each.p)
    seeds = least_seeds(gap, spread, each.scenes, each.p)
    return (
        f"| {each.name} | {ordering.better} | {ordering.worse} | {column(each.column).format(gap)}"
        f" | {each.power(ordering):.0%} | {_or_never(scenes, '{:,}'.format)}"
        f" | {_or_never(seeds, '{:,}'.format)} |"
    )
