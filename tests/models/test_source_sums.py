"""Sums over sources have the gradient that the plain formula has, whatever the blocks."""

import weakref

import pytest
import torch

from simagents.models.smart.head_products import DenseProducts, SparseProducts
from simagents.models.smart.neighbours import Neighbourhoods
from simagents.models.smart.relations import Relations
from simagents.models.smart.source_sums import source_sums

HEADS, WIDTH, SOURCES = 2, 6, 7
OWN = torch.eye(HEADS).repeat_interleave(WIDTH // HEADS, dim=1).double()


def plain(query, to_relation, memory, relations, dropout):
    """Group by group, by autograd. Without a list of sources these are laid out as the slots are."""
    near, sums = relations.near, []
    keys, values = memory.split(WIDTH, dim=-1)
    slots = near.of_slots(near.source if near.source is not None else torch.arange(len(memory)))
    for q, t, absent, r, source in zip(
        near.of_targets(query), near.of_targets(to_relation), near.absent, relations.embedded, slots,
        strict=True,
    ):  # fmt: skip
        shape = (*absent.shape, HEADS, -1)
        key, value = keys[source].view(shape), values[source].view(shape)
        score = torch.einsum("nhd,nkhd->nhk", q.unflatten(1, (HEADS, -1)), key)
        score = score + torch.einsum("nhd,nkd->nhk", t, r)
        weight = score.masked_fill(absent[:, None], -1e30).softmax(dim=-1)
        weight = torch.native_dropout(weight, dropout, True)[0] if dropout else weight
        sums.append((torch.einsum("nhk,nkhd->nhd", weight, value), weight @ r))
    return [torch.cat(each) for each in zip(*sums, strict=True)]


def in_form(form):
    """In place of the one that is faster on this device."""
    return lambda *inputs: form(*(*inputs, None)[:5])


@pytest.mark.parametrize("form", [SparseProducts, DenseProducts])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_sums_and_gradients_are_those_of_the_plain_form(monkeypatch, form, listed, dropout):
    """Blocks of different sizes, with padding, and a target without any source."""
    monkeypatch.setattr("simagents.models.smart.source_sums.head_products", in_form(form))
    random = torch.manual_seed(0)
    sizes = [(3, 4), (2, 2)]
    slots, targets = sum(n * k for n, k in sizes), sum(n for n, _ in sizes)
    absent = [torch.rand(size, generator=random) < 0.4 for size in sizes]
    for one in absent:
        one[:, 0] = False
    absent[0][1] = True
    source = torch.randint(SOURCES, (slots,), generator=random) if listed else None
    shapes = [(targets, WIDTH), (targets, HEADS, 5), (SOURCES if listed else slots, 2 * WIDTH)]
    inputs = [torch.randn(*shape, dtype=torch.float64, generator=random) for shape in shapes]
    embedded = [torch.randn(*size, 5, dtype=torch.float64, generator=random) for size in sizes]
    leaves = [each.requires_grad_() for each in (*inputs, *embedded)]
    near = Neighbourhoods(torch.arange(targets) if listed else None, source, absent)
    relations = Relations(near, embedded)
    upstream = [torch.randn(targets, HEADS, d, dtype=torch.float64) for d in (WIDTH // HEADS, 5)]
    for each in upstream:  # what a target without sources reads means nothing
        each[1] = 0
    found = []
    for form in (
        lambda: source_sums(*inputs, OWN, relations, dropout),
        lambda: plain(*inputs, relations, dropout),
    ):
        torch.manual_seed(1)
        sums = form()
        gain = sum((one * other).sum() for one, other in zip(sums, upstream, strict=True))
        found.append(
            (
                [one * (other != 0) for one, other in zip(sums, upstream, strict=True)],
                torch.autograd.grad(gain, leaves),
            )
        )
    for ours, theirs in zip(*found, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_in_half_precision_gradients_of_rows_are_added_in_float32():
    """3,000 equal parts of one row: bfloat16 would stop growing at 256 times the part."""
    n = 3000
    near = Neighbourhoods(
        torch.arange(n), torch.zeros(n, dtype=torch.int64), [torch.zeros(n, 1, dtype=torch.bool)]
    )
    half = torch.bfloat16
    relations = Relations(near, [torch.zeros(n, 1, 5, dtype=half)])
    memory = torch.zeros(1, 2 * WIDTH, dtype=half, requires_grad=True)
    query, to_relation = torch.zeros(n, WIDTH, dtype=half), torch.zeros(n, HEADS, 5, dtype=half)
    values, _ = source_sums(query, to_relation, memory, OWN.to(half), relations, 0.0)
    values.float().sum().backward()
    torch.testing.assert_close(
        memory.grad[0, WIDTH:].float(), torch.full((WIDTH,), 3000.0), rtol=0.01, atol=0
    )


@pytest.mark.parametrize("sources", [1, 4])  # one source in three slots: more entries than places
def test_a_gradient_keeps_no_embeddings_alive_beside_what_autograd_saves(sources):
    """Checkpointing frees what autograd saves, and nothing else."""
    near = Neighbourhoods(
        torch.arange(2), torch.zeros(6, dtype=torch.int64), [torch.zeros(2, 3, dtype=torch.bool)]
    )
    relations = Relations(near, [torch.randn(2, 3, 5).requires_grad_()])
    whole = weakref.ref(relations)
    inputs = torch.randn(2, WIDTH), torch.randn(2, HEADS, 5), torch.randn(sources, 2 * WIDTH)
    values, _ = source_sums(*inputs, OWN.float(), relations, 0.0)
    assert values.requires_grad
    del relations
    assert whole() is None
