"""Two scenes, kept by two systems: the log, and agents that drift to the left of it."""

import numpy as np
import pytest

from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import CURRENT
from simagents.scenarios.store import write_scenarios


@pytest.fixture(scope="session")
def kept(tmp_path_factory, scenarios):
    """A folder with shard.safetensors, log.safetensors and drifts.safetensors; agents in reverse order."""
    folder = tmp_path_factory.mktemp("kept")
    write_scenarios(folder / "shard.safetensors", scenarios[:2])
    shift = np.arange(3, dtype=np.float32)[:, None, None] * np.linspace(0, 5, 80, dtype=np.float32)
    for name, drift in (("log", 0 * shift), ("drifts", shift)):
        with writing_rollouts(folder / f"{name}.safetensors") as keep:
            for scenario in scenarios[:2]:
                rows = scenario.simulated[::-1]
                place = scenario.position[rows, CURRENT]
                heading = scenario.heading[rows, CURRENT, None]
                pose = np.concatenate([place, heading], axis=-1)[None, :, None]
                rollouts = pose.repeat(3, axis=0).repeat(80, axis=2)
                rollouts[..., 1] += drift
                keep(scenario.id, scenario.agent_id[rows], rollouts)
    return folder


@pytest.fixture(scope="session")
def words(kept):
    """Values of --rollouts."""
    return [f"Log={kept}/log.safetensors", f"Drifts={kept}/drifts.safetensors"]
