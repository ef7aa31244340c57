"""Which tensor of CAT-K's checkpoints is which of ours. Both directions follow from one table.

Names and shapes are those of NVlabs/catk's `SMART` (SMART-tiny and its smaller siblings), without
the prefix `encoder.` of its Lightning checkpoints. Three things differ besides names: the branches
of a Fourier embedding are one stacked tensor here, and transposed; layers that are not bipartite
list their one LayerNorm of sources and targets twice there; and corners of boxes come clockwise
there and counter-clockwise here, which permutes what the token embeddings read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

NEIGHBOURS = 100
"""Map pieces that a map piece sees at most: CAT-K's code has this number and no option for it."""

LATE_MOTION = "world_position"
"""Of the first token that an agent is seen in: the same holds for it."""

Form = Literal["same", "rows", "matrices", "corners"]

_ATTENTION = {
    "to_q": "query",
    "to_k": "key",
    "to_v": "value",
    "to_k_r": "relation_key",
    "to_v_r": "relation_value",
    "to_s": "itself",
    "to_g": "gate",
    "to_out": "out",
    "ff_mlp.0": "feed.0",
    "ff_mlp.3": "feed.3",
    "attn_prenorm_x_src": "norm_source",
    "attn_prenorm_r": "norm_relation",
    "attn_postnorm": "norm_after",
    "ff_prenorm": "norm_before_feed",
    "ff_postnorm": "norm_after_feed",
}
_WITHOUT_BIAS = ("to_k", "to_k_r")
_FOURIER = {
    "0.weight": ("first_weight", "matrices"),
    "0.bias": ("first_bias", "rows"),
    "1.weight": ("norm_weight", "rows"),
    "1.bias": ("norm_bias", "rows"),
    "3.weight": ("second_weight", "matrices"),
    "3.bias": ("second_bias", "same"),
}
_EMBEDDING = (0, 1, 3, 4, 6)  # Linear, LayerNorm, (ReLU,) Linear, LayerNorm, (ReLU,) Linear
_HEAD = (0, 1, 3)
# x, y of left front, right front, right back, left back -> left front, left back, right back, …
_COUNTER_CLOCKWISE = [0, 1, 6, 7, 4, 5, 2, 3]


@dataclass(frozen=True)
class Match:
    """One of our tensors and the one, or the branches, of CAT-K's that it is made of."""

    name: str
    """of our tensor"""
    catk_names: tuple[str, ...]
    form: Form = "same"

    def join(self, tensors: list[Tensor]) -> Tensor:
        """Our tensor from CAT-K's."""
        if self.form == "corners":
            return tensors[0][:, _COUNTER_CLOCKWISE]
        if self.form == "matrices":
            return torch.stack([tensor.T for tensor in tensors])
        if self.form == "rows":
            return torch.stack(tensors)[:, None]
        return tensors[0] if len(tensors) == 1 else torch.stack(tensors)

    def part(self, tensor: Tensor) -> list[Tensor]:
        """CAT-K's tensors from ours."""
        if self.form == "corners":
            return [tensor[:, _COUNTER_CLOCKWISE]]  # its own inverse
        if self.form == "matrices":
            return [one.T for one in tensor]
        if self.form == "rows":
            return list(tensor[:, 0])
        return [tensor] if len(self.catk_names) == 1 else list(tensor)


def matches(map_layers: int, agent_layers: int) -> Iterator[Match]:
    """The whole table for a model with so many layers."""
    for number, name in enumerate(("type_pt_emb", "polygon_type_emb", "light_pl_emb")):
        yield Match(f"map_encoder.types.{number}.weight", (f"map_encoder.{name}.weight",))
    yield from _mlp("map_encoder.token", "map_encoder.token_emb", _EMBEDDING)
    yield from _fourier("map_encoder.relation", "map_encoder.r_pt2pt_emb", 3)
    yield from _layers("map_encoder.layers", "map_encoder.pt2pt_layers", map_layers)

    yield Match("agent_class.weight", ("agent_encoder.type_a_emb.weight",))
    yield from _mlp("agent_size", "agent_encoder.shape_emb", _HEAD)
    yield from _mlp("fusion", "agent_encoder.fusion_emb", _EMBEDDING)
    yield from _mlp("head", "agent_encoder.token_predict_head", _HEAD)
    for number, name in enumerate(("veh", "ped", "cyc")):
        for match in _mlp(f"agent_token.{number}", f"agent_encoder.token_emb_{name}", _EMBEDDING):
            first = match.name == f"agent_token.{number}.0.weight"
            yield Match(match.name, match.catk_names, "corners") if first else match
    yield from _fourier("agent_motion", "agent_encoder.x_a_emb", 2)
    yield from _fourier("time_relation", "agent_encoder.r_t_emb", 4)
    yield from _fourier("map_agent_relation", "agent_encoder.r_pt2a_emb", 3)
    yield from _fourier("agent_relation", "agent_encoder.r_a2a_emb", 3)
    yield from _layers("time_layers", "agent_encoder.t_attn_layers", agent_layers)
    yield from _layers("map_agent_layers", "agent_encoder.pt2a_attn_layers", agent_layers, True)
    yield from _layers("agent_layers", "agent_encoder.a2a_attn_layers", agent_layers)


def repeated(map_layers: int, agent_layers: int) -> Iterator[tuple[str, str]]:
    """(copy, original) of the tensors that CAT-K's checkpoints hold twice."""
    lists = {
        "map_encoder.pt2pt_layers": map_layers,
        "agent_encoder.t_attn_layers": agent_layers,
        "agent_encoder.a2a_attn_layers": agent_layers,
    }
    for name, count in lists.items():
        for number in range(count):
            for kind in ("weight", "bias"):
                norm = f"{name}.{number}.attn_prenorm_x"
                yield f"{norm}_dst.{kind}", f"{norm}_src.{kind}"


def _mlp(prefix: str, catk_prefix: str, numbers: tuple[int, ...]) -> Iterator[Match]:
    for number in numbers:
        for kind in ("weight", "bias"):
            yield Match(f"{prefix}.{number}.{kind}", (f"{catk_prefix}.mlp.{number}.{kind}",))


def _fourier(prefix: str, catk_prefix: str, scalars: int) -> Iterator[Match]:
    yield Match(f"{prefix}.frequency", (f"{catk_prefix}.freqs.weight",))
    for place, (name, form) in _FOURIER.items():
        branches = tuple(f"{catk_prefix}.mlps.{branch}.{place}" for branch in range(scalars))
        yield Match(f"{prefix}.{name}", branches, form)
    for number in (0, 2):
        for kind in ("weight", "bias"):
            yield Match(f"{prefix}.out.{number}.{kind}", (f"{catk_prefix}.to_out.{number}.{kind}",))


def _layers(prefix: str, catk_prefix: str, count: int, bipartite: bool = False) -> Iterator[Match]:
    names = _ATTENTION | ({"attn_prenorm_x_dst": "norm_target"} if bipartite else {})
    for number in range(count):
        for their_name, our_name in names.items():
            for kind in ("weight",) if their_name in _WITHOUT_BIAS else ("weight", "bias"):
                yield Match(
                    f"{prefix}.{number}.{our_name}.{kind}",
                    (f"{catk_prefix}.{number}.{their_name}.{kind}",),
                )
