"""Errors and dead tokens, counted by hand."""

import json

import pytest
import torch

from simagents.scenarios.shard_file import write_shard
from simagents.tokens import reconstruction
from simagents.tokens.reconstruction import Reconstruction
from simagents.tokens.vocabulary import TOKEN_STEPS


def test_by_hand(hand_made):
    """One car: tokens 1 and 2, 0.5 m and 1.5 m off; a third is not in the log. Of nine tokens of
    all classes two are used.
    """
    measured = Reconstruction(hand_made)
    logged = torch.zeros(1, 4, 3)
    pose = torch.zeros(1, 3, 3)
    pose[0, :, 0] = torch.tensor([0.5, 1.5, 99.0])
    measured.add(
        torch.tensor([0]),
        torch.tensor([[1, 2, 3]]),
        pose,
        logged,
        torch.tensor([[True, True, False]]),
    )
    report = measured.summary()
    assert report["vehicle"]["tokens"] == 4
    assert report["vehicle"]["dead"] == 2
    assert report["vehicle"]["mean_error_m"] == 1.0
    assert report["pedestrian"]["mean_error_m"] is None
    assert (report["motion"]["tokens"], report["motion"]["dead"]) == (9, 7)
    assert report["motion"]["dead_share"] == pytest.approx(7 / 9, abs=1e-6)
    assert report["motion"]["samples"] == 2


def test_the_command_reads_chains_and_keeps_the_report_on_training(tmp_path, vocabulary, scenes):
    vocabulary.write(tmp_path / "v")
    (tmp_path / "r").write_text('{"motion": {"dead_share": 0.5}}')
    write_shard(tmp_path / "t", [(str(i), scene.item()) for i, scene in enumerate(scenes)])
    args = reconstruction.Args([tmp_path / "t"], tmp_path / "v", tmp_path / "r", 2, tmp_path / "o")
    reconstruction.main(args)
    report = json.loads((tmp_path / "o").read_text())
    assert report["training"] == {"motion": {"dead_share": 0.5}}
    assert report["validation"]["scenarios"] == 2
    most = sum(len(scene.agent_class) for scene in scenes[:2]) * TOKEN_STEPS
    assert 0 < report["validation"]["motion"]["samples"] <= most
