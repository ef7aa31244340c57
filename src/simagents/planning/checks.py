"""In what a table or figure may contradict itself: one check for each sentence."""

from collections.abc import Collection, Mapping

from simagents.config.evaluation import Evaluation
from simagents.config.exhibits import MOST_PAIRED, OF_GOALS, OF_PAIRS, OF_TOKENS, Table
from simagents.errors import InputError, unknown_value
from simagents.planning.exhibits import Exhibit
from simagents.planning.runs import Baseline

LOG = Baseline("log", None).id
"""The system that planners' values are compared with."""


def check_exhibit(
    exhibit: Exhibit, evaluations: Mapping[str, Evaluation], tables: Collection[str], where: str
) -> None:
    """Raise InputError, which begins with `where`, at the first contradiction.

    `evaluations` and the names of `tables` are those that there are.
    """
    _evaluation_exists(exhibit, evaluations, where)
    _goals_are_evaluated(exhibit, evaluations, where)
    _scores_are_evaluated(exhibit, where)
    _planners_have_the_log(exhibit, where)
    _pairs_are_few(exhibit, where)
    _labels_differ(exhibit, where)
    _compared_row_exists(exhibit, where)
    _tables_exist(exhibit, tables, where)
    _rows_have_vocabularies(exhibit, where)


def _evaluation_exists(exhibit: Exhibit, evaluations: Mapping[str, Evaluation], where: str) -> None:
    if exhibit.evaluation is not None and exhibit.evaluation not in evaluations:
        raise unknown_value(exhibit.evaluation, f"{where}.evaluation", evaluations)


def _goals_are_evaluated(
    exhibit: Exhibit, evaluations: Mapping[str, Evaluation], where: str
) -> None:
    of_goals = sorted(exhibit.columns_of(OF_GOALS))
    if of_goals and evaluations[exhibit.evaluation].goals == "none":
        raise InputError(
            f"{where}: the column `{of_goals[0]}` needs an evaluation with `goals`, and"
            f" `{exhibit.evaluation}` has none."
        )


def _scores_are_evaluated(exhibit: Exhibit, where: str) -> None:
    of_scores = sorted({"scores", "pictures", "incidents"} & exhibit.reads)
    if of_scores and exhibit.evaluation is None:
        raise InputError(
            f"{where}: figures of kind {exhibit.settings.kind} read {of_scores[0]}, so its class"
            " `Settings` needs a key `evaluation`; add it there and here."
        )


def _planners_have_the_log(exhibit: Exhibit, where: str) -> None:
    if exhibit.drives_planners and LOG not in [row.systems[0].id for row in exhibit.rows]:
        raise InputError(
            f"{where}: planners are compared with the log; add a row with `baseline: log`."
        )


def _pairs_are_few(exhibit: Exhibit, where: str) -> None:
    of_pairs = sorted(exhibit.columns_of(OF_PAIRS))
    if of_pairs and len(exhibit.rows) > MOST_PAIRED:
        raise InputError(
            f"{where}: the column `{of_pairs[0]}` compares all pairs of at most {MOST_PAIRED} rows, and"
            f" there are {len(exhibit.rows)}; take some out."
        )


def _labels_differ(exhibit: Exhibit, where: str) -> None:
    if len({row.label for row in exhibit.rows}) < len(exhibit.rows):
        raise InputError(f"{where}: two rows have the same label.")


def _compared_row_exists(exhibit: Exhibit, where: str) -> None:
    over = exhibit.settings.over if isinstance(exhibit.settings, Table) else None
    labels = [row.label for row in exhibit.rows]
    if over is not None and over not in labels:
        raise unknown_value(over, f"{where}.over", labels)


def _tables_exist(exhibit: Exhibit, tables: Collection[str], where: str) -> None:
    for table in exhibit.tables:
        if table not in tables:
            raise unknown_value(table, f"{where}.tables", tables)


def _rows_have_vocabularies(exhibit: Exhibit, where: str) -> None:
    of_tokens = exhibit.columns_of(OF_TOKENS)
    for row in exhibit.rows:
        if of_tokens and row.systems[0].tokens is None:
            raise InputError(
                f"{where}: row `{row.label}` has no vocabulary; remove it or the columns"
                f" {', '.join(of_tokens)}."
            )
