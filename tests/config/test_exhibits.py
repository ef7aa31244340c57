"""What the configuration knows of columns, and what the report does: the same."""

import pytest

from simagents.config.exhibits import (
    OF_DIFFERENCE,
    OF_GOALS,
    OF_HISTORY,
    OF_PAIRS,
    OF_PLANNERS,
    OF_TOKENS,
)
from simagents.report.columns import COLUMNS


@pytest.mark.parametrize(
    ("kind", "belongs"),
    [
        (OF_GOALS, lambda column: column.over == "goal_agents"),
        (OF_HISTORY, lambda column: column.of_history),
        (OF_DIFFERENCE, lambda column: column.of_difference),
        (OF_PLANNERS, lambda column: column.of_planners),
        (OF_PAIRS, lambda column: column.of_pairs),
        (OF_TOKENS, lambda column: column.of_tokens),
    ],
)
def test_kinds_of_columns_are_those_of_the_report(kind, belongs):
    assert kind == {key for key, column in COLUMNS.items() if belongs(column)}
