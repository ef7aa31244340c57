"""CONTRIBUTING.md's walk through an algorithm of one's own, walked."""

import copy
import re
import sys
from pathlib import Path

import pytest
import yaml
from simagents.training.objectives import Objective, losses

from simagents.errors import InputError
from simagents.training import learners
from simagents.training.data.batches import TrainingScenes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture
def raft(tmp_path, monkeypatch):
    """The objective of the file that the text shows, found in a package beside it."""
    page, *_ = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    package = tmp_path / "own_algorithms"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "raft.py").write_text(page)
    (package / "beside.py").write_text("def beside(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import own_algorithms

    found = losses(own_algorithms)
    yield Objective.of(found.pop("raft"))
    assert not found
    for name in ("own_algorithms", "own_algorithms.raft", "own_algorithms.beside"):
        sys.modules.pop(name)


@pytest.fixture
def stage():
    """The stage of the text, read as a line of config/experiments.yaml."""
    lines = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL).group(1).splitlines()
    experiments = (ROOT / "config/experiments.yaml").read_text()
    before, after = experiments.split("\ntables:\n")
    return yaml.safe_load(f"{before}\n{lines[0]}\ntables:\n{after}")["stages"]["raft"]


def test_one_file_and_a_stage_train(raft, stage, disk, recipe_of, policy, monkeypatch):
    monkeypatch.setitem(learners._OBJECTIVES, "raft", raft)
    monkeypatch.setattr(learners, "ALGORITHMS", (*learners.ALGORITHMS, "raft"))
    general = ("from", "budget", "trains", "algorithm")
    coefficients = {key: value for key, value in stage.items() if key not in general}
    recipe = recipe_of(
        algorithm=stage["algorithm"], coefficients=coefficients, budget={"rollouts": 3}
    )
    learner = learners.build_learner(recipe, policy, policy, copy.deepcopy(policy), {})
    batch = TrainingScenes(disk.scenarios, disk.tokens, recipe)[[0]]
    learner.prepare([batch])
    loss, stats = learner.loss(batch, float(learner.counts(batch)))
    loss.backward()
    assert stats["best"].item() == pytest.approx(1 / 3)
    assert policy.head[-1].weight.grad.abs().max() > 0


def test_what_nobody_measures_is_named():
    def own_loss(logq, weight): ...

    with pytest.raises(InputError, match="own_loss: unknown key `logq`; did you mean `logp`"):
        _ = Objective.of(own_loss).needs


def test_what_a_loss_asks_for_decides_what_a_recipe_gives():
    def own_loss(logp, logp_old, weight, *, sharpness): ...

    asked = Objective.of(own_loss).needs
    assert {"sharpness", "passes", "reward", "sampling_top_k", "divergence"} <= asked
    assert not {"clip", "value_warmup", "gae_lambda"} & asked
