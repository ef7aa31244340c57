"""How well a vocabulary follows logged tracks: errors of the chains, and unused tokens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from tqdm import tqdm

from simagents.files import read_json, write_json
from simagents.scenarios.agent_class import CLASSES
from simagents.tokens.scene import TokenStore
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Measure reconstruction on tokenised scenes that no vocabulary was built from."""

    tokens: list[Path]
    """tokenised validation shards, a folder or a list of them (.txt)"""
    vocabulary: Path
    training: Path
    """report from `simagents vocabulary`: the same on the scenes that it was built from"""
    limit: int
    """scenes to read; 0 for all"""
    out: Path
    """JSON: training, validation"""


def main(args: Args) -> None:
    """The chains are read, not computed again."""
    store, vocabulary = TokenStore(args.tokens), Vocabulary.read(args.vocabulary)
    store.require(vocabulary)
    measured = Reconstruction(vocabulary)
    rows = range(len(store))[: args.limit or None]
    for row in tqdm(rows, desc="measuring reconstruction", unit="scenario"):
        scene = store[row]
        measured.add(
            torch.from_numpy(scene.agent_class.astype(np.int64)),
            torch.from_numpy(scene.token.astype(np.int64)),
            torch.from_numpy(scene.pose),
            torch.from_numpy(scene.logged),
            torch.from_numpy(scene.valid),
        )
    unseen = {"scenarios": len(rows), **measured.summary()}
    write_json(args.out, {"training": read_json(args.training), "validation": unseen})


class Reconstruction:
    """Sums over scenes."""

    def __init__(self, vocabulary: Vocabulary):
        self.count = vocabulary.count
        self.errors: list[list[Tensor]] = [[] for _ in CLASSES]
        self.uses = torch.zeros(len(CLASSES), vocabulary.size, dtype=torch.int64)

    def add(
        self,
        agent_class: Int64[Tensor, "A"],
        token: Int64[Tensor, "A T"],
        pose: Float[Tensor, "A T 3"],
        logged: Float[Tensor, "A B 3"],
        valid: Bool[Tensor, "A T"],
    ) -> None:
        """One scene: tokens, where they lead, and where the log was, at B = T + 1 boundaries."""
        error = (pose[..., :2] - logged[:, 1:, :2]).norm(dim=-1)
        for index in range(len(CLASSES)):
            of_class = valid & (agent_class == index)[:, None]
            self.errors[index].append(error[of_class])
            self.uses[index] += torch.bincount(token[of_class], minlength=self.uses.shape[1])

    def summary(self) -> dict[str, Any]:
        """Per class, and as `motion` over all classes; errors are distances of centres in metres."""
        parts = {}
        for index, name in enumerate(CLASSES):
            count = int(self.count[index])
            dead = int((self.uses[index, :count] == 0).sum())
            parts[name] = (count, dead, torch.cat([torch.zeros(0), *self.errors[index]]).numpy())
        counts, dead, errors = zip(*parts.values(), strict=True)
        parts["motion"] = (sum(counts), sum(dead), np.concatenate(errors))
        return {
            name: {"tokens": count, "dead": dead, "dead_share": round(dead / count, 6), **spread(e)}
            for name, (count, dead, e) in parts.items()
        }


def spread(error: np.ndarray) -> dict[str, float | int | None]:
    """Mean and 99th percentile of distances (m); null where there are none."""
    if not len(error):
        return {"samples": 0, "mean_error_m": None, "p99_error_m": None}
    return {
        "samples": len(error),
        "mean_error_m": round(float(error.mean()), 4),
        "p99_error_m": round(float(np.quantile(error, 0.99)), 4),
    }
