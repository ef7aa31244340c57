"""Exhibits: the tables of a paper, and the rows that tables and figures have in common."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from simagents.config.data import Seeds
from simagents.config.keys import Settings

Baseline = Literal[
    "log", "constant_velocity", "braking", "stand_still", "intelligent_driver", "random_tokens"
]
READ_TOKENS = frozenset({"random_tokens"})
"""Baselines that act by a motion vocabulary; the others need scenarios only."""

OfGoals = Literal["pass_miss", "best_pass_miss", "reach_rate", "pass_rate"]
OfHistory = Literal["kl", "cross_entropy", "map_rise", "neighbour_rise"]
OfDifference = Literal[
    "difference", "difference_low", "difference_high", "p", "paired_t", "p_scenarios"
]
OfPlanners = Literal[
    "rank_log", "rank_low", "rank_high", "rank_halves", "rank_pairs",
    "value_error", "error_low", "error_high", "error_noise", "error_halves", "error_pairs",
    "value_mean", "value_spread",
]  # fmt: skip
OfTokens = Literal[
    "vehicle_tokens", "pedestrian_tokens", "cyclist_tokens", "reconstruction", "dead_tokens"
]
ColumnName = Literal[
    "metametric", "kinematic", "interactive", "map", "min_ade", "ade", "distance", "collision_rate", "offroad_rate",
    "red_light_rate", OfGoals,
    "linear_speed", "linear_acceleration", "angular_speed", "angular_acceleration",
    "nearest_object", "collision", "time_to_collision", "road_edge", "offroad", "traffic_light", OfHistory,
    OfDifference, OfPlanners, OfTokens,
]  # fmt: skip

OF_GOALS = frozenset(get_args(OfGoals))
"""Columns that only evaluations with goals fill."""
OF_HISTORY = frozenset(get_args(OfHistory))
"""Columns that were logged while the row's systems were trained."""
OF_DIFFERENCE = frozenset(get_args(OfDifference))
"""Columns that compare every row with one of them."""
OF_PLANNERS = frozenset(get_args(OfPlanners))
"""Columns of what planners are worth among the row's agents; the table needs a row of the log."""
OF_PAIRS = frozenset({"rank_pairs", "error_pairs"})
"""Those that compare every row with every other one; each becomes as many columns as there are rows."""
MOST_PAIRED = 8
"""Rows of a table with such a column; more are too small to read on a page."""
OF_TOKENS = frozenset(get_args(OfTokens))
"""Columns of the row's vocabulary; its systems need one."""


class Row(Settings):
    """A system, or several that differ in the values of some keys."""

    label: str
    """LaTeX; `{key}` is replaced by the value of the key of `with` that ends in `.key`"""
    stage: str | None = None
    """one of `stages`; a row has a stage or a baseline"""
    baseline: Baseline | None = None
    """system that is scored without training"""
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    """new values of some keys of the stage; dots lead inwards, and lists multiply out into rows"""
    published: str | None = None
    """the row's name in the published file"""

    @model_validator(mode="after")
    def _one_system(self) -> "Row":
        if (self.stage is None) == (self.baseline is None):
            raise ValueError("a row has either a `stage` or a `baseline`")
        if self.baseline and self.with_:
            raise ValueError("`with` changes a `stage`; a `baseline` has nothing to change")
        return self


Rows = Annotated[list[Row], Field(min_length=1)]


class Table(Settings):
    """Rows times columns."""

    caption: str
    """LaTeX"""
    evaluation: str
    """one of `evaluations`; all rows are scored by it"""
    columns: Annotated[list[ColumnName], Field(min_length=1)]
    """columns, each with one quantity of every row"""
    rows: Rows
    """rows, each with one system or several"""
    seeds: Seeds | None = None
    """training seeds of its rows, for a table that needs others than the scale has; by default `seeds`"""
    published: str | None = None
    """name of a file in paper/published without its ending"""
    over: str | None = None
    """label of the row that `difference`, `p` and the other columns of a comparison compare with"""
    literature: list[str] = Field(default_factory=list)
    """rows of the published file that stand complete below ours"""
    transposed: bool = False
    """whether the table is transposed"""

    @model_validator(mode="after")
    def _compared_with_a_row(self) -> "Table":
        needing = [name for name in self.columns if name in OF_DIFFERENCE]
        if needing and self.over is None:
            raise ValueError(
                f"column `{needing[0]}` compares with one row; give the row's label as `over`"
            )
        return self
