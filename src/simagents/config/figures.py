"""Figures: what each kind draws, and from which files."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simagents.config.exhibits import ColumnName, Row, Rows
from simagents.config.keys import Settings, Tagged

Moment = Annotated[float, Field(ge=0, le=8)]
Tables = Annotated[list[str], Field(min_length=1)]


class FigureSettings(Settings):
    """Of any kind."""

    reads: ClassVar[frozenset[str]] = frozenset()
    """what it is drawn from: `cells` of its tables; `histories`, `pictures`, `incidents` (of the
    pictures) or `scores` of its rows' systems; `planners`, drives among these; `gradients` or
    `manoeuvres` of its rows' first seeds; `scenarios`, the cached validation shards"""

    kind: str
    """what is drawn"""
    caption: str
    """LaTeX"""


class TrainingCurves(FigureSettings):
    """What runs logged while they trained."""

    reads: ClassVar[frozenset[str]] = frozenset({"histories"})

    kind: Literal["training_curves"]
    """loss, reward and divergence over training"""
    rows: Rows
    """runs; each row has a colour"""


class Rollouts(FigureSettings):
    """One scene as several systems simulate it."""

    reads: ClassVar[frozenset[str]] = frozenset({"pictures", "scenarios"})

    kind: Literal["rollouts"]
    """one scene under several systems"""
    evaluation: str
    """one of `evaluations`, whose rollouts are drawn"""
    rows: Rows
    """systems; each row has a panel"""


class Strips(FigureSettings):
    """One scene moment by moment."""

    reads: ClassVar[frozenset[str]] = frozenset({"pictures", "incidents", "scenarios"})

    kind: Literal["strips"]
    """one scene at several moments under several systems, with collisions and departures from the road"""
    evaluation: str
    """one of `evaluations`, whose rollouts are drawn"""
    moments: Annotated[list[Moment], Field(min_length=1, max_length=6)]
    """seconds after the current step; each has a column of panels"""
    rows: Rows
    """systems; each has a row of panels"""


class Sweep(FigureSettings):
    """What one coefficient does."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["sweep"]
    """a gain over the first row, and another quantity, over the values of a coefficient"""
    tables: Tables
    """tables in which one coefficient varies; each has a column of panels"""
    above: Annotated[ColumnName, Field(exclude_if=lambda name: name == "metametric")] = "metametric"
    """column of the tables whose gain is drawn, a score"""
    below: Annotated[ColumnName, Field(exclude_if=lambda name: name == "kl")] = "kl"
    """column of the tables that is drawn as bars"""


class ComponentGains(FigureSettings):
    """Which parts of the metric one row gains over another."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["component_gains"]
    """differences of every score of a table between rows"""
    tables: Annotated[list[str], Field(min_length=1, max_length=1)]
    """the table whose scores are compared"""
    over: str
    """label of the row that the later ones are compared with"""


class Composition(FigureSettings):
    """What the meta-metric pays systems for."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["composition"]
    """the meta-metric as the sum of its parts, and the metres driven"""
    tables: Annotated[list[str], Field(min_length=1, max_length=1)]
    """the table whose rows are drawn"""


class Tradeoff(FigureSettings):
    """What policies gain for how much divergence."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["tradeoff"]
    """gain in realism and metres driven against the divergence from the parent"""
    tables: Tables
    """tables whose first row is the parent of the others"""


class TimeSplit(FigureSettings):
    """Where training time goes."""

    reads: ClassVar[frozenset[str]] = frozenset({"histories"})

    kind: Literal["time_split"]
    """seconds of a training step by what they are spent on"""
    rows: Rows
    """runs; each row has a bar"""


class GradientNoise(FigureSettings):
    """What the noise of credit rules costs."""

    reads: ClassVar[frozenset[str]] = frozenset({"gradients"})

    kind: Literal["gradient_noise"]
    """scenes that each credit rule's gradient needs, and its noise over the rollouts of a scene"""
    rows: Annotated[list[Row], Field(min_length=1, max_length=1)]
    """the policy that is measured, under its first seed"""


class RewardVariance(FigureSettings):
    """What the number of rollouts does to credit and to its gradient."""

    reads: ClassVar[frozenset[str]] = frozenset({"gradients"})

    kind: Literal["reward_variance"]
    """variance of leave-one-out credit over the rollouts of a scene, and the rollouts that a step needs"""
    rows: Annotated[list[Row], Field(min_length=1, max_length=1)]
    """the policy that is measured, under its first seed"""


class GoalRollouts(FigureSettings):
    """One scene under goals of different manoeuvres."""

    reads: ClassVar[frozenset[str]] = frozenset({"manoeuvres", "scenarios"})

    kind: Literal["goal_rollouts"]
    """one scene, simulated with and without goals of different manoeuvres of one vehicle"""
    evaluation: str
    """one of `evaluations`, whose rollouts, sampling and seed are used"""
    rows: Rows
    """trained systems; each has a panel for each goal, and one in all where it sees none"""


class GoalRates(FigureSettings):
    """How often goals are reached."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["goal_rates"]
    """shares of goals that are reached at the end, and passed, by system"""
    tables: Tables
    """tables with the columns `reach_rate` and `pass_rate` or `pass_miss`; each has a panel"""


class PlannerRanks(FigureSettings):
    """How each system ranks planners."""

    reads: ClassVar[frozenset[str]] = frozenset({"planners"})

    kind: Literal["planner_ranks"]
    """ranks of planners among each system's agents against their ranks in playback of the log"""
    rows: Rows
    """systems, the log among them; each other row has a panel"""


class PlannerAgreement(FigureSettings):
    """How alike systems judge planners."""

    reads: ClassVar[frozenset[str]] = frozenset({"planners"})

    kind: Literal["planner_agreement"]
    """rank correlation and absolute difference of planners' values between all pairs of systems"""
    rows: Rows
    """systems, the log among them"""


class PlannerStudy(FigureSettings):
    """Whether more realism means a better ranking of planners."""

    reads: ClassVar[frozenset[str]] = frozenset({"cells"})

    kind: Literal["planner_study"]
    """rank correlation and absolute error of planners' values against realism"""
    tables: Annotated[list[str], Field(min_length=1, max_length=1)]
    """the table whose rows are drawn"""


FIGURES = Tagged(
    "kind", "simagents.report.figures",
    TrainingCurves, Rollouts, Strips, Sweep, ComponentGains, Composition, Tradeoff, TimeSplit,
    GradientNoise, RewardVariance, GoalRollouts, GoalRates,
    PlannerRanks, PlannerAgreement, PlannerStudy,
)  # fmt: skip
Figure = Annotated[FigureSettings, FIGURES]
