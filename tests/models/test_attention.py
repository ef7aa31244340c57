"""The folded attention is the plain one: per-edge keys and values, a LayerNorm in every layer."""

import pytest
import torch

from simagents.models.smart import attention
from simagents.models.smart.attention import RelationAttention
from simagents.models.smart.neighbours import Neighbourhoods
from simagents.models.smart.relations import Relations, embed_relations

WIDTH, HEADS = 12, 3
SIZES = [4, 2]  # of a head; the second makes the heads together narrower than the rest


@pytest.fixture
def world():
    """Nine targets with 0 to 13 sources each out of ten, in float64 and in no special order."""
    generator = torch.manual_seed(1)
    degree = torch.tensor([3, 0, 13, 5, 1, 8, 4, 0, 9])
    target = torch.arange(9).repeat_interleave(degree)
    source = torch.randint(10, (len(target),), generator=generator)
    relation = torch.randn(len(target), WIDTH, generator=generator, dtype=torch.float64) * 3
    x = torch.randn(9, WIDTH, generator=generator, dtype=torch.float64)
    sources = torch.randn(10, WIDTH, generator=generator, dtype=torch.float64)
    return x, sources, target, source, relation


def layer_of(bipartite, dropout=0.0, size=4):
    torch.manual_seed(2)
    layer = RelationAttention(WIDTH, HEADS, size, dropout, bipartite).double()
    with torch.no_grad():
        for parameter in layer.parameters():  # nothing at its resting value of 0 or 1
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return layer


def relations_of(target, source, relation):
    """In two groups, of targets with at most 4 and with at most 16 sources; edge 0 is the padding."""
    edges_of = [torch.nonzero(target == node).flatten() for node in range(9)]
    targets, edges, absent = [], [], []
    for low, high in ((0, 4), (4, 16)):
        rows = [node for node, own in enumerate(edges_of) if low < len(own) <= high]
        if rows:
            slots = [torch.nn.functional.pad(edges_of[node], (0, high)) for node in rows]
            targets += rows
            edges += [own[:high] for own in slots]
            counts = torch.tensor([[len(edges_of[node])] for node in rows])
            absent.append(torch.arange(high) >= counts)
    if not absent:
        return Relations.none(relation.device)
    edges = torch.cat(edges)
    near = Neighbourhoods(torch.tensor(targets), source[edges], absent)
    return embed_relations(near, relation[edges], lambda r: r)


def folded(layer, x, sources, target, source, relation):
    (form,) = attention.folded([layer])
    return form(x, form.read(x), form.memory(sources), relations_of(target, source, relation))


