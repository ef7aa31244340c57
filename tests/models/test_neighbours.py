"""Groups of targets: which join a wider one, and that a search finds the same sources then."""

import pytest
import torch

from simagents.models.smart import neighbours
from simagents.models.smart.neighbours import joined_groups, near_one_another

BOUNDS = (32, 64, 128, 256)


@pytest.mark.parametrize(
    ("sizes", "padding", "joined", "widths"),
    [
        ([4, 0, 0, 0], 1000, [4, 0, 0, 0], (32, 64, 128, 256)),  # nothing wider to join
        ([4, 5, 0, 0], 128, [0, 9, 0, 0], (64, 64, 128, 256)),
        ([4, 5, 0, 0], 127, [4, 5, 0, 0], (32, 64, 128, 256)),
        ([4, 0, 5, 0], 400, [0, 0, 9, 0], (128, 64, 128, 256)),  # an empty group is passed by
        ([4, 5, 6, 0], 600, [0, 0, 15, 0], (128, 128, 128, 256)),  # what has joined joins again
        ([4, 5, 6, 7], 600, [0, 0, 15, 7], (128, 128, 128, 256)),
        ([0, 0, 0, 0], 1000, [0, 0, 0, 0], (32, 64, 128, 256)),
    ],
)
def test_groups_join_wider_ones_for_little_padding(sizes, padding, joined, widths):
    assert joined_groups(sizes, BOUNDS, padding) == (joined, widths)


def sources_of(found, targets):
    """The sources of each target, whatever the groups."""
    lists = [[] for _ in range(targets)]
    order = torch.arange(targets) if found.target is None else found.target
    rows = iter(order.tolist())
    for source, absent in zip(found.of_slots(found.source), found.absent, strict=True):
        for own, gone in zip(source.view(absent.shape), absent, strict=True):
            lists[next(rows)] += own[~gone].tolist()
    return [sorted(own) for own in lists]


@pytest.mark.parametrize("padding", [0, 200, 2**16])
@pytest.mark.parametrize("nearest", [None, 5])
@pytest.mark.parametrize("alone", [False, True])
def test_joining_groups_changes_no_source(monkeypatch, padding, nearest, alone):
    torch.manual_seed(3)
    at = torch.rand(60, 2) * 100
    at[:5] += 1e4 * torch.arange(1, 6)[:, None] * alone  # far from all others
    group = torch.zeros(60, dtype=torch.int64)
    monkeypatch.setattr(neighbours, "_CPU_PADDING", padding)
    found = near_one_another(at, group, 30.0, nearest)
    away = torch.cdist(at, at).fill_diagonal_(torch.inf)
    wanted = [
        sorted(row.argsort()[: min(int((row < 30.0).sum()), nearest or 60)].tolist())
        for row in away
    ]
    assert sources_of(found, 60) == wanted
    assert (found.target is None) == (padding == 2**16 or (len(found.absent) == 1 and not alone))
