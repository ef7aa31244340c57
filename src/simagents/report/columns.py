"""What a table may show: the one place that knows a column's source, unit and direction."""

from dataclasses import dataclass

from simagents.errors import unknown_key

DIFFERENCE = "difference/"
"""How the sources of a comparison with one row begin."""
PLANNERS = "planners/"
"""How the sources of what planners are worth among a row's agents begin."""


@dataclass(frozen=True)
class Column:
    """One quantity as it is printed: of the official scores, or of a system's tokens."""

    source: str
    """its name in the score files, `history/` and its name in the histories of training, `difference/`
    and its name in the comparison with one row, `planners/` and its name in `planner_values.py`, or its
    place in the report on the tokens, from / inwards"""
    title: str
    unit: str
    """as printed after the title; empty where the number has none"""
    higher: bool | None
    """whether more is better; None where neither is"""
    decimals: int
    factor: float = 1.0
    """what the stored number is multiplied by for print"""
    over: str = ""
    """for a ratio of sums over scenarios: the name of its denominator in the score files"""
    signed: bool = False
    """whether a number above zero has its sign"""
    least: float = 0.0
    """smaller numbers are printed as less than this"""
    attached: bool = False
    """whether it belongs to the column before it, as the end of an interval does"""

    @property
    def heading(self) -> str:
        """Title and unit, as plain text."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def of_tokens(self) -> bool:
        """Whether it is found in the report on the tokens."""
        return self.source.startswith("/")

    @property
    def of_history(self) -> bool:
        """Whether it was logged while the system was trained."""
        return self.source.startswith("history/")

    @property
    def of_difference(self) -> bool:
        """Whether it compares with one row of the table."""
        return self.source.startswith(DIFFERENCE)

    @property
    def of_planners(self) -> bool:
        """Whether it says what planners are worth among a row's agents."""
        return self.source.startswith(PLANNERS)

    @property
    def of_pairs(self) -> bool:
        """Whether it has a number of every row with every other one: as many columns as there are rows."""
        return self.source.endswith(".pairs")

    @property
    def of_scores(self) -> bool:
        """Whether it is a score, of which every scenario has one."""
        return not (self.of_tokens or self.of_history or self.of_difference or self.of_planners)

    def format(self, value: float | None) -> str:
        """`n/a` where the number does not exist: never 0, never blank."""
        if value is None:
            return "n/a"
        if self.least and value < self.least:
            return f"< {self.least:.{self.decimals}f}"
        sign = "+" if self.signed else ""
        return f"{value * self.factor:{sign}.{self.decimals}f}"

    def format_error(self, value: float | None) -> str:
        """As `format`, without the zero before a long fraction."""
        text = self.format(value)
        return text.removeprefix("0") if self.decimals > 2 else text


