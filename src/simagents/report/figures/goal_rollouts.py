"""Figure: one vehicle with goals of different manoeuvres, and the same scene without goals.

After Fig. 3b of RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033), which shows a left turn and a U-turn.
Where no vehicle could do both, another pair is shown; titles name the manoeuvres.
"""

import numpy as np
from matplotlib.figure import Figure

from simagents.config.figures import GoalRollouts
from simagents.errors import InputError
from simagents.report.figure_inputs import FigureInputs
from simagents.report.figures.rollouts import Panel, panels
from simagents.report.rows import Row
from simagents.scenarios.manoeuvres import shown
from simagents.scenarios.rollout_file import RolloutFile, Trajectories, as_simulated
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.store import ScenarioStore


def draw(settings: GoalRollouts, inputs: FigureInputs) -> Figure:
    """Of every row its first system: one panel a goal, or a single one where goals change nothing.

    Raises InputError where a system has no such file, and where files are of different scenes.
    """
    files = {path.parts[-2]: RolloutFile(path) for path in inputs.manoeuvres}
    scenario = _scene(files, ScenarioStore(inputs.scenarios))
    vehicle, ends = shown(scenario)
    start = scenario.position[vehicle, CURRENT, :2]
    goals = {name: np.stack([start, end]) for name, end in ends.items()}
    return panels(
        scenario, [panel for row in inputs.rows for panel in _of_row(row, files, scenario, goals)]
    )


def _scene(files: dict[str, RolloutFile], store: ScenarioStore) -> Scenario:
    names = {scene.partition("/")[0] for file in files.values() for scene in file.ids}
    if len(names) != 1:
        raise InputError(
            f"--manoeuvres: files of {len(names)} scenes; give those of one evaluation."
        )
    (name,) = names
    return store.named(name, "--manoeuvres")


def _of_row(
    row: Row, files: dict[str, RolloutFile], scenario: Scenario, goals: dict[str, np.ndarray]
) -> list[Panel]:
    """`goals` by the names of manoeuvres, as in `Panel`."""
    system = row.systems[0]
    if system not in files:
        raise InputError(f"{row.label}: no rollouts of {system} under goals are given.")

    def rollouts(manoeuvre: str) -> Trajectories:
        kept = files[system].read(f"{scenario.id}/{manoeuvre}")
        return as_simulated(scenario, *kept, row.label)

    each = {name: rollouts(name) for name in goals}
    first, *others = each.values()
    if all(np.array_equal(first, other) for other in others):
        return [Panel(row.label, first)]
    return [Panel(f"{row.label}: {name}", each[name], goal) for name, goal in goals.items()]
