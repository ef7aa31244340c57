"""Files of an untrained policy and of scenarios, as measurements of one run read them."""

import json

import pytest
from safetensors.torch import save_file

from simagents.models.families import build_policy
from simagents.scenarios.shard_file import write_shard
from simagents.scenarios.store import write_scenarios


@pytest.fixture
def measured(tmp_path, scenes, vocabulary, recipe_of):
    """Runs a command on some scenarios, as the workflow does; returns the path of what it writes."""
    recipe = recipe_of()
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    save_file(build_policy(recipe, vocabulary).state_dict(), tmp_path / "weights")
    vocabulary.write(tmp_path / "vocabulary")

    def run(command, scenarios, settings):
        write_scenarios(tmp_path / "scenarios", scenarios)
        items = [(one.id, scene.item()) for one, scene in zip(scenarios, scenes, strict=True)]
        write_shard(tmp_path / "tokens", items)
        out = tmp_path / "measured"
        command.main(
            command.Args(
                recipe=tmp_path / "recipe.json", weights=tmp_path / "weights",
                scenarios=[tmp_path / "scenarios"], settings=json.dumps(settings), out=out,
                tokens=[tmp_path / "tokens"], vocabulary=tmp_path / "vocabulary", device="cpu",
            )
        )  # fmt: skip
        return out

    return run
