"""A scenario as map pieces and token chains. Computed once, before training."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int16, Int32, UInt8

from simagents.errors import InputError
from simagents.scenarios.agent_class import class_of
from simagents.scenarios.roles import CONTEXT_WITHIN, has_role, trainable
from simagents.scenarios.scenario import CURRENT, Scenario
from simagents.scenarios.shard_file import Item, Store
from simagents.tokens.chain import token_chain
from simagents.tokens.map import cut_map, nearest_shape
from simagents.tokens.tracks import clean_tracks, interpolated_height
from simagents.tokens.vocabulary import SUBSTEPS, Vocabulary


@dataclass(frozen=True, eq=False)
class TokenScene:
    """Map pieces and agents of one scenario, in metres from `origin`.

    A agents valid at the current step, in the order of `Scenario.simulated`; M map pieces; T = 18
    tokens of 0.5 s, the first two of which are history; B = T + 1 boundaries at steps 0, 5, …, 90.
    """

    origin: Float64[np.ndarray, "2"]
    """the SDC at the current step: float32 coordinates stay small and exact"""
    map_pose: Float32[np.ndarray, "M 3"]
    map_token: Int16[np.ndarray, "M"]
    map_point_type: UInt8[np.ndarray, "M"]
    map_polygon_type: UInt8[np.ndarray, "M"]
    map_light: UInt8[np.ndarray, "M"]
    map_feature: Int32[np.ndarray, "M"]
    agent_class: UInt8[np.ndarray, "A"]
    agent_size: Float32[np.ndarray, "A 3"]
    has_role: Bool[np.ndarray, "A"]
    """the SDC, agents to predict, objects of interest"""
    trainable: Bool[np.ndarray, "A"]
    logged: Float32[np.ndarray, "A B 3"]
    logged_valid: Bool[np.ndarray, "A B"]
    token: Int16[np.ndarray, "A T"]
    pose: Float32[np.ndarray, "A T 3"]
    """pose of the chain after each token"""
    valid: Bool[np.ndarray, "A T"]
    """both ends of the token are in the log"""
    in_range: Bool[np.ndarray, "A B"]
    """within CONTEXT_WITHIN of the SDC, heights included, at each boundary"""

    def item(self) -> Item:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def tokenize(scenario: Scenario, vocabulary: Vocabulary) -> TokenScene:
    """The part of a scenario's representation that does not depend on weights.

    Raises InputError where the log does not see the SDC at the current step: there is the origin.
    """
    rows = scenario.simulated
    if not scenario.valid[scenario.sdc, CURRENT]:
        raise InputError(f"scenario {scenario.id}: its SDC is not seen at the current step.")
    origin = scenario.position[scenario.sdc, CURRENT, :2].astype(np.float64)
    pieces = cut_map(scenario, origin)
    pose, seen = clean_tracks(scenario, rows, origin)
    at = np.arange(0, pose.shape[1], SUBSTEPS)
    logged, logged_valid = pose[:, at], seen[:, at]
    agent_class = class_of(torch.from_numpy(scenario.agent_type[rows].astype(np.int64)))
    token, path, valid = token_chain(
        vocabulary, agent_class, torch.from_numpy(logged).float(), torch.from_numpy(logged_valid)
    )
    # In WOMD the SDC is valid at every step.
    place = np.dstack([pose[..., :2], interpolated_height(scenario, rows)])
    distance = np.linalg.norm(place - place[rows == scenario.sdc], axis=-1)
    return TokenScene(
        origin=origin,
        map_pose=pieces.pose,
        map_token=nearest_shape(pieces.corner, vocabulary.map.numpy()),
        map_point_type=pieces.point_type,
        map_polygon_type=pieces.polygon_type,
        map_light=pieces.light,
        map_feature=pieces.feature,
        agent_class=agent_class.numpy().astype(np.uint8),
        agent_size=scenario.mean_size[rows],
        has_role=has_role(scenario),
        trainable=trainable(scenario, distance, seen),
        logged=logged.astype(np.float32),
        logged_valid=logged_valid,
        token=token.numpy().astype(np.int16),
        pose=path.numpy(),
        valid=valid.numpy(),
        in_range=(distance < CONTEXT_WITHIN)[:, at],
    )


class TokenStore:
    """The tokenised scenes of several shards as one sequence."""

    def __init__(self, paths: list[Path]):
        self._store = Store(paths)
        self._store.require("token", "tokenize")

    @staticmethod
    def beside(
        ids: list[str], paths: list[Path] | None, vocabulary: Vocabulary | None = None
    ) -> "TokenStore | None":
        """Of the shards whose scenarios have these ids; None without paths. Raises InputError where it holds
        others, or tokens of another vocabulary."""
        tokens = TokenStore(paths) if paths else None
        if tokens is None:
            return None
        if tokens.ids != ids:
            raise InputError(
                "--scenarios and --tokens hold different scenarios; give the same shards of both."
            )
        if vocabulary is not None:
            tokens.require(vocabulary)
        return tokens

    def require(self, vocabulary: Vocabulary) -> None:
        """Raise InputError where a shard was tokenised by another one. Shards that were written before shards
        named their vocabularies pass."""
        for number, path in enumerate(self._store.paths):
            if self._store.shard(number).header.get("vocabulary") not in (None, vocabulary.digest):
                raise InputError(
                    f"{path}: tokenised by another vocabulary than --vocabulary; give both of one folder, or"
                    " tokenise again."
                )

    @property
    def ids(self) -> list[str]:
        return self._store.ids

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, row: int) -> TokenScene:
        return TokenScene(**self._store[row])

    def agents(self) -> np.ndarray:
        """Agents per scene, without reading the scenes."""
        return self._store.lengths("agent_class")
