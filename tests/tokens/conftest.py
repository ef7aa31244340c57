"""A vocabulary and a map that fit into the head."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from simagents.scenarios.scenario import STEPS, Scenario
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary


def straight(*metres: float) -> torch.Tensor:
    """Motions straight ahead at constant speed, [V, 6, 3]."""
    share = torch.arange(SUBSTEPS + 1) / SUBSTEPS
    motion = torch.zeros(len(metres), SUBSTEPS + 1, 3)
    motion[:, :, 0] = torch.tensor(metres)[:, None] * share
    return motion


@pytest.fixture(scope="session")
def hand_made() -> Vocabulary:
    """Standing, 1, 5 and 10 m ahead; pedestrians know only the first two, cyclists three."""
    motion = straight(0.0, 1.0, 5.0, 10.0).expand(3, -1, -1, -1).clone()
    motion[1, 2:] = motion[1, :1]
    motion[2, 3:] = motion[2, :1]
    line = torch.zeros(2, 11, 2)
    line[0, :, 0] = torch.arange(11) * 0.5
    line[1, :, 0] = torch.arange(11) * 0.25
    return Vocabulary(motion, torch.tensor([4, 2, 3]), line)


END_POINTS = {"x": [-1.0, 12.0, 0.5], "y": [-1.0, 1.0, 0.25]}
GRID = {**END_POINTS, "heading": [-0.2, 0.2, 0.2]}
CELLS = {**END_POINTS, "at_least": 1}
RULES = {
    "k_disks": {"size": 12, "tolerance": 0.2},
    "k_means": {"size": 12, "iterations": 5},
    "grid": {"vehicle": GRID, "pedestrian": GRID, "cyclist": GRID},
    "trajtok": {
        "mirror": True, "reach": 1, "neighbours": 3, "curve": "hermite",
        "vehicle": CELLS, "pedestrian": CELLS, "cyclist": CELLS,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def rules() -> dict[str, str]:
    """Every rule with small numbers, as the command line has it."""
    return {name: json.dumps({"rule": name, **numbers}) for name, numbers in RULES.items()}


@pytest.fixture(scope="session")
def on_map(street) -> Callable[..., Scenario]:
    """A scenario of one car on a map of (kind, type, points) with links and signals by feature id."""

    def make(*features, link=(), signals=()):
        scenario = street()
        lines = [np.array([(*p, 0.0) for p in points], np.float32) for _, _, points in features]
        return replace(
            scenario,
            map_id=np.arange(len(features)) + 10,
            map_kind=np.array([kind for kind, _, _ in features], np.uint8),
            map_type=np.array([kind for _, kind, _ in features], np.uint8),
            map_start=np.cumsum([0, *map(len, lines)]),
            map_point=np.concatenate(lines),
            speed_limit=np.zeros(len(features), np.float32),
            link=np.array(link, np.int64).reshape(-1, 3),
            light_lane=np.array([lane for lane, _ in signals], np.int64),
            light_state=np.array([np.full(STEPS, state) for _, state in signals], np.int8).reshape(
                -1, STEPS
            ),
            light_stop=np.zeros((len(signals), STEPS, 3), np.float32),
        )

    return make
