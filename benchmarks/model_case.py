"""The scene that the model is measured on, as large as wanted, and a vocabulary for it."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from wosac import crowd

from simagents.scenarios.scenario import Scenario
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.tokens.build import collect
from simagents.tokens.scene import TokenScene
from simagents.scenarios.agent_class import CLASSES
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
    """Motions and pieces of the scenario and of synthetic ones, which have agents of every class, and
    variations of them up to the published sizes.
    """
    random = np.random.default_rng(0)
    others = (generate_scenario(0, index) for index in range(8))
    motions, pieces, _ = collect([scenario, *others], 10**6)
    grown = np.linspace(0, 1, SUBSTEPS + 1)[:, None]
    tables = []
    for found in motions:
        known = np.concatenate([np.zeros((1, SUBSTEPS + 1, 3)), found])[:MOTIONS]
        table = known[np.resize(np.arange(len(known)), MOTIONS)]
        varied = random.normal(size=(MOTIONS, 1, 3)) * [0.3, 0.05, 0.02] * grown
        table[len(known) :] += varied[len(known) :]
        tables.append(table)
    shapes = pieces[np.resize(np.arange(len(pieces)), PIECES)]
    shapes = shapes + random.normal(size=shapes.shape) * 0.05
    assert shapes.shape == (PIECES, MAP_POINTS, 2)
    return Vocabulary(
        torch.from_numpy(np.stack(tables)).float(),
        torch.full((len(CLASSES),), MOTIONS),
        torch.from_numpy(shapes).float(),
    )


def sized(scene: TokenScene, agents: int | None, pieces: int | None) -> TokenScene:
    """The scene with so many agents and map pieces.

    The pieces nearest to the SDC; more are the map again, turned about the SDC, so that every agent
    sees more of it. More agents are copies, metres aside.
    """
    random = np.random.default_rng(0)
    per_map = [f.name for f in fields(scene) if f.name.startswith("map")]
    per_agent = [f.name for f in fields(scene) if f.name not in (*per_map, "origin")]
    changed = {}
    if pieces is not None:
        nearest = np.argsort(np.linalg.norm(scene.map_pose[:, :2], axis=-1), kind="stable")
        rows = np.resize(nearest, pieces)
        pose = scene.map_pose[rows].copy()
        angle = (np.arange(pieces) // len(nearest)).astype(np.float32)  # a radian for each copy
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = pose[:, 0].copy(), pose[:, 1].copy()
        pose[:, 0], pose[:, 1] = x * cos - y * sin, x * sin + y * cos
        pose[:, 2] = np.remainder(pose[:, 2] + angle + np.pi, 2 * np.pi) - np.pi
        changed |= {name: getattr(scene, name)[rows] for name in per_map} | {"map_pose": pose}
    if agents is not None:
        known = len(scene.agent_class)
        rows = np.resize(np.arange(known), agents)
        copies = (np.arange(agents) >= known)[:, None, None]
        aside = (random.normal(size=(agents, 1, 2)) * 15 * copies).astype(np.float32)
        changed |= {name: getattr(scene, name)[rows] for name in per_agent}
        for name in ("pose", "logged"):
            changed[name] = changed[name].copy()
            changed[name][..., :2] += aside
    return replace(scene, **changed)
