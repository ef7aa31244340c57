"""Who looks at whom: the search by cells against all pairs, and relations by hand."""

from math import pi

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simagents.geometry import to_world
from simagents.models.smart.neighbours import (
    CellIndex,
    Neighbourhoods,
    near,
    near_one_another,
)
from simagents.models.smart.relations import embed_relations, relation_features


def pairs_of(found):
    """(target, source) of every slot that is no padding."""
    if not found.absent:
        return []
    present = ~torch.cat([absent.flatten() for absent in found.absent])
    slots = torch.stack([found.target_of_slots(), found.source], dim=1)
    return list(map(tuple, slots[present].tolist()))


def found_by(target, target_group, source, source_group, radius):
    return near(target, target_group, CellIndex.of(source, source_group, radius))


def by_brute_force(target, target_group, source, source_group, radius, nearest=None):
    """The same pairs as a set; ties in distance do not occur among random points."""
    offset = target[:, None] - source
    squared = offset[..., 0] ** 2 + offset[..., 1] ** 2
    near = (squared < radius**2) & (target_group[:, None] == source_group)
    near &= target_group[:, None] >= 0
    if nearest is not None:
        rank = squared.masked_fill(~near, torch.inf).argsort(dim=1).argsort(dim=1)
        near &= rank < nearest
    return set(map(tuple, near.nonzero().tolist()))


@given(
    seed=st.integers(0, 10**6),
    targets=st.integers(0, 40),
    sources=st.integers(0, 60),
    spread=st.sampled_from([1.0, 8.0, 40.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_pairs_are_those_of_brute_force(seed, targets, sources, spread):
    """Groups -1 to 2, of which -1 sees nobody; points on both sides of the origin."""
    generator = torch.manual_seed(seed)
    at = [torch.randn(n, 2, generator=generator) * spread - 3 for n in (targets, sources)]
    group = [torch.randint(-1, 3, (n,), generator=generator) for n in (targets, sources)]
    pairs = pairs_of(found_by(at[0], group[0], at[1], group[1], 5.0))
    assert set(pairs) == by_brute_force(at[0], group[0], at[1], group[1], 5.0)
    assert len(pairs) == len(set(pairs))


@given(seed=st.integers(0, 10**6), nearest=st.sampled_from([None, 1, 3, 8]))
@settings(max_examples=40, deadline=None)
def test_one_another_are_all_or_the_nearest_but_never_oneself(seed, nearest):
    generator = torch.manual_seed(seed)
    at = torch.randn(40, 2, generator=generator) * 4
    group = torch.randint(-1, 2, (40,), generator=generator)
    expected = by_brute_force(at, group, at, group, 5.0, None if nearest is None else nearest + 1)
    pairs = pairs_of(near_one_another(at, group, 5.0, nearest))
    assert sorted(pairs) == sorted((t, s) for t, s in expected if t != s)


def test_the_radius_itself_is_outside():
    """Pieces of 5 m on one line, of which many lie exactly 10 m apart."""
    line = torch.arange(6)[:, None] * torch.tensor([5.0, 0.0])
    group = torch.zeros(6, dtype=torch.int64)
    pairs = pairs_of(near_one_another(line, group, 10.0))
    assert {t - s for t, s in pairs} == {-1, 1}


def test_nearest_come_nearest_first():
    """Of members at 0, 3, 1, 2, 9 m, seen by the first."""
    at = torch.tensor([[0.0, 0], [3, 0], [1, 0], [2, 0], [9, 0]])
    found = near_one_another(at, torch.zeros(5, dtype=torch.int64), 5.0, nearest=2)
    assert [pair for pair in pairs_of(found) if pair[0] == 0] == [(0, 2), (0, 3)]


def test_far_points_do_not_change_the_order_of_sources():
    """What else is in the batch must not reorder the sums of a target."""
    generator = torch.manual_seed(0)
    at = torch.randn(50, 2, generator=generator) * 10
    group = torch.zeros(50, dtype=torch.int64)
    pairs = pairs_of(near_one_another(at, group, 6.0))
    far = torch.cat([at, torch.tensor([[-5000.0, 7000.0], [3e8, 3e8]])])
    group = torch.tensor([0] * 50 + [1, 1])
    assert [pair for pair in pairs_of(near_one_another(far, group, 6.0)) if pair[0] < 50] == pairs


def test_features_by_hand():
    """From a target at (1, 1) looking north, a source at (-2, 1) looking east lies 3 m to the left,
    a quarter turn to the right of it in heading.
    """
    target, source = torch.tensor([[1.0, 1.0, pi / 2]]), torch.tensor([[-2.0, 1.0, 0.0]])
    assert relation_features(target, source)[0].tolist() == pytest.approx([3, pi / 2, -pi / 2])


@pytest.mark.parametrize("heading", [0.0, 2.0, -2.0, pi, -pi / 2])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_one_spot_has_a_bearing_of_zero(heading, zero):
    """Whatever the heading, and the sign of the zero: a parked car looks the same from everywhere."""
    here = torch.tensor([[0.0, 0.0, heading]])
    there = torch.tensor([[zero, zero, heading]])
    assert relation_features(here, there)[0].tolist() == [0, 0, 0]


def test_features_do_not_know_where_the_world_is():
    generator = torch.manual_seed(0)
    one, other = torch.randn(2, 30, 3, generator=generator, dtype=torch.float64)
    frame = torch.tensor([100.0, -30.0, 2.0], dtype=torch.float64)
    before = relation_features(one, other)
    after = relation_features(to_world(one, frame), to_world(other, frame))
    assert torch.allclose(before, after, atol=1e-9)


def test_relations_are_normalised():
    """Of all slots, padding included."""
    features = torch.randn(12, 8, generator=torch.manual_seed(0))
    found = Neighbourhoods(torch.tensor([3, 1]), torch.zeros(12, dtype=torch.int64), [
        torch.zeros(1, 4, dtype=torch.bool), torch.zeros(1, 8, dtype=torch.bool),
    ])  # fmt: skip
    relations = embed_relations(found, features, lambda x: x)
    assert [part.shape for part in relations.embedded] == [(1, 4, 8), (1, 8, 8)]
    embedded = torch.cat([part.flatten(0, 1) for part in relations.embedded])
    assert embedded.mean(dim=-1).abs().max() < 1e-6
    assert (embedded.var(dim=-1, correction=0) - 1).abs().max() < 1e-3


def test_a_crowd_beyond_all_bounds_is_refused():
    here, crowd = torch.zeros(1, 2), torch.zeros(9000, 2)
    group = torch.zeros(9000, dtype=torch.int64)
    with pytest.raises(ValueError, match="9000 sources; at most 8192"):
        found_by(here, group[:1], crowd, group, 1.0)