COLUMNS = {
    "metametric": Column("metametric", "Realism", "", True, 4),
    "kinematic": Column("kinematic_metrics", "Kinematic", "", True, 4),
    "interactive": Column("interactive_metrics", "Interactive", "", True, 4),
    "map": Column("map_based_metrics", "Map", "", True, 4),
    "min_ade": Column("min_average_displacement_error", "minADE", "m", False, 3),
    "ade": Column("average_displacement_error", "ADE", "m", False, 3),
    "distance": Column(
        "simulated_distance", "Driven", "of the log", None, 2, over="logged_distance"
    ),
    "collision_rate": Column("simulated_collision_rate", "Collision", "%", False, 1, 100.0),
    "offroad_rate": Column("simulated_offroad_rate", "Off-road", "%", False, 1, 100.0),
    "red_light_rate": Column(
        "simulated_traffic_light_violation_rate", "Red light", "%", False, 1, 100.0
    ),
    "pass_miss": Column("goal_missed", "Miss", "%", False, 1, 100.0, over="goal_agents"),
    "best_pass_miss": Column(
        "goal_missed_by_all", "Miss, best", "%", False, 1, 100.0, over="goal_agents"
    ),
    "reach_rate": Column("goal_reached", "Reach", "%", True, 1, 100.0, over="goal_agents"),
    "pass_rate": Column("goal_passed", "Pass", "%", True, 1, 100.0, over="goal_agents"),
    "linear_speed": Column("linear_speed_likelihood", "Linear speed", "", True, 4),
    "linear_acceleration": Column(
        "linear_acceleration_likelihood", "Linear acceleration", "", True, 4
    ),
    "angular_speed": Column("angular_speed_likelihood", "Angular speed", "", True, 4),
    "angular_acceleration": Column(
        "angular_acceleration_likelihood", "Angular acceleration", "", True, 4
    ),
    "nearest_object": Column(
        "distance_to_nearest_object_likelihood", "Distance to nearest object", "", True, 4
    ),
    "collision": Column("collision_indication_likelihood", "Collision", "", True, 4),
    "time_to_collision": Column("time_to_collision_likelihood", "Time to collision", "", True, 4),
    "road_edge": Column("distance_to_road_edge_likelihood", "Distance to road edge", "", True, 4),
    "offroad": Column("offroad_indication_likelihood", "Off-road", "", True, 4),
    "traffic_light": Column(
        "traffic_light_violation_likelihood", "Traffic-light violation", "", True, 4
    ),
    "cross_entropy": Column("history/validation_cross_entropy", "CE", "nats", False, 3),
    "map_rise": Column("history/validation_rise_without_map", "CE without map", "rise", None, 3),
    "neighbour_rise": Column(
        "history/validation_rise_without_neighbours", "CE without others", "rise", None, 3
    ),
    "kl": Column("history/kl", "KL", "nats", None, 5),
    "difference": Column("difference/mean", "Difference", "", None, 4, signed=True),
    "difference_low": Column(
        "difference/low", "95 % from", "", None, 4, signed=True, attached=True
    ),
    "difference_high": Column("difference/high", "to", "", None, 4, signed=True, attached=True),
    "p": Column("difference/p", "p", "", None, 4, least=1e-4),
    "paired_t": Column("difference/t", "t over scenarios", "", None, 2, signed=True),
    "p_scenarios": Column("difference/p_scenarios", "p over scenarios", "", None, 4, least=1e-4),
    "rank_log": Column("planners/rank", "Rank correlation", "with the log", True, 3),
    "rank_low": Column("planners/rank.low", "95 % from", "", None, 3, attached=True),
    "rank_high": Column("planners/rank.high", "to", "", None, 3, attached=True),
    "rank_halves": Column("planners/rank.halves", "Split halves", "", None, 3),
    "rank_pairs": Column("planners/rank.pairs", "Rank correlation", "", None, 3),
    "value_error": Column("planners/error", "Absolute error", "of values", False, 3),
    "error_low": Column("planners/error.low", "95 % from", "", None, 3, attached=True),
    "error_high": Column("planners/error.high", "to", "", None, 3, attached=True),
    "error_noise": Column("planners/noise", "Noise alone", "", None, 3),
    "error_halves": Column("planners/error.halves", "Error of halves", "", None, 3),
    "error_pairs": Column("planners/error.pairs", "Absolute error", "", None, 3),
    "value_mean": Column("planners/mean", "Mean value", "", None, 3),
    "value_spread": Column("planners/spread", "Spread", "of values", None, 3),
    "vehicle_tokens": Column("/training/vehicle/tokens", "Vehicles", "tokens", None, 0),
    "pedestrian_tokens": Column("/training/pedestrian/tokens", "Pedestrians", "tokens", None, 0),
    "cyclist_tokens": Column("/training/cyclist/tokens", "Cyclists", "tokens", None, 0),
    "reconstruction": Column("/validation/motion/mean_error_m", "Reconstruction", "m", False, 3),
    "dead_tokens": Column("/training/motion/dead_share", "Dead tokens", "%", False, 1, 100.0),
}


def column(key: str) -> Column:
    """The column of that name. Raises InputError naming the nearest one."""
    if key not in COLUMNS:
        raise unknown_key(key, "columns", COLUMNS)
    return COLUMNS[key]
