"""Six synthetic scenes on disk, as the rules before training leave them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from simagents.scenarios.ragged import write_shard
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic import generate_scenario
from simagents.tokens.scene import tokenize


@pytest.fixture(scope="session")
def disk(tmp_path_factory, vocabulary) -> SimpleNamespace:
    """Two shards of cached scenarios, the same tokenised, and the vocabulary."""
    folder: Path = tmp_path_factory.mktemp("data")
    found = SimpleNamespace(scenarios=[], tokens=[], vocabulary=folder / "vocabulary.safetensors")
    vocabulary.write(found.vocabulary)
    for shard, indices in enumerate(((2, 0, 4), (1, 3, 5))):
        scenarios = [generate_scenario(5, index) for index in indices]
        items = [(s.id, tokenize(s, vocabulary).item()) for s in scenarios]
        found.scenarios.append(folder / f"{shard}.scenarios")
        found.tokens.append(folder / f"{shard}.tokens")
        write_scenarios(found.scenarios[-1], scenarios)
        write_shard(found.tokens[-1], items)
    return found
