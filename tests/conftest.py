"""Shapes are checked while tests run; small worlds that many tests share."""

# ruff: noqa: E402
import gc
import json
import os

from checked import check_package

os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers of pytest-xdist share the cores
check_package("simagents")

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from parity.embedded import moved
from simagents.config.models import Smart as SmartSettings
from simagents.config.recipe import Recipe
from simagents.models.families import SceneReader
from simagents.models.paths import Worlds
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.scenarios.scenario import (
    STEPS,
    AgentType,
    LaneType,
    LightState,
    MapKind,
    RoadEdgeType,
    Scenario,
)
from simagents.scenarios.shard_file import write_shard
from simagents.scenarios.store import write_scenarios
from simagents.scenarios.synthetic import generate_scenario
from simagents.tokens import build
from simagents.tokens.scene import TokenScene, tokenize
from simagents.tokens.vocabulary import Vocabulary
from warm import Warm

WOMD = Path(os.environ.get("SIMAGENTS_WOMD", Path(__file__).parents[2] / "shared" / "womd"))


LONG = ("workflow", "training", "fuzz")
"""Folders whose files take a minute: begun last, one of them would end alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first; the order is otherwise that of names."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Libraries and tests stay: the collector of garbage need not look at them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def womd() -> Path:
    """The folder of real WOMD shards, which are not ours to distribute."""
    if not any(WOMD.glob("*.tfrecord-*")):
        pytest.skip(f"no real scenarios in {WOMD}; set SIMAGENTS_WOMD to a folder with some")
    return WOMD


@pytest.fixture(scope="session")
def warm(tmp_path_factory) -> Iterator[Warm]:
    """Begins `simagents …` and `snakemake …` without loading their libraries again."""
    modules = (
        "simagents.cli", "simagents.training.train", "simagents.evaluation.evaluate", "deepspeed",
        "snakemake.cli",
    )  # fmt: skip
    process = Warm(tmp_path_factory.mktemp("warm"), *modules)
    yield process
    process.close()


# ---- synthetic scenes, tokens and a policy, all small -----------------------------------------------

TINY = dict(
    family="smart", width=16, heads=2, head_width=8, bands=4, frequency_deviation=0.02,
    map_layers=1, agent_layers=2, dropout=0.0, history_drop=0.0,
    map_radius=10.0, map_neighbours=8, map_to_agent_radius=12.0,
    agent_radius=30.0, past_steps=3, late_motion="none", relation_rows=0,
    head="shared",
)  # fmt: skip


@pytest.fixture(scope="session")
def scenarios() -> list[Scenario]:
    """Three synthetic scenarios with 8 to 19 agents."""
    return [generate_scenario(5, index) for index in (2, 0, 4)]


@pytest.fixture(scope="session")
def vocabulary(scenarios) -> Vocabulary:
    """Up to 48 motions a class and 16 pieces of map, from those scenarios by the one rule."""
    args = build.Args(
        [], Path(), Path(), tokenizer=json.dumps({"rule": "k_disks", "size": 48, "tolerance": 0.15}),
        map_size=16, map_tolerance=0.2, snippets=900, seed=0,
    )  # fmt: skip
    motions, pieces, _ = build.collect(scenarios, args.snippets)
    return build.build(motions, pieces, args)


@pytest.fixture(scope="session")
def scenes(scenarios, vocabulary) -> list[TokenScene]:
    return [tokenize(scenario, vocabulary) for scenario in scenarios]


@pytest.fixture(scope="session")
def disk(tmp_path_factory, vocabulary) -> SimpleNamespace:
    """Two shards of cached scenarios, the same tokenised, and the vocabulary."""
    folder: Path = tmp_path_factory.mktemp("data")
    files = SimpleNamespace(scenarios=[], tokens=[], vocabulary=folder / "vocabulary.safetensors")
    vocabulary.write(files.vocabulary)
    for shard, indices in enumerate(((2, 0, 4), (1, 3, 5))):
        scenarios = [generate_scenario(5, index) for index in indices]
        items = [(s.id, tokenize(s, vocabulary).item()) for s in scenarios]
        files.scenarios.append(folder / f"{shard}.scenarios")
        files.tokens.append(folder / f"{shard}.tokens")
        write_scenarios(files.scenarios[-1], scenarios)
        write_shard(files.tokens[-1], items, vocabulary=vocabulary.digest)
    return files


@pytest.fixture(scope="session")
def read() -> Callable[..., SceneBatch]:
    """Scenarios and their tokenised scenes as one batch that SMART reads."""

    def batch_of(scenarios, scenes, trained=None) -> SceneBatch:
        trained = [scene.trainable for scene in scenes] if trained is None else trained
        return SceneReader(SmartSettings(**TINY))(scenarios, scenes, trained)

    return batch_of


@pytest.fixture(scope="session")
def batch(scenarios, scenes, read) -> SceneBatch:
    """The three scenes as one."""
    return read(scenarios, scenes)


@pytest.fixture(scope="session")
def tiny() -> dict[str, int | float | str]:
    """Settings of SMART as a recipe holds them."""
    return TINY


@pytest.fixture(scope="session")
def tiny_forecasts() -> dict[str, int | float | str]:
    """Settings of a forecaster with two members."""
    return dict(
        family="forecasts", width=16, heads=2, bands=4, piece_metres=20.0, piece_nodes=4,
        map_layers=0, map_neighbours=4, agent_layers=1, nearest_pieces=6, nearest_agents=4, modes=3,
        members=2, executed="drawn",
    )  # fmt: skip


@pytest.fixture(scope="session")
def history() -> Callable:
    """`rollouts` worlds of each scene that know only the history."""

    def paths_of(policy, batch, rollouts):
        return policy.history_paths(batch, Worlds.of(batch, rollouts))

    return paths_of


@pytest.fixture
def policy(vocabulary) -> Smart:
    """A tiny SMART as it is initialised, its head louder so that logits differ."""
    torch.manual_seed(0)
    smart = Smart(SmartSettings(**TINY), vocabulary).eval()
    with torch.no_grad():
        smart.head[-1].weight.mul_(2)
    return smart


@pytest.fixture(scope="session")
def recipe_of() -> Callable[..., Recipe]:
    """The recipe of a short run of behaviour cloning with the tiny policy, changed at will."""

    def make(**changes) -> Recipe:
        content = {
            "stage": "bc", "seed": 0, "revision": 0, "parent": None,
            "trains": "everything", "model": TINY, "data": "0123456789", "tokens": "0123456789",
            "held_out": 1, "precision": "float32",
            "budget": {"steps": 8, "batch": 2, "learning_rate": 1e-3, "rollouts": 0, "validations": 0},
            "optimiser": {
                "betas": [0.9, 0.999], "weight_decay": 0.01, "clip": 0.5, "warmup": 0.0,
                "schedule": "cosine", "final_ratio": 0.05,
            },
            "validation": {
                "scenes": 1, "rollouts": 1, "sampling": {"top_k": 0, "temperature": 1.0},
            },
            "algorithm": {"name": "bc", "label_smoothing": 0.1, "smoothing": "uniform"},
        }  # fmt: skip
        for key, value in changes.items():
            nested = key in ("budget", "optimiser")
            content[key] = {**content[key], **value} if nested else value
        return Recipe.model_validate(content)

    return make


@pytest.fixture(name="moved", scope="session")
def _moved() -> Callable[..., Scenario]:
    return moved


# ---- a street to drive on, for what works by hand ---------------------------------------------------

SOUTH = [(-100.0, -6.0, 0.0), (200.0, -6.0, 0.0)]
NORTH = [(200.0, 6.0, 0.0), (-100.0, 6.0, 0.0)]
"""Edges of an eastbound street 12 m wide; each has the road on its left."""


def street(
    start=((0.0, 0.0),),
    speed=(10.0,),
    types=(AgentType.VEHICLE,),
    edges=(SOUTH, NORTH),
    lanes=(((-100.0, 0.0, 0.0), (200.0, 0.0, 0.0)),),
    stop: float | None = None,
    state: LightState = LightState.STOP,
) -> Scenario:
    """Agents of 4 x 2 x 1.5 m driving east at constant speed; all are evaluated, the first records.

    `start` is where they are at step 0. A light at x = `stop` shows `state` to the first lane.
    """
    agents = len(start)
    seconds = np.arange(STEPS) / 10
    position = np.zeros((agents, STEPS, 3), np.float32)
    position[:, :, :2] = np.array(start)[:, None]
    position[:, :, 0] += np.array(speed)[:, None] * seconds
    position[:, :, 2] = 0.75
    lines = [np.array(line, np.float32).reshape(-1, 3) for line in (*lanes, *edges)]
    lights = int(stop is not None)
    return Scenario(
        id="street",
        sdc=0,
        agent_id=np.arange(agents) + 100,
        agent_type=np.array(types, np.uint8),
        to_predict=np.ones(agents, bool),
        of_interest=np.zeros(agents, bool),
        position=position,
        heading=np.zeros((agents, STEPS), np.float32),
        velocity=np.zeros((agents, STEPS, 2), np.float32),
        valid=np.ones((agents, STEPS), bool),
        size=np.tile(np.array([4, 2, 1.5], np.float32), (agents, 1)),
        mean_size=np.tile(np.array([4, 2, 1.5], np.float32), (agents, 1)),
        map_id=np.arange(len(lines)) + 500,
        map_kind=np.array([MapKind.LANE] * len(lanes) + [MapKind.ROAD_EDGE] * len(edges), np.uint8),
        map_type=np.array(
            [LaneType.SURFACE_STREET] * len(lanes) + [RoadEdgeType.BOUNDARY] * len(edges), np.uint8
        ),
        map_start=np.cumsum([0, *(len(line) for line in lines)]),
        map_point=np.concatenate([*lines, np.zeros((0, 3), np.float32)]),
        speed_limit=np.zeros(len(lines), np.float32),
        link=np.zeros((0, 3), np.int64),
        light_lane=np.full(lights, 500),
        light_state=np.full((lights, STEPS), state, np.int8),
        light_stop=np.tile(np.array([stop or 0, 0, 0], np.float32), (lights, STEPS, 1)),
    )


def as_rollouts(scenario: Scenario, count: int = 1, noise: float = 0.0) -> torch.Tensor:
    """The log as rollouts [R, A, 80, 4]; `noise` is a deviation in metres and tenths of radians."""
    rows = scenario.simulated
    log = np.concatenate([scenario.position[rows], scenario.heading[rows, :, None]], axis=-1)
    rollouts = torch.from_numpy(log[:, 11:]).expand(count, -1, -1, -1).clone()
    scale = torch.tensor([1, 1, 0.1, 0.1]) * noise
    return rollouts + torch.randn(rollouts.shape, generator=torch.manual_seed(0)) * scale


def without_edges(scenario: Scenario) -> Scenario:
    """The same scenario with lines where the road's edges were: the metric cannot score it."""
    kind = scenario.map_kind
    lines = np.where(kind == MapKind.ROAD_EDGE, np.uint8(MapKind.ROAD_LINE), kind)
    return replace(scenario, map_kind=lines)


@pytest.fixture(name="without_edges", scope="session")
def _without_edges() -> Callable[..., Scenario]:
    return without_edges


@pytest.fixture(name="street", scope="session")
def _street() -> Callable[..., Scenario]:
    return street


@pytest.fixture(name="as_rollouts", scope="session")
def _as_rollouts() -> Callable[..., torch.Tensor]:
    return as_rollouts
