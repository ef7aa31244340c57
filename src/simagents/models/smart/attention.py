"""Attention whose keys and values depend on the relative pose of source and target."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.models.smart.relations import Relations
from simagents.models.smart.source_sums import source_sums

Memory = Float[Tensor, "*S W"]
"""Keys and, behind them, values of sources, heads side by side."""


class RelationAttention(nn.Module):
    """QCNet's gated graph attention with a feed-forward block, the layer of SMART.

    With edge embedding r, keys are k + Wk r and values v + Wv r. A bipartite layer normalises sources
    and targets separately. The heads together may be narrower than their input. Dropout acts on
    attention weights and inside the feed-forward block. `folded` has the form in which it is computed.
    """

    def __init__(self, width: int, heads: int, head_width: int, dropout: float, bipartite: bool):
        super().__init__()
        self.heads = heads
        self.head_width = head_width
        self.dropout = dropout
        inner = heads * head_width
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner, bias=False)
        self.value = nn.Linear(width, inner)
        self.relation_key = nn.Linear(width, inner, bias=False)
        self.relation_value = nn.Linear(width, inner)
        self.itself = nn.Linear(width, inner)
        self.gate = nn.Linear(inner + width, inner)
        self.out = nn.Linear(inner, width)
        self.norm_source = nn.LayerNorm(width)
        self.norm_target = nn.LayerNorm(width) if bipartite else None
        self.norm_relation = nn.LayerNorm(width)
        self.norm_after = nn.LayerNorm(width)
        self.norm_before_feed = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.norm_after_feed = nn.LayerNorm(width)
        own = torch.eye(heads).repeat_interleave(head_width, dim=1)
        self.register_buffer("own", own, persistent=False)


def folded(layers: Iterable[RelationAttention]) -> "list[FoldedAttention]":
    """Layers of one size as they are computed: for one pass, or for all steps of a rollout.

    Their weights are put together for all layers at once, because on an accelerator a product of two
    weights costs as much as its launch. All layers are bipartite, or none.
    """
    layers = list(layers)
    if not layers:
        return []

    def stacked(of: Callable[[RelationAttention], Tensor]) -> Tensor:
        return torch.stack([of(layer) for layer in layers])

    first = layers[0]
    inner, width, scale = first.gate.out_features, first.key.in_features, first.head_width**-0.5
    relation_value = stacked(lambda layer: layer.relation_value.weight)
    norm_weight = stacked(lambda layer: layer.norm_relation.weight)[:, None]
    to_score = stacked(lambda layer: layer.relation_key.weight) * norm_weight
    from_value = relation_value * norm_weight
    # The weights of a target's sources sum to 1 (to their sum, with dropout), so what is the same
    # for all relations may as well be part of every value. In scores it would cancel. The two biases are
    # added layer by layer: added as stacks, their gradients would be views of the same memory, into which
    # autograd then adds both.
    value_bias = torch.baddbmm(
        stacked(lambda layer: layer.value.bias + layer.relation_value.bias)[..., None],
        relation_value, stacked(lambda layer: layer.norm_relation.bias)[..., None],
    ).squeeze(-1)  # fmt: skip
    gate = stacked(lambda layer: layer.gate.weight)
    from_gathered, from_target = gate.split([inner, width], dim=2)
    weight = [
        stacked(lambda layer: layer.query.weight) * scale,
        stacked(lambda layer: layer.itself.weight),
        from_target,
    ]
    bias = [
        stacked(lambda layer: layer.query.bias) * scale,
        stacked(lambda layer: layer.itself.bias),
        stacked(lambda layer: layer.gate.bias),
    ]
    source_weight = [
        stacked(lambda layer: layer.key.weight),
        stacked(lambda layer: layer.value.weight),
    ]
    source_bias = [torch.zeros_like(value_bias), value_bias]
    if first.norm_target is None:  # one product for targets and sources
        weight, bias = torch.cat(weight + source_weight, 1), torch.cat(bias + source_bias, 1)
        source_weight, source_bias = weight[:, -2 * inner :], bias[:, -2 * inner :]
    else:
        weight, bias, source_weight, source_bias = (
            torch.cat(parts, 1) for parts in (weight, bias, source_weight, source_bias)
        )
    heads = (first.heads, first.head_width)
    weights = [
        weight, bias, source_weight, source_bias, from_gathered, to_score.unflatten(1, heads),
        from_value.unflatten(1, heads).transpose(2, 3),
    ]  # fmt: skip
    own, device = first.own, first.own.device.type
    if torch.is_autocast_enabled(device):  # once, not in every product
        dtype = torch.get_autocast_dtype(device)
        weights, own = [each.to(dtype) for each in weights], own.to(dtype)
    by_layer = zip(*(each.unbind() for each in weights), strict=True)
    return [
        FoldedAttention(layer, *of_layer, own)
        for layer, of_layer in zip(layers, by_layer, strict=True)
    ]


@dataclass(frozen=True)
class Reading:
    """What a target brings with it, and, unless its layer is bipartite, is as a source."""

    query: Float[Tensor, "N I"]
    itself: Float[Tensor, "N I"]
    gate: Float[Tensor, "N I"]
    memory: Memory | None


@dataclass(frozen=True)
class FoldedAttention:
    """A `RelationAttention` as a few products.

    Nothing is projected per edge: `q·(k + Wk r) = q·k + (Wkᵀq)·r` and `Σ a (v + Wv r) = Σ a v +
    Wv (Σ a r)`, per head, so an edge costs four products of width D at most a head where the plain
    form costs two D x D matrices. The scale and shift of r's LayerNorm are part of Wk, Wv and the
    value's bias; the shift's part of the score is the same for all sources of a target and cancels in
    the softmax. Projections of the same rows are one product.

    N targets, S sources, D = width; inside, n targets of H heads with d channels each, I = H d.
    """

    layer: RelationAttention
    target_weight: Float[Tensor, "_ D"]
    target_bias: Float[Tensor, "_"]
    source_weight: Float[Tensor, "_ D"]
    source_bias: Float[Tensor, "_"]
    gate_weight: Float[Tensor, "I I"]
    to_score: Float[Tensor, "H d D"]
    from_value: Float[Tensor, "H D d"]
    own: Float[Tensor, "H I"]
    """ones where a column belongs to a head"""

    def memory(self, source: Float[Tensor, "S D"]) -> Memory:
        """Keys and values of sources; computed once for all targets that attend to them."""
        rows = self.layer.norm_source(source)
        return nn.functional.linear(rows, self.source_weight, self.source_bias)

    def read(self, x: Float[Tensor, "N D"]) -> Reading:
        """All that depends on each target alone."""
        bipartite = self.layer.norm_target is not None
        rows = (self.layer.norm_target or self.layer.norm_source)(x)
        rows = nn.functional.linear(rows, self.target_weight, self.target_bias)
        inner = len(self.gate_weight)
        query, itself, gate, *memory = rows.split(3 * [inner] + (not bipartite) * [2 * inner], -1)
        return Reading(query, itself, gate, *(memory or [None]))

    def __call__(
        self, x: Float[Tensor, "N D"], reading: Reading, memory: Memory, relations: Relations
    ) -> Float[Tensor, "N D"]:
        """The targets after attending to their sources. A target without sources uses its own features."""
        layer = self.layer
        gathered = self._gathered(reading.query, memory, relations)
        gate = torch.sigmoid(torch.addmm(reading.gate, gathered, self.gate_weight.T))
        x = x + layer.norm_after(layer.out(torch.lerp(gathered, reading.itself, gate)))
        return x + layer.norm_after_feed(layer.feed(layer.norm_before_feed(x)))

    def _gathered(self, query: Tensor, memory: Memory, relations: Relations) -> Tensor:
        near, n = relations.near, len(query)
        if not near.absent:
            return torch.zeros_like(query)
        if near.target is not None:
            query = query.index_select(0, near.target)
        layer, heads = self.layer, self.layer.heads
        by_head = query.view(len(query), heads, -1).transpose(0, 1)
        to_relation = (by_head @ self.to_score).transpose(0, 1)
        values, summed = source_sums(
            query, to_relation, memory, self.own, relations,
            layer.dropout if layer.training else 0.0,
        )  # fmt: skip
        gathered = torch.baddbmm(values.transpose(0, 1), summed.transpose(0, 1), self.from_value)
        gathered = gathered.transpose(0, 1).flatten(1)
        if near.target is None:
            return gathered * relations.seeing
        result = torch.zeros(n, gathered.shape[-1], dtype=gathered.dtype, device=query.device)
        return result.index_copy(0, near.target, gathered)
