"""Personalities and destinations: who has which, and from where."""

from dataclasses import replace

import pytest
import torch

from simagents.models.distribution import Gaussian
from simagents.models.map_pieces import cut
from simagents.models.paths import Worlds
from simagents.models.scenes import collate
from simagents.models.traffic_bots.destination import Candidates

LANES = (
    ((-100.0, 0.0, 0.0), (200.0, 0.0, 0.0)),
    ((200.0, 3.0, 0.0), (-100.0, 3.0, 0.0)),
)
"""One lane east and one, 3 m to its left, west."""


@pytest.fixture
def candidates(driving):
    """Of one vehicle that drives east along the first lane from x = 0 at 10 m/s; the current step is at
    10 m, the origin, and the log ends 80 m ahead of it."""
    scenario = driving(lanes=LANES)
    batch = collate([scenario], with_map=True)
    pieces = cut(batch.map, 1, 20.0, 5)
    now = batch.pose[:, 10].float()
    return pieces, Candidates.of(pieces, batch.agent_scene, now, batch.agent_class, 100.0)


def test_the_destination_is_the_piece_where_the_log_ends(candidates):
    """90 m from the scene's start: the piece from 80 to 100 m of the lane east, whose middle is 80 m
    ahead of the current step."""
    pieces, of = candidates
    place = of.nearest(pieces, torch.tensor([[80.0, 0.0, 0.0]]))
    assert pieces.anchor[of.chosen(place)].tolist() == [[80.0, 0.0]]


def test_of_two_lanes_the_one_with_the_agents_direction(candidates):
    """At the middle between both lanes, and even 0.4 m nearer to the other: being against the direction
    counts as 4 m."""
    pieces, of = candidates
    for heading, y in ((0.0, 0.0), (torch.pi, 3.0)):
        place = of.nearest(pieces, torch.tensor([[50.0, 1.7 if heading == 0 else 1.3, heading]]))
        assert pieces.anchor[of.chosen(place), 1].tolist() == [y]


def test_who_ends_beyond_the_radius_or_off_the_road_has_no_destination(candidates):
    """109 m ahead is the middle of a piece 110 m away; 8 m beside the lanes there is nothing near."""
    pieces, of = candidates
    for end in ([112.0, 0.0, 0.0], [50.0, -8.0, 0.0]):
        place = of.nearest(pieces, torch.tensor([end]))
        assert place.tolist() == [0]
        assert of.chosen(place).tolist() == [len(pieces.anchor) - 1]


def test_edges_are_destinations_of_pedestrians_alone(driving):
    for agent_type, allowed in ((1, 0), (2, 1), (3, 0)):
        batch = collate([driving(types=(agent_type,))], with_map=True)
        pieces = cut(batch.map, 1, 20.0, 5)
        of = Candidates.of(
            pieces, batch.agent_scene, batch.pose[:, 10].float(), batch.agent_class, 50.0
        )
        place = of.nearest(pieces, torch.tensor([[0.0, 6.0, 0.0]]))
        assert (place > 0).tolist() == [bool(allowed)]


def test_uniform_numbers_decide_the_latents(bots, bot_scenes):
    """0.5 is a personality's median. Candidates are in the order of their probability: 0 draws the
    likeliest, and a number a little below 1 the unlikeliest."""
    agents = torch.arange(len(bot_scenes.agent_scene))
    prior = bots._prior(bot_scenes, bots.encode_map(bot_scenes))
    half = torch.full((len(agents), 4), 0.5, dtype=torch.float64)
    middle = prior.drawn(agents, half)
    assert torch.allclose(middle.personality, prior.personality.mean, atol=1e-6)
    ends = torch.tensor([[0.0], [1 - 1e-12]], dtype=torch.float64)
    for end, extreme in zip(ends, (torch.argmax, torch.argmin), strict=True):
        drawn = prior.drawn(agents, torch.cat([half[:, :3], end.expand(len(agents), 1)], dim=1))
        logits = prior.destination.logits.masked_fill(~prior.candidates.allowed, torch.nan)
        place = extreme(logits.nan_to_num(torch.inf if extreme is torch.argmin else -torch.inf), 1)
        assert torch.equal(prior.candidates.chosen(place), drawn.destination)


def test_one_deviation_is_one_deviation(bots, bot_scenes):
    """Φ(1) = 0.8413447: the mean plus the deviation."""
    agents = torch.arange(len(bot_scenes.agent_scene))
    prior = bots._prior(bot_scenes, bots.encode_map(bot_scenes))
    drawn = prior.drawn(agents, torch.full((len(agents), 4), 0.8413447, dtype=torch.float64))
    expected = prior.personality.mean + prior.personality.log_deviation.exp()
    assert torch.allclose(drawn.personality, expected, atol=1e-4)


def test_the_prior_knows_the_history_alone_and_the_posterior_the_log(bots, bot_scenes):
    future = bot_scenes.velocity.clone()
    future[:, 40:] *= 0.5
    other = replace(bot_scenes, velocity=future)
    read = [
        bots.log_reader.read(scenes, bots._whole_log(scenes), bots.encode_map(scenes))
        for scenes in (bot_scenes, other)
    ]
    assert torch.equal(read[0].prior.personality.mean, read[1].prior.personality.mean)
    assert torch.equal(read[0].prior.destination.logits, read[1].prior.destination.logits)
    assert not torch.allclose(read[0].posterior.mean, read[1].posterior.mean)
    begun = bots._prior(bot_scenes, bots.encode_map(bot_scenes))
    assert torch.allclose(begun.personality.mean, read[0].prior.personality.mean, atol=1e-6)


def test_the_divergence_of_posterior_and_prior_by_hand():
    """N(1, 2²) from N(0, 1): (4 + 1 - 1 - log 4) / 2 = 1.3069 nats; twice in two dimensions."""
    posterior = Gaussian(torch.ones(1, 2), torch.full((1, 2), 2.0).log())
    prior = Gaussian(torch.zeros(1, 2), torch.zeros(1, 2))
    kl = Gaussian.kl(posterior.parameters, prior.parameters)
    assert kl.item() == pytest.approx(2 * 1.306853, abs=1e-5)


def test_worlds_have_latents_of_their_own(bots, bot_scenes):
    """Two worlds with one past: other numbers, other actions; the same numbers, the same."""
    worlds = Worlds.of(bot_scenes, 2)
    past = bots.history_paths(bot_scenes, worlds)
    uniform = torch.rand(len(past.agent), 4, dtype=torch.float64, generator=torch.manual_seed(0))
    state, distribution = bots.begin(bot_scenes)
    first = worlds.world % 2 == 0
    _, apart = bots.branch(state, distribution, replace(past, latent=uniform))
    assert not torch.allclose(apart.mean[first], apart.mean[~first], atol=1e-4)
    same = uniform[first][past.agent]
    _, together = bots.branch(state, distribution, replace(past, latent=same))
    assert torch.allclose(together.mean[first], together.mean[~first], atol=1e-6)
