"""Relative poses of nodes and what they attend to, embedded."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import pi

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.geometry import wrap_angle
from simagents.models.smart.fourier import FourierEmbedding
from simagents.models.smart.head_rows import HeadRows
from simagents.models.smart.neighbours import Neighbourhoods, joined

SLOTS_AT_ONCE = 4096
"""On a CPU, whose caches hold the intermediates of so many relations: that saves more time than the products take."""
Mark = Callable[[Tensor, Tensor, Tensor], Tensor]
"""embeddings of relations, their targets, their sources -> embeddings"""


@dataclass(frozen=True)
class Relations:
    """Neighbourhoods with the embeddings of their relations, shared by all layers of a kind."""

    near: Neighbourhoods
    embedded: list[Float[Tensor, "_ _ D"]]
    """normalised, group by group; that of padding means nothing"""

    @staticmethod
    def none(device: torch.device) -> "Relations":
        """No target has sources."""
        return Relations(Neighbourhoods.none(device), [])

    @cached_property
    def rows(self) -> HeadRows:
        """What depends on the neighbourhoods alone."""
        return HeadRows(self.near, self.embedded[0].dtype)

    @cached_property
    def seeing(self) -> Bool[Tensor, "N 1"]:
        """Which targets have sources, where all targets are in their order."""
        return ~joined([absent.all(dim=-1, keepdim=True) for absent in self.near.absent])


def relations_between(
    target: Float[Tensor, "n 3"],
    source: Float[Tensor, "m 3"],
    near: Neighbourhoods,
    embedding: Callable[[Tensor], Tensor],
    mark: Mark | None = None,
) -> Relations:
    """Relations by the poses of targets and sources. `mark` changes normalised embeddings."""
    if not near.absent:
        return Relations.none(target.device)
    slots = near.target_of_slots()
    features = relation_features(target, source.index_select(0, near.source), slots)
    return embed_relations(near, features, embedding, mark, slots)


def embed_relations(
    near: Neighbourhoods,
    features: Float[Tensor, "slots F"],
    embedding: Callable[[Tensor], Tensor],
    mark: Mark | None = None,
    target: Int64[Tensor, "slots"] | None = None,
    at_once: int = SLOTS_AT_ONCE,
) -> Relations:
    """Features of all slots, padding included, through `embedding`, row by row. `mark` needs their targets.

    On a CPU `at_once` slots are a block.

    The per-layer LayerNorm of SMART's edge embeddings has the same statistics in every layer: it is
    computed here once, without its scale and shift, which the layers fold into their weights.
    """
    if features.device.type == "cpu":
        near = near.in_blocks(at_once)
        parts = [_normalised(embedding, part) for part in near.of_slots(features)]
    else:  # few launches rather than small ones
        parts = near.of_slots(_normalised(embedding, features))
    if mark is not None:
        of_slots = zip(parts, near.of_slots(target), near.places(), strict=True)
        parts = [mark(*of_block) for of_block in of_slots]
    shaped = zip(parts, near.absent, strict=True)
    return Relations(near, [part.view(*absent.shape, -1) for part, absent in shaped])


def _normalised(
    embedding: Callable[[Tensor], Tensor], features: Float[Tensor, "E F"]
) -> Float[Tensor, "E D"]:
    """Embeddings after a LayerNorm without scale and shift."""
    embedded = embedding(features)
    embedded = nn.functional.layer_norm(embedded, embedded.shape[-1:])
    device = features.device.type
    if torch.is_autocast_enabled(device):  # once, not in every layer
        embedded = embedded.to(torch.get_autocast_dtype(device))
    return embedded


def relation_features(
    target: Float[Tensor, "n 3"],
    source: Float[Tensor, "E 3"],
    of: Int64[Tensor, "E"] | None = None,
) -> Float[Tensor, "E 3"]:
    """The pose of `source` relative to its target: distance (m), bearing, difference of heading (rad).

    Poses are x, y, heading. The bearing is the angle from the target's heading to the offset, 0
    where both are at the same place. `of`: the row of each source's target; without it, each has
    its own.
    """
    frame = torch.cat([target, target[:, 2:].cos(), target[:, 2:].sin()], dim=-1)
    frame = frame if of is None else frame.index_select(0, of)
    offset = source[:, :2] - frame[:, :2]
    cos, sin = frame[:, 3], frame[:, 4]
    ahead = cos * offset[:, 0] + sin * offset[:, 1]
    left = cos * offset[:, 1] - sin * offset[:, 0]
    turn = wrap_angle(source[:, 2] - frame[:, 2])
    # Zeros have signs, which turn with the heading: without + 0.0 some bearings of 0 would be pi.
    bearing = torch.atan2(left + 0.0, ahead + 0.0)
    return torch.stack([offset.norm(dim=-1), bearing, turn], dim=-1)


def looked_up(embedding: FourierEmbedding, radius: float, rows: int) -> Callable[[Tensor], Tensor]:
    """The embedding of relations closer than `radius` by tables of `rows`; 0: itself."""
    return embedding.tabulated([0.0, -pi, -pi], [radius, pi, pi], rows) if rows else embedding
