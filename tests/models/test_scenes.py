"""Scenes and paths as flat tensors."""

from dataclasses import replace

import numpy as np
import torch

from simagents.models.paths import Worlds
from simagents.models.scenes import collate
from simagents.models.smart.token_policy import history_paths, logged_paths
from simagents.scenarios.scenario import LightState, LinkKind, MapKind


def test_scenes_lie_one_behind_the_other(scenes, batch):
    agents = [len(scene.agent_class) for scene in scenes]
    tokens = batch.representation
    assert batch.scenes == 3
    assert batch.agents.tolist() == agents
    assert batch.agent_scene.tolist() == np.repeat(range(3), agents).tolist()
    second = slice(agents[0], agents[0] + agents[1])
    assert torch.equal(tokens.pose[second], torch.from_numpy(scenes[1].pose))
    third = torch.from_numpy(scenes[2].map_token).long()
    assert torch.equal(tokens.map_token[tokens.map_scene == 2], third)


def test_the_neutral_part_is_the_log(scenarios, batch):
    """What every family sees: 10 Hz states from the origin, sizes, classes, the recording vehicle."""
    first = 0
    for scenario, origin in zip(scenarios, batch.origin.numpy(), strict=True):
        rows = scenario.simulated
        part = slice(first, first + len(rows))
        valid = scenario.valid[rows]
        assert np.array_equal(batch.valid[part].numpy(), valid)
        position = batch.pose[part, :, :2].numpy() + origin
        assert np.array_equal(
            position[valid].astype(np.float32), scenario.position[rows][valid][:, :2]
        )
        assert np.array_equal(
            batch.height[part].numpy()[valid], scenario.position[rows][valid][:, 2]
        )
        assert np.array_equal(batch.velocity[part].numpy()[valid], scenario.velocity[rows][valid])
        assert not batch.pose[part][~torch.from_numpy(valid)].any()
        assert batch.is_sdc[part].nonzero().item() == np.flatnonzero(rows == scenario.sdc)
        first += len(rows)


def test_neutral_and_tokenised_agents_are_the_same(scenes, batch):
    assert batch.agent_class.tolist() == np.concatenate([s.agent_class for s in scenes]).tolist()
    assert np.array_equal(batch.agent_size, np.concatenate([s.agent_size for s in scenes]))


def test_maps_are_polylines_with_lights_and_links(scenarios):
    batch = collate(scenarios, with_map=True)
    roads, first = batch.map, 0
    for number, scenario in enumerate(scenarios):
        lines = torch.nonzero(roads.scene == number).squeeze(-1)
        assert len(lines) == len(scenario.map_id)
        for row in range(len(scenario.map_id)):
            points = roads.point[roads.polyline == first + row]
            world = points.double() + torch.tensor([*batch.origin[number], 0.0])
            expected = torch.from_numpy(scenario.polyline(row)).double()
            assert torch.allclose(world, expected, atol=1e-4)
        first += len(lines)
    exits = roads.link[roads.link[:, 0] == LinkKind.EXIT]
    assert len(exits) > 5
    assert torch.equal(roads.scene[exits[:, 1]], roads.scene[exits[:, 2]])
    assert (roads.kind[exits[:, 1:]] == MapKind.LANE).all()


def test_a_lane_has_the_light_of_the_current_step(street):
    roads = collate([street(stop=50.0, state=LightState.GO)], with_map=True).map
    assert roads.light.tolist() == [LightState.GO, LightState.UNLISTED, LightState.UNLISTED]


def test_agents_out_of_range_are_not_seen_in_training(scenes, batch):
    seen = [s.valid & s.in_range[:, 1:] & s.in_range[:, :-1] for s in scenes]
    assert torch.equal(logged_paths(batch).valid, torch.from_numpy(np.concatenate(seen)))


def test_simulation_sees_agents_however_far_they_are(scenarios, scenes, read):
    far = [replace(scene, in_range=np.zeros_like(scene.in_range)) for scene in scenes]
    batches = [read(scenarios, some) for some in (scenes, far)]
    near, away = (history_paths(batch, Worlds.of(batch, 1)).valid for batch in batches)
    assert near[:, -1].all()
    assert torch.equal(near, away)


def test_the_loss_counts_those_it_is_told_to(scenarios, scenes, read):
    nobody = [np.zeros(len(scene.agent_class), bool) for scene in scenes]
    assert not read(scenarios, scenes, nobody).trained.any()
    trainable = torch.from_numpy(np.concatenate([s.trainable for s in scenes]))
    assert torch.equal(read(scenarios, scenes).trained, trainable)


def test_rows_of_history_are_ordered_by_scene_rollout_agent(scenes, batch):
    paths = history_paths(batch, Worlds.of(batch, 4))
    expected, first = [], 0
    for number, scene in enumerate(scenes):
        rows = range(first, first + len(scene.agent_class))
        expected += [(number * 4 + rollout, row) for rollout in range(4) for row in rows]
        first = rows.stop
    assert list(zip(paths.world.tolist(), paths.agent.tolist(), strict=True)) == expected
    assert paths.action.shape[1] == paths.history == 2
    assert paths.valid[:, 1].all()  # every simulated agent is seen at the current step


def test_a_path_ends_after_so_many_actions(batch):
    paths = logged_paths(batch)
    assert torch.equal(paths.until(5).pose, paths.pose[:, :5])
    assert torch.equal(paths.until(5).agent, paths.agent)


def test_everything_moves_together(scenarios, scenes, read):
    moved = read(scenarios, scenes).to("meta")
    tensors = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)]
    tensors += list(vars(moved.representation).values())
    assert len(tensors) > 15
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert moved.scenes == 3
