"""Which nodes attend to which others, and their relative poses."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from simagents.geometry import wrap_angle
from simagents.models.smart.fourier import FourierEmbedding

# Targets with about the same number of sources are computed together, padded to the upper bound of
# their group. The bounds are fixed, so the shape in which a target is computed depends on its own
# neighbourhood alone and never on what else is in the batch.
_BOUNDS = (
    4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 144, 160, 176,
    192, 208, 224, 240, 256, 288, 320, 352, 384, 448, 512, 640, 768, 1024, 1536, 2048, 4096, 8192,
)  # fmt: skip

_ROWS_AT_ONCE = 4096

Mark = Callable[[Tensor, Tensor, Tensor], Tensor]
"""embeddings of relations, their targets, their sources -> embeddings"""


@dataclass(frozen=True)
class Relations:
    """Edges from sources to targets with their embeddings, shared by all layers of a kind.

    Targets come in groups of n with at most K sources each. Unused slots are padding, to which no
    target attends.
    """

    target: Int64[Tensor, "n_all"]
    """targets that have sources, group by group"""
    source: Int64[Tensor, "slots"]
    """the K sources of each, padding included"""
    present: list[Bool[Tensor, "_ _"]]
    relation: list[Float[Tensor, "_ _ D"]]
    """normalised relation embeddings"""

    @staticmethod
    def none(device: torch.device) -> "Relations":
        """No target has sources."""
        nothing = torch.zeros(0, dtype=torch.int64, device=device)
        return Relations(nothing, nothing, [], [])

    def of_sources(self, rows: Float[Tensor, "S D"]) -> list[Float[Tensor, "_ _ D"]]:
        """Rows of the sources, group by group."""
        # index_select, not rows[source]: four times as fast on a CPU. Group by group, because the
        # gradient of one gather that is split would have to be concatenated again.
        return [
            rows.index_select(0, source).view(*present.shape, -1)
            for source, present in zip(self.of_slots(self.source), self.present, strict=True)
        ]

    def of_targets(self, rows: Float[Tensor, "N *D"]) -> tuple[Float[Tensor, "_ *D"], ...]:
        """Rows of the targets, group by group."""
        return rows.index_select(0, self.target).split([len(present) for present in self.present])

    def of_slots(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Rows of the slots, group by group."""
        return rows.split([present.numel() for present in self.present])


def embed_relations(
    target: Int64[Tensor, "E"],
    source: Int64[Tensor, "E"],
    targets: int,
    features: Float[Tensor, "E F"],
    embedding: Callable[[Tensor], Tensor],
    mark: Mark | None = None,
) -> Relations:
    """Edges, sorted by target, as padded groups.

    The per-layer LayerNorm of SMART's edge embeddings has the same statistics in every layer: it is
    computed here once, without its scale and shift, which the layers fold into their weights.
    `embedding` turns features into embeddings row by row; it also gets the padding of a group.
    `mark` changes normalised embeddings, by targets and sources.
    """
    degree = torch.bincount(target, minlength=targets)
    first = degree.cumsum(0) - degree
    targets_of, edges, presents, low = [], [], [], 0
    for high in _BOUNDS:
        rows = torch.nonzero((degree > low) & (degree <= high)).squeeze(-1)
        if len(rows):
            slot = torch.arange(high, device=target.device)
            present = slot < degree[rows, None]
            targets_of.append(rows)
            presents.append(present)
            edges.append(torch.where(present, first[rows, None] + slot, 0).flatten())
        low = high
    if len(target) and int(degree.max()) > _BOUNDS[-1]:
        raise ValueError(
            f"a target has {int(degree.max())} sources; at most {_BOUNDS[-1]} are supported."
        )
    if not edges:
        return Relations.none(target.device)
    edge = torch.cat(edges)
    # With padding a tenth more rows than edges, but no copy of all of them.
    embedded = _normalised(embedding, features.index_select(0, edge))
    if mark is not None:
        embedded = mark(embedded, target[edge], source[edge])
    parts = embedded.split([present.numel() for present in presents])
    relation = [
        part.view(*present.shape, -1) for part, present in zip(parts, presents, strict=True)
    ]
    return Relations(torch.cat(targets_of), source[edge], presents, relation)


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
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def relations_to(
    target: Float[Tensor, "n 3"],
    target_group: Int64[Tensor, "n"],
    source: Float[Tensor, "m 3"],
    source_group: Int64[Tensor, "m"],
    radius: float,
    embedding: Callable[[Tensor], Tensor],
    mark: Mark | None = None,
) -> Relations:
    """Relations of targets to sources of another kind in their group, by poses; see `within`."""
    edges = within(target[:, :2], target_group, source[:, :2], source_group, radius)
    return _between(target, source, edges, embedding, mark)


