"""MotionLM fulfils the contract of policies, whatever else is in a batch and however a scene lies."""

from dataclasses import replace
from math import pi
from pathlib import Path

import pytest
import torch

from simagents.config.algorithms import Sampling
from simagents.config.reading import read
from simagents.models.families import freeze
from simagents.models.motionlm.network import MotionLM
from simagents.models.policy import TrainablePolicy
from simagents.models.value import ValueHead
from simagents.planning.plan import Plan
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out

ROOT = Path(__file__).parents[3]
SAMPLING = Sampling(top_k=0, temperature=1.0)


class Recorded(Sample):
    """Draws, and keeps the distribution of every draw."""

    kept: list

    def __call__(self, distribution, action, state):
        self.kept.append(distribution.parameters)
        return super().__call__(distribution, action, state)


def rolled(policy, scenes, rollouts=2, seed=1):
    Recorded.kept = []
    return roll_out(policy, scenes, rollouts, lambda draws: Recorded(draws, SAMPLING), seed)


@torch.no_grad()
def passed(policy, scenes, paths):
    return policy(scenes, paths).parameters


def test_it_fulfils_the_contract(motion_lm):
    assert isinstance(motion_lm, TrainablePolicy)


def test_the_pass_over_a_rollout_has_the_distributions_that_it_was_drawn_from(
    motion_lm, motion_scenes
):
    """Two rollouts of each of two scenes, 16 actions each; steps remember keys and values."""
    paths = rolled(motion_lm, motion_scenes).paths
    whole = passed(motion_lm, motion_scenes, paths)
    assert whole.shape == (2 * len(motion_scenes.agent_scene), 16, 169)
    assert whole.std() > 0.1
    assert torch.allclose(torch.stack(Recorded.kept, dim=1), whole, atol=1e-4)


@pytest.mark.parametrize("part", ["map", "neighbours"])
def test_so_it_has_without_a_part_of_the_scene(motion_lm, motion_scenes, part):
    blind = motion_lm.without(part)
    paths = rolled(blind, motion_scenes).paths
    whole = passed(blind, motion_scenes, paths)
    assert torch.allclose(torch.stack(Recorded.kept, dim=1), whole, atol=1e-4)
    assert not torch.allclose(whole, passed(motion_lm, motion_scenes, paths), atol=1e-3)


def test_an_agent_that_comes_with_the_current_step_is_there_in_both(
    motion_lm, motion_scenarios, read_motion
):
    scenario = motion_scenarios[0]
    valid, others = scenario.valid.copy(), scenario.simulated[scenario.simulated != scenario.sdc]
    valid[others[:3], :10] = False
    scenes = read_motion([replace(scenario, valid=valid)])
    paths = rolled(motion_lm, scenes, 1).paths
    whole = passed(motion_lm, scenes, paths)
    assert torch.allclose(torch.stack(Recorded.kept, dim=1), whole, atol=1e-4)


def test_a_scene_alone_is_what_it_is_among_others(
    motion_lm, motion_scenarios, motion_scenes, read_motion
):
    together = rolled(motion_lm, motion_scenes).trajectories
    alone = rolled(motion_lm, read_motion(motion_scenarios[:1])).trajectories[0]
    assert torch.allclose(alone, together[0], atol=1e-2)


def test_worlds_of_a_scene_do_not_see_one_another(motion_lm, motion_scenes):
    """Another action in the second world changes nothing in the first."""
    paths = rolled(motion_lm, motion_scenes).paths
    before = passed(motion_lm, motion_scenes, paths)
    second = paths.world == 1
    action = torch.where(second[:, None], (paths.action + 40) % 169, paths.action)
    after = passed(motion_lm, motion_scenes, replace(paths, action=action))
    assert torch.equal(before[~second], after[~second])
    assert not torch.allclose(before[second], after[second], atol=1e-3)


def test_an_action_changes_what_all_agents_of_its_world_do_afterwards_and_nothing_before(
    motion_lm, motion_scenes
):
    """The sixth of the 16 actions of the first agent; the others see it from the seventh on."""
    paths = rolled(motion_lm, motion_scenes, 1).paths
    before = passed(motion_lm, motion_scenes, paths)
    action = paths.action.clone()
    action[0, paths.history + 5] = (action[0, paths.history + 5] + 40) % 169
    after = passed(motion_lm, motion_scenes, replace(paths, action=action))
    same_world = paths.world == paths.world[0]
    changed = (before - after).abs().amax(dim=-1) > 1e-6
    assert not changed[:, :6].any()
    assert changed[same_world, 6:].all()
    assert not changed[~same_world].any()


def test_agents_that_the_log_does_not_see_do_not_act_on_others(motion_lm, motion_scenes):
    paths = motion_lm.logged_paths(motion_scenes)
    valid = paths.valid.clone()
    valid[0, paths.history + 3 :] = False
    gone = replace(paths, valid=valid)
    other = torch.where(valid, paths.action, 7)
    first, second = (
        passed(motion_lm, motion_scenes, each) for each in (gone, replace(gone, action=other))
    )
    learned = valid[:, 2:] & valid[:, 1:-1]
    learned[:, 0] = True  # at the current step all agents are there, and none reads an action
    assert torch.allclose(first[learned], second[learned], atol=1e-5)


