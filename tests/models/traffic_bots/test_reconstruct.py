"""Living through the log again: where agents are put, and where gradients go."""

from dataclasses import replace

import torch

from simagents.models.paths import Worlds
from simagents.models.traffic_bots.latents import Latents

STEPS = 80


def reconstructed(bots, scenes, forced, uniform=0.5):
    agents = len(scenes.agent_scene)
    forced = torch.full((agents, STEPS), forced) if isinstance(forced, bool) else forced
    return bots.reconstruct(scenes, forced, torch.full((agents, 4), uniform, dtype=torch.float64))


def test_unforced_it_is_the_path_of_the_likeliest_actions(bots, bot_scenes):
    """Step by step through the contract of simulation, under the latents of the posterior."""
    scenes = bot_scenes
    with torch.no_grad():
        lived = reconstructed(bots, scenes, False)
        encoded = bots.encode_map(scenes)
        read = bots.log_reader.read(scenes, bots._whole_log(scenes), encoded)
        latents = Latents(read.posterior.mode(), read.destination)
        state = bots._after_history(scenes, encoded, read.prior, latents)
        agents, distribution = (
            bots.history_paths(scenes, Worlds.of(scenes, 1)).state(scenes, -1),
            None,
        )
        for step in range(STEPS // 4):
            action = bots._next(state).mode() if distribution is None else distribution.mode()
            motion = bots.actions.step(agents, action)
            agents = replace(agents, pose=motion.pose[:, -1], velocity=motion.velocity)
            assert torch.allclose(agents.pose, lived.pose[:, step], atol=1e-3)
            state, distribution = bots.observe(state, action, agents)


def test_forced_at_every_step_agents_stay_within_a_step_of_the_log(bots, bot_scenes):
    """No two decisions apart: 0.1 s of a wrong acceleration and yaw rate are a few centimetres."""
    with torch.no_grad():
        lived = reconstructed(bots, bot_scenes, True)
    log = bots.logged_paths(bot_scenes)
    away = (lived.pose[..., :2] - log.pose[:, 10:, :2]).norm(dim=-1)
    follows = log.valid[:, 10:] & log.valid[:, 9:-1]
    assert away[follows].max() < 0.2


def test_forced_means_are_those_of_the_pass_over_the_log(bots, driving, read_bots):
    """An agent that is on its log before every action decides as after the log's past."""
    scenes = read_bots([driving()])
    with torch.no_grad():
        lived = reconstructed(bots, scenes, True)
    log = bots.logged_paths(scenes)
    for step in (0, 1, 7, 79):
        motion = bots.actions.step(log.state(scenes, 9 + step), lived.logged.mean[:, step])
        assert torch.allclose(motion.pose[:, -1], lived.pose[:, step], atol=1e-4)


def test_gradients_flow_through_all_steps(bots, bot_scenes):
    """From the last pose to the first decisions; forcing at the last step cuts them off."""
    agents = len(bot_scenes.agent_scene)
    bias = bots.memory.unit.bias_hh_l0
    sizes = []
    for cut in (False, True):
        forced = torch.zeros(agents, STEPS, dtype=torch.bool)
        forced[:, -1] = cut
        lived = reconstructed(bots, bot_scenes, forced)
        seen = bots.logged_paths(bot_scenes).valid[:, -2]
        (gradient,) = torch.autograd.grad(lived.pose[seen, -1, :2].sum(), bias)
        assert torch.isfinite(gradient).all()
        sizes.append(gradient.norm().item())
    assert sizes[0] > 20 * sizes[1] > 0


def test_every_weight_learns(bots, bot_scenes):
    lived = reconstructed(bots, bot_scenes, False, uniform=0.7)
    loss = lived.pose[..., :2].square().mean() + lived.destination.logits.logsumexp(-1).mean()
    loss = loss + lived.logged.log_deviation.mean() + lived.prior.mean.sum()
    loss.backward()
    without = [name for name, weight in bots.named_parameters() if weight.grad is None]
    assert without == []
