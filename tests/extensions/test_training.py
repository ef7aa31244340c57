"""What docs/tutorials/own_model.md shows is trained and scored as its lines say, without tokens or a vocabulary."""

import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from simagents.evaluation import calibrate, evaluate
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic import generate_scenario


@pytest.fixture(scope="module")
def shard(tmp_path_factory, without_edges):
    """Six scenarios, of which three are held out; the last one of both parts has no road edge."""
    path = tmp_path_factory.mktemp("data") / "shard.safetensors"
    scenarios = [generate_scenario(5, index) for index in (2, 0, 3, 4, 1, 5)]
    for place in (2, 5):
        scenarios[place] = without_edges(scenarios[place])
    write_scenarios(path, scenarios)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(plan, installed, shard, folder, warm):
    """Trains the runs of the text's table, parents first; what each logged, by label."""
    histories = {}
    for row in plan.tables["velocities"].rows:
        (run,) = row.systems
        own = folder / run.id
        own.mkdir()
        (own / "recipe.json").write_text(run.recipe.model_dump_json())
        parent = folder / run.parent.id if run.parent else None
        measured = own / "calibration.json" if run.calibration else None
        if measured:
            calibrate.main(
                calibrate.Args(
                    recipe=parent / "recipe.json", weights=parent / "weights", scenarios=[shard],
                    settings=run.calibration.model_dump_json(), out=measured,
                )
            )  # fmt: skip
        files = {"recipe": own / "recipe.json", "scenarios": shard, "calibration": measured}
        files |= {name: own / name for name in ("resume", "weights", "history", "provenance")}
        files["parent"] = parent and parent / "weights"
        words = [word for name, path in files.items() if path for word in (f"--{name}", str(path))]
        process = warm.begin(
            "extended", [str(installed), "train", *words, "--micro-batch", "2", "--workers", "0"]
        )
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, f"{row.label}: {output}"
        lines = (own / "history").read_text().splitlines()
        histories[row.label] = [json.loads(line) for line in lines]
    return histories


def test_cloning_makes_the_log_likelier(trained):
    losses = [step["loss"] for step in trained["BC"]]
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.5


def test_mpo_takes_the_metric_of_the_scene_and_a_measured_threshold(trained):
    first, *_ = trained["BC + MPO"]
    assert 0 < first["alpha"] < 1
    assert first["advantage"] == pytest.approx(first["reward"] - first["alpha"], abs=1e-5)
    assert first["kl"] == pytest.approx(0, abs=1e-6)


def test_scenes_without_a_score_do_not_stop_reinforcement(trained, plan, folder):
    """Two steps of two scenes visit all that can be scored; the parent's mean is of those too."""
    run = next(row.systems[0] for row in plan.tables["velocities"].rows if row.label == "BC + MPO")
    measured = json.loads((folder / run.id / "calibration.json").read_text())
    assert measured["scenes"] == 2
    assert 0 < measured["mean"] < 1
    assert all(0 < step["reward"] < 1 for step in trained["BC + MPO"])


def test_the_own_reward_and_credit_rule_are_used(trained):
    """Of four rollouts each agent imitates the best two."""
    for step in trained["BC + distance"]:
        assert -1 < step["reward"] < 0
        assert step["advantage"] == step["positive"] == pytest.approx(0.5, abs=0.05)


def test_fine_tuning_changes_the_head_alone(trained, plan, folder):
    """All three runs moved; `trains: agents` leaves what the family does not fine-tune."""
    bc, *others = (row.systems[0] for row in plan.tables["velocities"].rows)
    before = load_file(folder / bc.id / "weights")
    for run in others:
        after = load_file(folder / run.id / "weights")
        moved = {
            name.split(".")[0] for name in before if not torch.equal(before[name], after[name])
        }
        assert moved == {"head"}, run.id


def test_it_is_scored_without_tokens(trained, plan, shard, folder):
    run = plan.tables["velocities"].rows[-1].systems[0]
    own, out = folder / run.id, folder / "scores.parquet"
    evaluate.main(
        evaluate.Args(
            scenarios=[shard], out=out, rollouts=2, challenge=2025, top_k=0, temperature=1.0, seed=0,
            limit=2, recipe=own / "recipe.json", weights=own / "weights",
        )
    )  # fmt: skip
    scores = pd.read_parquet(out)
    assert len(scores) == 2
    assert scores["metametric"].between(0.05, 1).all()
