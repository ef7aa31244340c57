"""Damaged WOMD records: what is decoded is tokenised, rolled out and scored."""

from contextlib import suppress
from dataclasses import fields
from math import isnan

import numpy as np
import pytest
import torch

from fuzz.cases import Case, fuzz
from fuzz.damage import damage_bytes, damage_proto
from simagents.errors import InputError
from simagents.evaluation.systems import baseline
from simagents.metrics import Challenge, LogReference, rollout_statistics, score
from simagents.metrics.distance import metres_driven
from simagents.models.scenes import collate
from simagents.scenarios import cache
from simagents.scenarios.lookup import ScenarioLookup
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.scorable import undefined, unscorable
from simagents.scenarios.store import ScenarioStore
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.decode import decode_scenario, decode_simulated
from simagents.scenarios.womd.encode import encode_scenario
from simagents.scenarios.womd.tfrecord import write_records
from simagents.tokens import build
from simagents.tokens.scene import tokenize

CHALLENGE = Challenge.of(2025)


@pytest.fixture(scope="module")
def records(scenarios, street) -> list[bytes]:
    """A scenario of the generator, with features that it has not, and small ones by hand."""
    rich = scenario_pb2.Scenario.FromString(encode_scenario(scenarios[0]))
    for number, kind in enumerate(("crosswalk", "speed_bump", "driveway")):
        feature = rich.map_features.add(id=9000 + number)
        x, y = rich.tracks[0].states[10].center_x, rich.tracks[0].states[10].center_y
        for dx, dy in ((0, 0), (9, 0), (9, 4), (0, 4)):
            getattr(feature, kind).polygon.add(x=x + dx, y=y + dy)
    two = dict(start=((0.0, 0.0), (14.0, 1.0)), speed=(9.0, 8.0), types=(1, 2))
    return [
        rich.SerializeToString(),
        encode_scenario(street(**two, stop=30.0)),
        encode_scenario(street()),
    ]


def record_of(records: list[bytes], case: Case, *, fields_only: bool = False) -> bytes:
    record = case.draw.choice(records)
    if case.draw.random() < 0.03:
        name = scenario_pb2.Scenario.FromString(record).scenario_id.encode()
        case.changes.append("noise for an id")
        return record.replace(name, case.draw.randbytes(len(name)))
    if not fields_only and case.draw.random() < 0.4:
        return damage_bytes(record, case)
    proto = scenario_pb2.Scenario.FromString(record)
    damage_proto(proto, case)
    return proto.SerializeToString()


@pytest.fixture(scope="module")
def use(vocabulary):
    """Does with a scenario what the workflow does; asserts that all numbers are numbers."""
    systems = [
        baseline("constant_velocity", None, 2, 0, torch.device("cpu")),
        baseline("random_tokens", vocabulary, 2, 0, torch.device("cpu")),
    ]

    def run(scenario: Scenario) -> None:
        for field in fields(scenario):
            values = getattr(scenario, field.name)
            if isinstance(values, np.ndarray) and values.dtype.kind == "f":
                assert np.isfinite(values).all(), field.name
        scene = tokenize(scenario, vocabulary)
        for field in fields(scene):
            values = getattr(scene, field.name)
            assert values.dtype.kind != "f" or np.isfinite(values).all(), field.name
        collate([scenario], with_map=True)
        build.collect([scenario], 100)
        for system in systems:
            rollouts = system(scenario, scene)
            assert torch.isfinite(rollouts).all()
            metres_driven(scenario, rollouts)
            if undefined(scenario):
                with pytest.raises(InputError):
                    LogReference.of(scenario, CHALLENGE)
                continue
            reference = LogReference.of(scenario, CHALLENGE)
            numbers = score(reference, rollout_statistics(reference, rollouts)).numbers()
            assert isnan(numbers["metametric"]) == bool(unscorable(scenario))
            if not unscorable(scenario):
                assert 0 <= numbers["metametric"] <= 1
                assert not any(map(isnan, numbers.values())), numbers

    return run


def test_records(records, use):
    fuzz("records", 70, lambda case: use(decode_scenario(record_of(records, case), "here")))


def test_agents_to_simulate(records):
    def attempt(case):
        ids = decode_simulated(record_of(records, case), "here")
        assert len(set(ids.tolist())) == len(ids)

    fuzz("simulated", 200, attempt)


def test_files_of_records(records, tmp_path):
    """Framing is damaged too; a cached scenario is the same as that of the record."""

    def attempt(case):
        path, out = tmp_path / "a.tfrecord", tmp_path / "a.safetensors"
        write_records(path, [records[1], record_of(records, case, fields_only=True)])
        if case.draw.random() < 0.5:
            path.write_bytes(damage_bytes(path.read_bytes(), case))
        out.unlink(missing_ok=True)
        with suppress(InputError):
            lookup = ScenarioLookup(path)
            for name in lookup:
                lookup.simulated(name)
        cache.main(cache.Args(path, out))
        store = ScenarioStore([out])
        for name in store.ids:
            assert store[name].id == name
            assert (name in store.unscorable) == bool(unscorable(store[name]))

    fuzz("files of records", 60, attempt)
