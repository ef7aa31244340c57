"""The metric of the Waymo Open Sim Agents Challenge in torch; knows no model."""

from simagents.metrics.challenge import Challenge
from simagents.metrics.statistics import (
    LogReference,
    RolloutStatistics,
    features,
    rollout_statistics,
    statistics_of,
)
from simagents.metrics.wosac import Scores, leave_one_out, score, score_singly, score_subsets

__all__ = [
    "Challenge",
    "LogReference",
    "RolloutStatistics",
    "Scores",
    "features",
    "leave_one_out",
    "rollout_statistics",
    "score",
    "score_singly",
    "score_subsets",
    "statistics_of",
]