def plain(layer, x, sources, target, source, relation):
    """As QCNet and SMART print it, edge by edge: softmax over each target's own edges."""
    size = layer.head_width
    at = layer.norm_source(sources)
    to = (layer.norm_target or layer.norm_source)(x)
    r = layer.norm_relation(relation)
    query = layer.query(to)[target]
    key = layer.key(at)[source] + layer.relation_key(r)
    value = layer.value(at)[source] + layer.relation_value(r)
    score = (query * key).view(-1, HEADS, size).sum(-1) * size**-0.5
    gathered = []
    for node in range(len(x)):
        mine = target == node
        weight = score[mine].softmax(dim=0)[..., None]
        gathered.append((weight * value[mine].view(-1, HEADS, size)).sum(dim=0).flatten())
    gathered = torch.stack(gathered)
    gate = torch.sigmoid(layer.gate(torch.cat([gathered, to], dim=-1)))
    x = x + layer.norm_after(layer.out(gathered + gate * (layer.itself(to) - gathered)))
    return x + layer.norm_after_feed(layer.feed(layer.norm_before_feed(x)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bipartite", [False, True])
def test_outputs_and_gradients_are_those_of_the_plain_form(world, bipartite, size):
    layer = layer_of(bipartite, size=size)
    x, sources, target, source, relation = world
    results = []
    for form in (folded, plain):
        inputs = [tensor.clone().requires_grad_() for tensor in (x, sources, relation)]
        layer.zero_grad()
        out = form(layer, inputs[0], inputs[1], target, source, inputs[2])
        (
            out * torch.linspace(-1, 1, out.numel(), dtype=torch.float64).view_as(out)
        ).sum().backward()
        gradients = {name: p.grad.clone() for name, p in layer.named_parameters()}
        results.append((out.detach(), [tensor.grad for tensor in inputs], gradients))
    (ours, to_inputs, to_weights), (theirs, to_inputs_too, to_weights_too) = results
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    for one, other in zip(to_inputs, to_inputs_too, strict=True):
        assert one.abs().max() > 1e-3
        assert torch.allclose(one, other, rtol=0, atol=1e-10)
    for name, gradient in to_weights.items():
        assert torch.allclose(gradient, to_weights_too[name], rtol=0, atol=1e-10), name


def all_targets(world, dtype):
    """Every target in one group, in its own order; those of no source see padding alone."""
    _, _, target, source, relation = world
    edges_of = [torch.nonzero(target == node).flatten() for node in range(9)]
    absent = torch.stack([torch.arange(16) >= len(own) for own in edges_of])
    edges = torch.cat([torch.nn.functional.pad(own, (0, 16 - len(own))) for own in edges_of])
    near = Neighbourhoods(None, source[edges], [absent])
    return embed_relations(near, relation[edges].to(dtype), lambda r: r)


@pytest.mark.parametrize("bipartite", [False, True])
@pytest.mark.parametrize("learns", [False, True])
def test_targets_in_one_group_of_their_own_order_are_those_of_several_groups(
    world, bipartite, learns
):
    layer = layer_of(bipartite)
    x, sources, *edges = world
    with torch.set_grad_enabled(learns):
        (form,) = attention.folded([layer])
        memory = form.memory(sources)
        grouped = form(x, form.read(x), memory, relations_of(*edges))
        together = form(x, form.read(x), memory, all_targets(world, torch.float64))
    assert torch.allclose(together, grouped, rtol=0, atol=1e-12)


@pytest.mark.parametrize("learns", [False, True])
def test_bfloat16_is_near_and_finite_also_for_targets_of_padding_alone(world, learns):
    layer = layer_of(False).float()
    x, sources = (rows.float() for rows in world[:2])
    outputs = []
    for enabled in (False, True):
        with torch.set_grad_enabled(learns), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            (form,) = attention.folded([layer])
            relations = all_targets(world, torch.float32)
            outputs.append(form(x, form.read(x), form.memory(sources), relations))
    exact, rounded = outputs
    assert (rounded - exact).abs().max() < 0.05 * exact.abs().max()
    assert not torch.equal(rounded, exact)
    if learns:
        layer.zero_grad()
        rounded.sum().backward()
        assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_layers_folded_together_are_layers_folded_alone(world):
    layers = [layer_of(False), layer_of(False)]
    with torch.no_grad():
        for parameter in layers[1].parameters():
            parameter.mul_(1.5)
    x, _, *edges = world
    relations = relations_of(torch.where(edges[1] > 8, 0, edges[0]), edges[1] % 9, edges[2])
    together = attention.folded(layers)
    for layer, form in zip(layers, together, strict=True):
        (alone,) = attention.folded([layer])
        one, other = (f(x, f.read(x), f.read(x).memory, relations) for f in (form, alone))
        assert torch.allclose(one, other, rtol=0, atol=1e-12)
    assert attention.folded([]) == []


def test_no_two_gradients_share_memory(world):
    """Those of a second micro-batch are added in place to those of the first."""
    layers = [layer_of(False), layer_of(False)]
    x, _, *edges = world
    relations = relations_of(torch.where(edges[1] > 8, 0, edges[0]), edges[1] % 9, edges[2])
    gradients = []
    for passes in (1, 2):
        for layer in layers:
            layer.zero_grad()
        for _ in range(passes):
            rows = x
            for form in attention.folded(layers):
                rows = form(rows, form.read(rows), form.read(rows).memory, relations)
            rows.square().sum().backward()
        gradients.append([p.grad.clone() for layer in layers for p in layer.parameters()])
    for once, twice in zip(*gradients, strict=True):
        assert torch.allclose(2 * once, twice, rtol=1e-9, atol=1e-12)


def test_nobody_to_look_at_leaves_the_target_to_itself(world):
    layer = layer_of(False)
    x, sources, target, source, relation = world
    nothing = target[:0]
    alone = folded(layer, x, sources, nothing, nothing, relation[:0])
    seen = folded(layer, x, sources, target, source, relation)
    assert torch.allclose(alone[[1, 7]], seen[[1, 7]], rtol=0, atol=1e-12)
    assert not torch.allclose(alone[0], seen[0], atol=1e-2)


def test_the_order_of_a_targets_sources_does_not_matter(world):
    layer = layer_of(False)
    x, sources, target, source, relation = world
    order = torch.cat([torch.nonzero(target == node).flatten().flip(0) for node in range(len(x))])
    one = folded(layer, x, sources, target, source, relation)
    other = folded(layer, x, sources, target[order], source[order], relation[order])
    assert torch.allclose(one, other, rtol=0, atol=1e-12)


def test_dropout_acts_in_training_only(world):
    layer = layer_of(False, dropout=0.5)
    trained = [folded(layer.train(), *world) for _ in range(2)]
    assert not torch.equal(*trained)
    quiet = [folded(layer.eval(), *world) for _ in range(2)]
    assert torch.equal(*quiet)


def test_dropout_spares_the_residual_branches(world):
    """It acts on attention weights and inside the feed-forward block: without sources and with that
    block shut, nothing is left to chance.
    """
    layer = layer_of(False, dropout=0.5).train()
    x, sources, target, source, relation = world
    with torch.no_grad():
        layer.feed[-1].weight.zero_()
    alone = [folded(layer, x, sources, target[:0], source[:0], relation[:0]) for _ in range(2)]
    assert torch.equal(*alone)
