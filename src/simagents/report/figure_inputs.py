"""What a figure is drawn from, whatever its kind."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from simagents.report.rows import Row


@dataclass(frozen=True, eq=False)
class FigureInputs:
    """Files of a figure, read where they are small; empty where its kind does not read them."""

    rows: list[Row] = field(default_factory=list)
    """labels and systems, in the order of the configuration"""
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    """by table; `cells.py` says what they hold"""
    histories: dict[str, pd.DataFrame] = field(default_factory=dict)
    """logged numbers by run, indexed by step"""
    gradients: list[Path] = field(default_factory=list)
    """score functions and rewards, one file a system"""
    incidents: list[Path] = field(default_factory=list)
    """when scored agents collide or leave the road in the pictures"""
    manoeuvres: list[Path] = field(default_factory=list)
    """rollout files by scenario and manoeuvre, one a system"""
    pictures: list[Path] = field(default_factory=list)
    """rollout files"""
    planners: dict[str, pd.DataFrame] = field(default_factory=dict)
    """mean returns by system, a line for each scenario and a column for each planner"""
    scenarios: list[Path] = field(default_factory=list)
    """cached shards"""
    scores: dict[str, pd.DataFrame] = field(default_factory=dict)
    """by system, indexed by scenario"""
