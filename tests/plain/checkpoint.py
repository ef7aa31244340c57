"""A checkpoint as CAT-K's training writes it: its names, its shapes, numbers of our own."""

import pickle
from pathlib import Path

import numpy as np
import torch

from simagents.exchange.tokens import corners_of
from simagents.tokens.vocabulary import Vocabulary

NORM = ("weight", "bias")
SCALARS = {
    "map_encoder.r_pt2pt_emb": 3,
    "agent_encoder.x_a_emb": 2,
    "agent_encoder.r_t_emb": 4,
    "agent_encoder.r_pt2a_emb": 3,
    "agent_encoder.r_a2a_emb": 3,
}


def shapes(width, inner, bands, tokens, map_layers, agent_layers):
    """Names and shapes of the encoder, by the rules that its modules follow."""
    shapes_by_name = {}

    def linear(name, outputs, inputs, bias=True):
        shapes_by_name[f"{name}.weight"] = (outputs, inputs)
        if bias:
            shapes_by_name[f"{name}.bias"] = (outputs,)

    def norm(name):
        shapes_by_name.update({f"{name}.{kind}": (width,) for kind in NORM})

    def embedding(name, inputs):
        for number, size in ((0, inputs), (3, width), (6, width)):
            linear(f"{name}.mlp.{number}", width, size)
        norm(f"{name}.mlp.1")
        norm(f"{name}.mlp.4")

    def head(name, inputs, outputs):
        linear(f"{name}.mlp.0", width, inputs)
        norm(f"{name}.mlp.1")
        linear(f"{name}.mlp.3", outputs, width)

    def attention(name):
        for part in ("q", "k", "v", "k_r", "v_r", "s"):
            linear(f"{name}.to_{part}", inner, width, bias=part not in ("k", "k_r"))
        linear(f"{name}.to_g", inner, inner + width)
        linear(f"{name}.to_out", width, inner)
        linear(f"{name}.ff_mlp.0", 4 * width, width)
        linear(f"{name}.ff_mlp.3", width, 4 * width)
        for part in ("prenorm_x_src", "prenorm_x_dst", "prenorm_r", "postnorm"):
            norm(f"{name}.attn_{part}")
        norm(f"{name}.ff_prenorm")
        norm(f"{name}.ff_postnorm")

    for name, scalars in SCALARS.items():
        shapes_by_name[f"{name}.freqs.weight"] = (scalars, bands)
        for branch in range(scalars):
            linear(f"{name}.mlps.{branch}.0", width, 2 * bands + 1)
            norm(f"{name}.mlps.{branch}.1")
            linear(f"{name}.mlps.{branch}.3", width, width)
        norm(f"{name}.to_out.0")
        linear(f"{name}.to_out.2", width, width)
    for name, kinds in (("type_pt", 10), ("polygon_type", 4), ("light_pl", 5)):
        shapes_by_name[f"map_encoder.{name}_emb.weight"] = (kinds, width)
    embedding("map_encoder.token_emb", 22)
    for number in range(map_layers):
        attention(f"map_encoder.pt2pt_layers.{number}")
    shapes_by_name["agent_encoder.type_a_emb.weight"] = (3, width)
    head("agent_encoder.shape_emb", 3, width)
    for kind in ("veh", "ped", "cyc"):
        embedding(f"agent_encoder.token_emb_{kind}", 8)
    embedding("agent_encoder.fusion_emb", 2 * width)
    for number in range(agent_layers):
        for kind in ("t", "pt2a", "a2a"):
            attention(f"agent_encoder.{kind}_attn_layers.{number}")
    head("agent_encoder.token_predict_head", width, tokens)
    return shapes_by_name


def filled(shapes_by_name, seed=0):
    """Random tensors, none at its resting value; norms that layers share are equal."""
    generator = torch.manual_seed(seed)
    state = {}
    for name, shape in shapes_by_name.items():
        tensor = torch.randn(shape, generator=generator) * (0.5 / max(shape[-1], 4) ** 0.5)
        resting = len(shape) == 1 and name.endswith("weight")
        state[name] = tensor + 1 if resting else tensor
    for name in list(state):
        if "attn_prenorm_x_dst" in name and "pt2a" not in name:
            state[name] = state[name.replace("_dst", "_src")].clone()
    return state


SIZES = dict(width=16, inner=12, bands=4, tokens=48, map_layers=1, agent_layers=2)
DECODER = dict(
    hidden_dim=16, num_heads=3, head_dim=4, num_freq_bands=4, dropout=0.2, hist_drop_prob=0.3,
    pl2pl_radius=9, pl2a_radius=11, a2a_radius=25, time_span=15,
)  # fmt: skip


class Checkpoint:
    """A checkpoint and its vocabularies in a folder; change `state` or `decoder`, then `write`."""

    def __init__(self, folder: Path, vocabulary: Vocabulary):
        self.state, self.decoder = filled(shapes(**SIZES)), dict(DECODER)
        self.checkpoint = folder / "last.ckpt"
        self.agent, self.map = folder / "agent.pkl", folder / "map.pkl"
        self.out = folder / "imported"
        self.write()
        corners = corners_of(vocabulary.motion).numpy()
        tables = dict(zip(("veh", "ped", "cyc"), corners, strict=True))
        self.agent.write_bytes(pickle.dumps({"token_all": tables}))
        pieces = vocabulary.map.numpy().astype(np.float64)
        self.map.write_bytes(pickle.dumps({"traj_src": pieces}))

    def write(self) -> None:
        content = {
            "state_dict": {f"encoder.{name}": tensor for name, tensor in self.state.items()},
            "epoch": 31,
            "pytorch-lightning_version": "2.4.0",
        }
        if self.decoder is not None:
            content["hyper_parameters"] = {"model_config": {"decoder": self.decoder}}
        torch.save(content, self.checkpoint)
