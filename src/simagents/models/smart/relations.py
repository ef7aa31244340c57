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
from simagents.models.smart.neighbours import Neighbourhoods, joined

_ROWS_AT_ONCE = 4096
LOWEST = -1e30
"""Below every score, and finite in float32 and bfloat16: a target of padding alone has weights, which mean
nothing. float16, in which nothing runs here, would overflow."""

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
    def barriers(self) -> list[Float[Tensor, "_ 1 K"]]:
        """Group by group what scores start from: 0, and where there is no source a number below all of them."""
        return [
            (absent[:, None] * LOWEST).to(rows.dtype)
            for rows, absent in zip(self.embedded, self.near.absent, strict=True)
        ]

    @cached_property
    def seeing(self) -> Bool[Tensor, "N 1"]:
        """Which targets have sources, where all targets are in the one group that there is."""
        (absent,) = self.near.absent
        return ~absent.all(dim=-1, keepdim=True)

    @cached_property
    def _rows(self) -> dict[int, list[Tensor]]:
        return {}

    def rows_of_heads(self, heads: int) -> list[Int64[Tensor, "_ K"]]:
        """Group by group, where the values of each target and head are among a memory's rows of a head's width.

        A source's rows are its keys, head by head, and then its values.
        """
        if heads not in self._rows:
            head = torch.arange(heads, 2 * heads, device=self.near.source.device)[:, None]
            rows = (self.near.source * (2 * heads)).split([one.numel() for one in self.near.absent])
            self._rows[heads] = [
                (one.view(len(absent), 1, -1) + head).flatten(0, 1)
                for one, absent in zip(rows, self.near.absent, strict=True)
            ]
        return self._rows[heads]


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
    marked = None if mark is None else lambda rows: mark(rows, slots, near.source)
    return embed_relations(near, features, embedding, marked)


def embed_relations(
    near: Neighbourhoods,
    features: Float[Tensor, "slots F"],
    embedding: Callable[[Tensor], Tensor],
    mark: Callable[[Tensor], Tensor] | None = None,
) -> Relations:
    """Features of all slots, padding included, through `embedding`, row by row.

    The per-layer LayerNorm of SMART's edge embeddings has the same statistics in every layer: it is
    computed here once, without its scale and shift, which the layers fold into their weights.
    """
    rows = _normalised(embedding, features)
    rows = rows if mark is None else mark(rows)
    parts = zip(near.of_slots(rows), near.absent, strict=True)
    return Relations(near, [part.view(*absent.shape, -1) for part, absent in parts])


def _normalised(
    embedding: Callable[[Tensor], Tensor], features: Float[Tensor, "E F"]
) -> Float[Tensor, "E D"]:
    """Embeddings after a LayerNorm without scale and shift."""
    device = features.device.type
    # A few thousand rows at a time: on a CPU, intermediates that stay in the caches save more time
    # than the products take.
    at_once = _ROWS_AT_ONCE if device == "cpu" else max(len(features), 1)
    parts = []
    for rows in features.split(at_once):
        embedded = embedding(rows)
        embedded = nn.functional.layer_norm(embedded, embedded.shape[-1:])
        if torch.is_autocast_enabled(device):
            embedded = embedded.to(torch.get_autocast_dtype(device))  # once, not in every layer
        parts.append(embedded)
    return joined(parts)


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
