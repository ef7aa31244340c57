"""The scene that the model is measured on, with any number of map pieces, and a vocabulary for it."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from wosac import crowd

from simagents.scenarios.agent_class import CLASSES
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.tokens.build import collect
from simagents.tokens.scene import TokenScene
from simagents.tokens.vocabulary import MAP_POINTS, SUBSTEPS, Vocabulary

MOTIONS, PIECES = 2048, 1024
"""Sizes of the published vocabularies."""


def write_case(source: Path | None, folder: Path) -> tuple[Scenario, Vocabulary]:
    """The scenario, synthetic where there is no source, and a vocabulary of its own, as files."""
    record = source.read_bytes() if source else encode_scenario(crowd(50))
    scenario = decode_scenario(record, str(source or "synthetic"))
    vocabulary = vocabulary_of(scenario)
    (folder / "scenario.pb").write_bytes(record)
    vocabulary.write(folder / "vocabulary.safetensors")
    return scenario, vocabulary


def vocabulary_of(scenario: Scenario) -> Vocabulary:
    """Motions and map pieces of the scenario and of synthetic ones, which have agents of every class,
    with variations of them up to the published sizes.
    """
    random = np.random.default_rng(0)
    others = (generate_scenario(0, index) for index in range(8))
    motions, pieces, _ = collect([scenario, *others], 10**6)
    time = np.linspace(0, 1, SUBSTEPS + 1)[:, None]
    tables = []
    for of_class in motions:
        distinct = np.concatenate([np.zeros((1, SUBSTEPS + 1, 3)), of_class])[:MOTIONS]
        table = distinct[np.resize(np.arange(len(distinct)), MOTIONS)]
        variation = random.normal(size=(MOTIONS, 1, 3)) * [0.3, 0.05, 0.02] * time
        table[len(distinct) :] += variation[len(distinct) :]
        tables.append(table)
    shapes = pieces[np.resize(np.arange(len(pieces)), PIECES)]
    shapes = shapes + random.normal(size=shapes.shape) * 0.05
    assert shapes.shape == (PIECES, MAP_POINTS, 2)
    return Vocabulary(
        torch.from_numpy(np.stack(tables)).float(),
        torch.full((len(CLASSES),), MOTIONS),
        torch.from_numpy(shapes).float(),
    )


def with_pieces(scene: TokenScene, count: int | None) -> TokenScene:
    """The scene with the `count` map pieces nearest to the SDC; None: with those that it has.

    Beyond those of the scene, the map is repeated, turned about the SDC, so that every agent sees
    more of it.
    """
    if count is None:
        return scene
    nearest = np.argsort(np.linalg.norm(scene.map_pose[:, :2], axis=-1), kind="stable")
    rows = np.resize(nearest, count)
    pose = scene.map_pose[rows].copy()
    angle = (np.arange(count) // len(nearest)).astype(np.float32)  # a radian for each copy
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = pose[:, 0].copy(), pose[:, 1].copy()
    pose[:, 0], pose[:, 1] = x * cos - y * sin, x * sin + y * cos
    pose[:, 2] = np.remainder(pose[:, 2] + angle + np.pi, 2 * np.pi) - np.pi
    names = [field.name for field in fields(scene) if field.name.startswith("map")]
    pieces = {name: getattr(scene, name)[rows] for name in names}
    return replace(scene, **pieces | {"map_pose": pose})
