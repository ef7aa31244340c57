"""A folder of three small scenarios and rollouts of them in every form."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.store import write_scenarios
from simagents.submission.metadata import Metadata

METADATA = Metadata(
    account_name="someone@example.org", unique_method_name="noise", authors=["A. Driver"],
    uses_lidar_data=False, uses_camera_data=False, uses_public_model_pretraining=False,
    num_model_parameters="7M", acknowledge_complies_with_closed_loop_requirement=True,
)  # fmt: skip


@pytest.fixture(scope="session")
def shard(tmp_path_factory, scenarios) -> Path:
    """The scenarios, cached."""
    path = tmp_path_factory.mktemp("scenarios") / "validation.safetensors"
    write_scenarios(path, scenarios)
    return path


@pytest.fixture(scope="session")
def claims(scenarios, as_rollouts) -> Callable[..., dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Valid object ids and trajectories by scenario: the log with noise."""

    def make(count=2):
        return {
            scenario.id: (
                scenario.agent_id[scenario.simulated],
                as_rollouts(scenario, count, noise=0.3).numpy(),
            )
            for scenario in scenarios
        }

    return make


@pytest.fixture
def kept(tmp_path) -> Callable[..., Path]:
    """A rollout file of such claims."""

    def write(claimed, name="rollouts.safetensors"):
        with writing_rollouts(tmp_path / name) as keep:
            for scenario, arrays in claimed.items():
                keep(scenario, *arrays)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def metadata() -> Metadata:
    return METADATA