def test_a_turned_and_shifted_scene_has_the_same_distributions(
    motion_lm, motion_scenarios, motion_scenes, read_motion, moved
):
    """Actions lie along the axes of the scene, so their numbers are the same, but where the log ends
    between two of them."""
    elsewhere = read_motion([moved(each, 2 * pi / 3, 300.0, -80.0) for each in motion_scenarios])
    here, there = (motion_lm.logged_paths(each) for each in (motion_scenes, elsewhere))
    assert (here.action == there.action)[here.valid].float().mean() > 0.99
    same = replace(there, action=here.action)
    shown = passed(motion_lm, motion_scenes, here), passed(motion_lm, elsewhere, same)
    valid = here.valid[:, 2:]
    assert torch.allclose(*(each[valid] for each in shown), atol=2e-2)


def test_quantised_logs_do_not_drift(motion_lm, motion_scenes):
    """Ends are 0.25 m apart on both axes, so rounding errs by half a diagonal, 0.18 m, at most, where no
    acceleration is beyond the grid."""
    paths, log = motion_lm.logged_paths(motion_scenes), motion_lm.logged_states(motion_scenes)
    away = (paths.pose[..., :2] - log.pose[:, 1:, :2]).norm(dim=-1)[paths.valid]
    assert (away < 0.18).float().mean() > 0.98
    assert away.max() < 1.5


def test_simulations_start_where_the_log_is(motion_lm, motion_scenes):
    past = rolled(motion_lm, motion_scenes, 1).paths.until(2)
    assert torch.allclose(past.pose[:, -1], motion_scenes.pose[:, 10].float())
    assert torch.equal(past.velocity[:, -1], motion_scenes.velocity[:, 10])


def test_all_rollouts_of_a_scene_share_one_encoding_of_it(motion_lm, motion_scenes, history):
    """Keys and values of the scene are those of 2 scenes under 2 x 5 worlds; only agents' own are of each."""
    encoded = []
    motion_lm.encoder.register_forward_hook(lambda *_: encoded.append(1))
    rolled(motion_lm, motion_scenes, 5)
    assert encoded == [1]
    state, distribution = motion_lm.begin(motion_scenes)
    state, _ = motion_lm.branch(state, distribution, history(motion_lm, motion_scenes, 5))
    assert [len(layer) for layer in state.memory.layers] == [2, 2]
    assert [len(kept) for kept in state.kept] == [10, 10]


def test_a_few_steps_of_cloning_lower_the_loss(motion_lm, motion_scenes):
    paths = motion_lm.logged_paths(motion_scenes)
    counted = paths.valid[:, 2:] & paths.valid[:, 1:-1]
    optimiser = torch.optim.Adam(motion_lm.parameters(), lr=3e-3)
    losses = []
    for _ in range(6):
        optimiser.zero_grad()
        loss = -motion_lm(motion_scenes, paths).log_prob(paths.chosen)[counted].mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
    assert all(parameter.grad is not None for parameter in motion_lm.parameters())


def test_only_so_many_pieces_are_encoded_the_nearest_to_any_agent(motion_lm, motion_scenes):
    encoded = motion_lm.encoder(motion_scenes)
    assert encoded.source.shape[1] == encoded.agents + 40
    assert encoded.present[:, encoded.agents :].all()


def test_where_actions_led_reaches_the_decoder_only_where_geometry_is_given(
    motion_lm, motion_scenes
):
    paths = motion_lm.logged_paths(motion_scenes)
    aside = replace(paths, pose=paths.pose + torch.tensor([30.0, 0.0, 0.0]))
    first, second = (passed(motion_lm, motion_scenes, each) for each in (paths, aside))
    reads = motion_lm.settings.geometry == "given"
    assert torch.allclose(first, second, atol=1e-5) != reads


def test_fine_tuning_of_agents_leaves_the_encoder(motion_lm, recipe_of):
    freeze(motion_lm, recipe_of(trains="agents"))
    frozen = {n.split(".")[0] for n, p in motion_lm.named_parameters() if not p.requires_grad}
    assert frozen == {"encoder"}


def test_a_value_head_reads_the_features(motion_lm, motion_scenes):
    motion_lm.value_head = ValueHead(motion_lm.feature_width, 0, start=0.5)
    with torch.no_grad():
        value = motion_lm(motion_scenes, motion_lm.logged_paths(motion_scenes)).value
    assert value.shape == (len(motion_scenes.agent_scene), 16)
    assert torch.allclose(value, torch.tensor(0.5))


def test_a_scene_without_a_map_can_be_driven(motion_lm, street, read_motion):
    scenes = read_motion([street(lanes=(), edges=())])
    assert torch.isfinite(rolled(motion_lm, scenes).trajectories[0]).all()


def test_the_published_sizes_have_about_1m_and_10m_weights():
    plan = Plan.of(read(ROOT, {"scale": "paper"}))
    models = {run.recipe.stage: run.recipe.model for run in plan.runs.values()}
    counts = [
        sum(p.numel() for p in MotionLM(models[stage]).parameters())
        for stage in ("motionlm_bc", "motionlm_10m_bc")
    ]
    assert 0.9e6 < counts[0] < 1.3e6
    assert 7.5e6 < counts[1] < 11e6
