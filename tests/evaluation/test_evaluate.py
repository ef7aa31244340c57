"""Evaluation keeps rollouts that score as it scored them."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from simagents.errors import InputError
from simagents.evaluation import evaluate
from simagents.scenarios.rollout_file import RolloutFile
from simagents.scenarios.shard_file import write_shard
from simagents.scenarios.store import write_scenarios
from simagents.submission.score import score_files


def test_kept_rollouts_score_the_same(
    tmp_path, scenarios, scenes, vocabulary, without_edges, capsys
):
    """Those of a scenario without road edges, which has no score, are kept as well."""
    scenarios = [*scenarios[:-1], without_edges(scenarios[-1])]
    shard = tmp_path / "scenarios.safetensors"
    write_scenarios(shard, scenarios)
    items = [(one.id, scene.item()) for one, scene in zip(scenarios, scenes, strict=True)]
    write_shard(tmp_path / "tokens.safetensors", items)
    vocabulary.write(tmp_path / "vocabulary.safetensors")
    args = evaluate.Args(
        scenarios=[shard], out=tmp_path / "scores.parquet", rollouts=2, challenge=2025, top_k=0,
        temperature=1.0, seed=0,
        tokens=[tmp_path / "tokens.safetensors"], vocabulary=tmp_path / "vocabulary.safetensors",
        baseline="random_tokens", pictures=tmp_path / "pictures.safetensors", pictured=1,
        rollouts_out=tmp_path / "rollouts.safetensors", device="cpu",
    )  # fmt: skip
    for change, words in (
        ({"chunk": -1}, "--chunk is -1"),
        ({"chunk": 1}, "--chunk is 1"),
        ({"weights": shard}, "not both"),
        ({"baseline": None}, "or --baseline"),
        ({"baseline": "logg"}, "unknown value `logg`; did you mean `log`"),
        ({"vocabulary": None}, "needs --vocabulary and --tokens"),
        ({"device": "cuda:99"}, "--device cuda:99 cannot be used"),
    ):
        with pytest.raises(InputError, match=words):
            evaluate.main(replace(args, **change))
    assert not args.out.exists()
    evaluate.main(args)
    assert f"skipped: scenario {scenarios[-1].id} has no road edge" in capsys.readouterr().out
    assert RolloutFile(args.pictures).ids == [scenarios[0].id]
    outcome = score_files(shard, args.rollouts_out, 2025, rollouts_each=2)
    evaluated = pd.read_parquet(args.out).sort_values("scenario_id", ignore_index=True)
    driven = evaluated[["simulated_distance", "logged_distance"]]  # no part of the official metric
    evaluated = evaluated.drop(columns=driven.columns)
    assert (driven > 0).all(axis=None)
    pd.testing.assert_frame_equal(outcome.scores, evaluated, check_exact=True)
    assert list(outcome.refused) == [scenarios[-1].id]
    assert outcome.missing == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rollouts_have_the_precision_and_scores_stay_in_float32(
    precision, tmp_path, scenarios, monkeypatch
):
    write_scenarios(tmp_path / "scenarios", scenarios[:1])
    args = evaluate.Args(
        scenarios=[tmp_path / "scenarios"], out=tmp_path / "scores", rollouts=2, challenge=2025,
        top_k=0, temperature=1.0, seed=0, baseline="stand_still", precision=precision, device="cpu",
    )  # fmt: skip
    system, found = evaluate.build_system(args), []

    def watched(*given):
        found.append(torch.is_autocast_enabled("cpu"))
        return system(*given)

    scored = evaluate.scores_of
    monkeypatch.setattr(evaluate, "build_system", lambda _: watched)
    monkeypatch.setattr(
        evaluate,
        "scores_of",
        lambda *of: found.append(torch.is_autocast_enabled("cpu")) or scored(*of),
    )
    evaluate.main(args)
    assert found == [precision == "bfloat16", False]
