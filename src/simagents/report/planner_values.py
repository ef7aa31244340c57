"""What planners are worth among each system's agents, and how well that agrees with the log."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simagents.errors import InputError
from simagents.report.agreement import (
    Agreement,
    Resamples,
    Values,
    absolute_difference,
    interval,
    noise,
    spearman,
    split_halves,
)
from simagents.report.pairs import ONE_SEED, number, seeds_of, stands_for_all_seeds
from simagents.report.rows import NO_CONTESTANT, Row
from simagents.report.scores import read_chunk

Json = dict[str, Any]

STATISTICS = {"rank": spearman, "error": absolute_difference}


def read_planners(paths: list[Path]) -> dict[str, pd.DataFrame]:
    """Mean returns over rollouts by system: a line for each scenario, a column for each planner.

    Raises InputError for a missing file, for drives under different settings, and where systems differ in
    scenarios or planners.
    """
    parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; run `simagents rank-planners` first.")
        chunk = read_chunk(path, "planner")
        if len(chunk):  # else nobody could drive in any of its scenes
            parts[path.parent.parent.name].append(chunk)
    settings = {path.parent.name for path in paths}
    if len(settings) > 1:
        raise InputError(f"--planners: drives under different settings ({', '.join(settings)}).")
    tables: dict[str, pd.DataFrame] = {}
    agents: set[str] = set()  # who was there, as the drives say
    for system, chunks in parts.items():
        drives = pd.concat(chunks)
        if "agents" not in drives:
            raise InputError(
                f"{system}: its drives do not say which agents were there; drive the planners again."
            )
        agents |= set(drives["agents"])
        if len(agents) > 1:
            raise InputError(
                f"--planners: drives with different agents ({', '.join(sorted(agents))}); use one"
                " `--agents` for all systems."
            )
        keys = ["scenario_id", "planner", "rollout"]
        if drives.duplicated(keys).any():
            raise InputError(f"{system}: a planner drove a scenario twice; do the chunks overlap?")
        table = drives.pivot_table("return", "scenario_id", "planner", "mean", sort=True)
        if table.isna().any(axis=None):
            raise InputError(
                f"{system}: not every planner drove every scenario; drive all of them again."
            )
        first = next(iter(tables.values()), table)
        if not (table.index.equals(first.index) and table.columns.equals(first.columns)):
            raise InputError(
                f"{system}: its planners or scenarios are not those of {next(iter(tables), system)};"
                " drive all of them on the same shards."
            )
        table.attrs |= {
            "rollouts": int(drives["rollout"].nunique()),
            "agents": next(iter(agents)),
            "settings": next(iter(settings)),
        }
        tables[system] = table
    return tables


def values_of(row: Row, tables: Mapping[str, pd.DataFrame]) -> Values:
    """Returns of a row by seed, scene and planner. Raises InputError where a system has none."""
    for system in row.systems:
        if system not in tables:
            raise InputError(
                f"{system}: no drives of planners given; see `simagents rank-planners`."
            )
    return np.stack([tables[system].to_numpy(np.float64) for system in row.systems])


@dataclass(frozen=True, eq=False)
class PlannerCells:
    """Cells of the columns about planners, of all rows of a table."""

    rows: list[Row]
    tables: Mapping[str, pd.DataFrame]

    @property
    def facts(self) -> Json:
        """On what they were measured. Raises InputError where a system has no drives."""
        _, scenes, planners = self.values[0].shape
        drives = self.tables[self.rows[0].systems[0]].attrs
        return {"scenes": scenes, "planners": planners, **drives}

    @cached_property
    def values(self) -> list[Values]:
        return [values_of(row, self.tables) for row in self.rows]

    @cached_property
    def _paired(self) -> dict[tuple[str, int, int], Agreement]:
        """Of every statistic and two rows, filled as they are read."""
        return {}

    @cached_property
    def _resamples(self) -> Resamples:
        return Resamples.of(*self.values[0].shape[1:])

    def _agreement(self, name: str, values: Values, others: Values) -> Agreement:
        how = {"rank": self._resamples.correlation, "error": self._resamples.error}
        return how[name](values, others)

    @cached_property
    def _agreements(self) -> list[dict[str, Agreement] | None]:
        """With the log, of every row; None of the log's own."""
        if NO_CONTESTANT not in self.tables:
            raise InputError("--planners: there are none of playback of the log; add its row.")
        log = self.tables[NO_CONTESTANT].to_numpy(np.float64)[None]
        return [
            None
            if NO_CONTESTANT in row.systems
            else {name: self._agreement(name, values, log) for name in STATISTICS}
            for row, values in zip(self.rows, self.values, strict=True)
        ]

    def value(self, row: Row, name: str) -> float | None:
        """`rank` and `error` with their ends `.low` and `.high` against the log, and `noise` of that error, None in
        its own row; of the row alone `rank.halves` and `error.halves` between halves of the scenes, `mean`, and
        `spread`, a standard deviation over planners."""
        place = self.rows.index(row)
        values = self.values[place]
        if name == "mean":
            return number(float(values.mean()))
        if name == "spread":
            return number(float(values.mean(axis=1).std(axis=1, ddof=1).mean()))
        kind, _, end = name.partition(".")
        if end == "halves":
            return number(split_halves(values, STATISTICS[kind]))
        found = self._agreements[place]
        if found is not None and name == "noise":
            return number(noise(values, self.tables[NO_CONTESTANT].to_numpy(np.float64)[None]))
        return None if found is None else number(getattr(found[kind], end or "value"))

    def pairs(self, row: Row, name: str) -> list[Json]:
        """`rank` or `error` of a row and each row of the table, in its order, as `value`, `low` and `high`. With
        itself the rank correlation is that between halves of the scenes, without ends, and an error is none:
        one between halves is of another kind, since no scene is in both."""
        place = self.rows.index(row)
        found = []
        for other in range(len(self.rows)):
            if other == place:
                itself = self.value(row, "rank.halves") if name == "rank" else None
                ends = {"value": itself, "low": None, "high": None}
            else:
                one, two = sorted((place, other))  # the same number on both sides of the diagonal
                agreement = self._of_pair(name, one, two)
                ends = {end: number(getattr(agreement, end)) for end in ("value", "low", "high")}
            found.append(ends)
        return found

    def _of_pair(self, name: str, one: int, two: int) -> Agreement:
        key = (name, one, two)
        if key not in self._paired:
            self._paired[key] = self._agreement(name, self.values[one], self.values[two])
        return self._paired[key]

    def deviation(self, row: Row, name: str) -> float | None:
        """Over seeds, of `rank` and `error` against the log; None for one seed and for the log itself."""
        found = self._agreements[self.rows.index(row)] if name in STATISTICS else None
        if found is None or len(found[name].by_seed) < 2:
            return None
        return number(float(found[name].by_seed.std(ddof=1)))

    def differences(self, name: str) -> list[Json]:
        """Every row minus every earlier one, of `rank` or `error`, seed by seed, with interval and p of the
        bootstrap: of percentiles, and of errors of the basic bootstrap."""
        pairs = []
        for earlier, later in combinations(range(len(self.rows)), 2):
            found = [self._agreements[place] for place in (later, earlier)]
            both = [each[name] for each in found if each is not None]
            delta = np.array([np.nan])
            if len(both) == 2:
                one, two = both
                delta = self._resamples.with_seeds(
                    one.resampled - two.resampled, one.by_seed - two.by_seed
                )
            low, high = interval(delta)
            pairs.append(
                {
                    "row": later,
                    "to": earlier,
                    "mean": number(both[0].value - both[1].value) if len(both) == 2 else None,
                    "low": number(low),
                    "high": number(high),
                    "p": None if np.isnan(low) else number(_p(delta[~np.isnan(delta)])),
                    "covers": _covers([self.rows[later], self.rows[earlier]]),
                }
            )
        return pairs


def _p(delta: np.ndarray) -> float:
    """Two-sided, from the share of resamples on the other side of zero (Davison & Hinkley 1997, 4.2)."""
    beyond = 1 + min((delta <= 0).sum(), (delta >= 0).sum())
    return float(min(2 * beyond / (1 + len(delta)), 1.0))


def _covers(pair: list[Row]) -> str:
    if all(row.untrained for row in pair):
        return "scenarios and planners"
    seeds = [len(row.systems) for row in pair if not stands_for_all_seeds(row)]
    several = bool(seeds) and min(seeds) > 1
    return f"{seeds_of(pair)}, scenarios and planners" if several else ONE_SEED
