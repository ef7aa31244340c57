"""Scenes and paths as flat tensors."""

from dataclasses import replace

import numpy as np
import torch

from simagents.models.batch import collate, history_paths, logged_paths


def test_scenes_lie_one_behind_the_other(scenes, batch):
    agents = [len(scene.agent_class) for scene in scenes]
    assert batch.scenes == 3
    assert batch.agent_scene.tolist() == np.repeat(range(3), agents).tolist()
    second = slice(agents[0], agents[0] + agents[1])
    assert torch.equal(batch.pose[second], torch.from_numpy(scenes[1].pose))
    assert torch.equal(
        batch.map_token[batch.map_scene == 2], torch.from_numpy(scenes[2].map_token).long()
    )


def test_agents_out_of_range_are_not_seen_in_training(scenes, batch):
    seen = [s.valid & s.in_range[:, 1:] & s.in_range[:, :-1] for s in scenes]
    assert torch.equal(logged_paths(batch).valid, torch.from_numpy(np.concatenate(seen)))


def test_simulation_sees_agents_however_far_they_are(scenes):
    far = [replace(scene, in_range=np.zeros_like(scene.in_range)) for scene in scenes]
    near, away = (history_paths(collate(some), 1).valid for some in (scenes, far))
    assert near[:, -1].all()
    assert torch.equal(near, away)


def test_the_loss_counts_those_it_is_told_to(scenes):
    nobody = [np.zeros(len(scene.agent_class), bool) for scene in scenes]
    assert not collate(scenes, nobody).trained.any()
    assert torch.equal(
        collate(scenes).trained, torch.from_numpy(np.concatenate([s.trainable for s in scenes]))
    )


def test_rows_of_history_are_ordered_by_scene_rollout_agent(scenes, batch):
    paths = history_paths(batch, 4)
    expected, first = [], 0
    for number, scene in enumerate(scenes):
        rows = range(first, first + len(scene.agent_class))
        expected += [(number * 4 + rollout, row) for rollout in range(4) for row in rows]
        first = rows.stop
    assert list(zip(paths.world.tolist(), paths.agent.tolist(), strict=True)) == expected
    assert paths.token.shape[1] == 2
    assert paths.valid[:, 1].all()  # whoever is simulated is there now


def test_a_path_is_cut_at_its_end(batch):
    paths = logged_paths(batch)
    assert torch.equal(paths.cut(5).pose, paths.pose[:, :5])
    assert torch.equal(paths.cut(5).agent, paths.agent)


def test_everything_moves_together(batch):
    moved = batch.to("meta")
    tensors = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)]
    assert len(tensors) == len(vars(batch)) - 1
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert moved.scenes == 3