def relations_among(
    pose: Float[Tensor, "n 3"],
    group: Int64[Tensor, "n"],
    radius: float,
    embedding: Callable[[Tensor], Tensor],
    nearest: int | None = None,
) -> Relations:
    """Relations among the members of a group, by poses: to all others or to the `nearest`."""
    at = pose[:, :2]
    # Each member is nearest to itself, and is left out afterwards.
    target, source = within(at, group, at, group, radius, nearest and nearest + 1)
    others = target != source
    return _between(pose, pose, (target[others], source[others]), embedding)


def _between(
    target: Tensor,
    source: Tensor,
    edges: tuple[Tensor, Tensor],
    embedding: Callable[[Tensor], Tensor],
    mark: Mark | None = None,
) -> Relations:
    features = relation_features(target.index_select(0, edges[0]), source.index_select(0, edges[1]))
    return embed_relations(*edges, len(target), features, embedding, mark)


def relation_features(
    target: Float[Tensor, "E 3"], source: Float[Tensor, "E 3"]
) -> Float[Tensor, "E 3"]:
    """The pose of `source` relative to `target`: distance (m), bearing, difference of heading (rad).

    Poses are x, y, heading. The bearing is the angle from the target's heading to the offset, 0
    where both are at the same place.
    """
    offset = source[:, :2] - target[:, :2]
    cos, sin = target[:, 2].cos(), target[:, 2].sin()
    ahead = cos * offset[:, 0] + sin * offset[:, 1]
    left = cos * offset[:, 1] - sin * offset[:, 0]
    turn = wrap_angle(source[:, 2] - target[:, 2])
    # Zeros have signs, which turn with the heading: without + 0.0 some bearings of 0 would be pi.
    bearing = torch.atan2(left + 0.0, ahead + 0.0)
    return torch.stack([offset.norm(dim=-1), bearing, turn], dim=-1)


def looked_up(embedding: FourierEmbedding, radius: float, rows: int) -> Callable[[Tensor], Tensor]:
    """The embedding of relations closer than `radius` by tables of `rows`; 0: itself."""
    return embedding.tabulated([0.0, -pi, -pi], [radius, pi, pi], rows) if rows else embedding


def within(
    target: Float[Tensor, "n 2"],
    target_group: Int64[Tensor, "n"],
    source: Float[Tensor, "m 2"],
    source_group: Int64[Tensor, "m"],
    radius: float,
    nearest: int | None = None,
) -> tuple[Int64[Tensor, "E"], Int64[Tensor, "E"]]:
    """Pairs (target, source) of the same group closer than `radius` (strictly), sorted by target.

    Groups are numbered from 0; a target in group -1 has no sources. `nearest` keeps that many sources
    a target. Points are hashed into cells of side `radius`, so a target is compared with the three
    rows of three cells around it only; rows of cells are contiguous once sources are sorted. Cells
    start at the origin, so the order of pairs does not depend on the rest of the batch.
    """
    device = target.device
    nothing = torch.zeros(0, dtype=torch.int64, device=device)
    if not len(target) or not len(source):
        return nothing, nothing
    cells = torch.cat([target, source]).div(radius).floor().long()
    low = cells.amin(dim=0) - 1
    rows, columns = (cells.amax(dim=0) - low + 2).tolist()
    cells = cells - low
    group = torch.cat([target_group, source_group])
    cell = (group * rows + cells[:, 0]) * columns + cells[:, 1]
    of_target, of_source = cell[: len(target)], cell[len(target) :]
    of_source, order = of_source.sort(stable=True)
    middle = of_target[:, None] + torch.tensor([-columns, 0, columns], device=device)
    first = torch.searchsorted(of_source, middle - 1)
    count = torch.searchsorted(of_source, middle + 1, right=True) - first
    count = (count * (target_group >= 0)[:, None]).flatten()
    candidates = int(count.sum())
    slot = torch.arange(candidates, device=device)
    slot = slot - torch.repeat_interleave(count.cumsum(0) - count, count, output_size=candidates)
    s = order[torch.repeat_interleave(first.flatten(), count, output_size=candidates) + slot]
    t = torch.arange(len(target), device=device).repeat_interleave(3)
    t = t.repeat_interleave(count, output_size=candidates)
    offset = target[t] - source[s]
    squared = offset[:, 0] ** 2 + offset[:, 1] ** 2
    close = squared < radius**2
    t, s, squared = t[close], s[close], squared[close]
    degree = torch.bincount(t, minlength=len(target))
    if nearest is not None and int(degree.max()) > nearest:
        by_distance = squared.argsort(stable=True)
        by_distance = by_distance[t[by_distance].argsort(stable=True)]
        rank = torch.arange(len(t), device=device) - (degree.cumsum(0) - degree)[t]
        kept = by_distance[rank < nearest]
        t, s = t[kept], s[kept]
    return t, s
