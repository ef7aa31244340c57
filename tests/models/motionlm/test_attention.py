"""Slots of worlds, and scores that fall with the distance, by hand."""

import pytest
import torch

from simagents.models.motionlm.attention import Attention, nearer_the_more
from simagents.models.motionlm.decoder import steps_seen
from simagents.models.motionlm.slots import Slots


def test_rows_in_slots_by_hand():
    """A scene with two worlds of two agents, and one with two worlds of one: 2 x 2 worlds of 2 slots."""
    scene, world = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 3])
    slots = Slots.of(scene, world, 2)
    assert (slots.worlds, slots.agents) == (2, 2)
    assert slots.slot.tolist() == [0, 1, 2, 3, 4, 6]
    assert slots.place.tolist() == [0, 1, 0, 1, 0, 0]
    rows = torch.arange(1, 7)
    assert slots.put(rows).tolist() == [[1, 2], [3, 4], [5, 0], [6, 0]]
    assert torch.equal(slots.take(slots.put(rows)), rows)
    assert slots.present.tolist() == [[True, True], [True, True], [True, False], [True, False]]


def test_scores_fall_with_the_distance_by_hand():
    """At 8 m: 8 / 2 = 4 in the first head, 8 / 8 = 1 in the second; what is not seen cannot be scored."""
    seen = torch.tensor([[[[True, True, False]]]])
    added = nearer_the_more(seen, torch.tensor([[[0.0, 8.0, 1.0]]]), 2)
    assert added[0, :, 0].tolist() == [[0, -4, -torch.inf], [0, -1, -torch.inf]]


def test_a_step_sees_itself_and_what_was_before_by_hand():
    """Two agents at two steps, of which the second agent is gone at the second step."""
    there = torch.tensor([[[True, True], [True, False]]])
    assert steps_seen(there)[0].int().tolist() == [
        [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0],
    ]  # fmt: skip
    assert steps_seen(there, alone=True)[0].int().tolist() == [
        [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("added", [False, True])
def test_what_is_not_seen_changes_nothing(added):
    torch.manual_seed(0)
    attention, x, source = Attention(8, 2), torch.randn(1, 3, 8), torch.randn(1, 4, 8)
    seen = torch.tensor([True, True, False, True]).expand(1, 1, 3, 4)
    if added:
        seen = nearer_the_more(seen, torch.rand(1, 3, 4), 2)
    other = source.clone()
    other[:, 2] = 9.0
    first, second = (attention(x, attention.memory(each), seen) for each in (source, other))
    assert torch.equal(first, second)
