"""Damaged checkpoints and vocabularies of CAT-K: imported or refused, and nothing in them runs."""

import copy
import io
import pickle
import pickletools
import zipfile
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fuzz import trap
from fuzz.cases import Case, fuzz
from fuzz.damage import damage_bytes, damage_content
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.exchange import export_catk, import_catk
from simagents.exchange.inert import read_checkpoint, read_pickle
from simagents.models.families import build_policy
from simagents.tokens.vocabulary import Vocabulary

CALLS = (
    b"cfuzz.trap\nspring\n)R0",
    b"cfuzz.trap\nspring\n(I1\nI2\ntR0",
    b"cfuzz.trap\nTrap\n)R}b0",
    b"cfuzz.trap\nTrap\n)\x810",
    b"(ifuzz.trap\nspring\n0",
    b"cbuiltins\neval\n(Vfuzz.trap.spring()\ntR0",
    b"cbuiltins\ngetattr\n(cfuzz.trap\nsprung\nVappend\ntR0",
)
"""Opcodes that call something and drop the result, so that the pickle goes on."""


@pytest.fixture(autouse=True)
def nothing_runs():
    trap.sprung.clear()
    yield
    assert not trap.sprung, "a pickle ran code"


def damage_pickle(data: bytes, case: Case) -> bytes:
    """Calls put between opcodes, or any bytes damaged."""
    if case.draw.random() < 0.5:
        return damage_bytes(data, case)
    places = [place for _, _, place in pickletools.genops(data) if place]
    for place in sorted(case.draw.sample(places, case.draw.randint(1, 3)), reverse=True):
        call = case.draw.choice(CALLS)
        data = data[:place] + call + data[place:]
        case.changes.append(f"{call!r} at {place}")
    return data


def damage_archive(data: bytes, case: Case) -> bytes:
    """An archive of torch with one of its members damaged, or any of its bytes."""
    if case.draw.random() < 0.3:
        return damage_bytes(data, case)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = case.draw.choice(old.namelist())
        if case.draw.random() < 0.6:
            (chosen,) = (name for name in old.namelist() if name.endswith("data.pkl"))
        for name in old.namelist():
            content = old.read(name)
            if name == chosen:
                case.changes.append(name)
                damage = damage_pickle if name.endswith("data.pkl") else damage_bytes
                content = damage(content, case)
            new.writestr(name, content)
    return out.getvalue()


def damage_state(content: dict, case: Case) -> None:
    """A tensor of another shape, type or name, with odd numbers, or none at all."""
    state = content["state_dict"]
    name = case.draw.choice(sorted(state))
    tensor = state[name]
    how = case.draw.choice(
        ("flat", "wider", "fewer", "half", "whole", "nan", "name", "none", "more", "scalar")
    )
    state |= {
        "flat": lambda: {name: tensor.flatten()},
        "wider": lambda: {name: torch.cat([tensor, tensor])},
        "fewer": lambda: {name: tensor[:0]},
        "half": lambda: {name: tensor.bfloat16()},
        "whole": lambda: {name: tensor.long()},
        "nan": lambda: {name: tensor * torch.nan},
        "name": lambda: {f"{name}.x": state.pop(name)},
        "none": lambda: {name: case.draw.choice((None, 3, "a", [tensor]))},
        "more": lambda: {"encoder.agent_encoder.t_attn_layers.9.to_q.weight": tensor},
        "scalar": lambda: {name: torch.tensor(1.0)},
    }[how]()
    case.changes.append(f"{name} {how}")


@dataclass
class Source:
    """Files that are as they should be, and what the checkpoint holds."""

    content: dict
    checkpoint: bytes
    agent: bytes
    map: bytes


@pytest.fixture(scope="module")
def source(recipe_of, vocabulary, tmp_path_factory) -> Source:
    """A tiny model of ours under CAT-K's names, which has equally many tokens for every class."""
    least = int(vocabulary.count.min())
    motion, count = vocabulary.motion[:, :least].contiguous(), torch.full((3,), least)
    vocabulary = replace(vocabulary, motion=motion, count=count)
    folder = tmp_path_factory.mktemp("exported")
    recipe = recipe_of()
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    save_file(build_policy(recipe, vocabulary).state_dict(), folder / "weights")
    vocabulary.write(folder / "vocabulary")
    export_catk.main(
        export_catk.Args(
            folder / "recipe.json", folder / "weights", folder / "vocabulary", folder / "catk"
        )
    )
    paths = [folder / "catk" / name for name in ("model.ckpt", "agent_vocab.pkl", "map_vocab.pkl")]
    content = torch.load(paths[0], weights_only=True)
    return Source(content, *(path.read_bytes() for path in paths))


def saved(content: dict) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def test_checkpoints(source, tmp_path):
    def attempt(case):
        checkpoint, agent, map_ = source.checkpoint, source.agent, source.map
        where = case.draw.choice(("archive", "state", "options", "agent", "map"))
        if where == "archive":
            checkpoint = damage_archive(checkpoint, case)
        elif where == "state":
            content = copy.deepcopy(source.content)
            damage_state(content, case)
            checkpoint = saved(content)
        elif where == "options":
            content = copy.deepcopy(source.content)
            damage_content(content["hyper_parameters"], case)
            checkpoint = saved(content)
        elif where == "agent":
            agent = damage_pickle(agent, case)
        else:
            map_ = damage_pickle(map_, case)
        paths = [tmp_path / name for name in ("a.ckpt", "agent.pkl", "map.pkl")]
        for path, data in zip(paths, (checkpoint, agent, map_), strict=True):
            path.write_bytes(data)
        import_catk.main(import_catk.Args(*paths, tmp_path / "out"))
        weights = load_file(tmp_path / "out" / "model.safetensors")
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())
        Recipe.read(tmp_path / "out" / "recipe.json")
        vocabulary = Vocabulary.read(tmp_path / "out" / "vocabulary.safetensors")
        assert torch.isfinite(vocabulary.motion).all()
        assert torch.isfinite(vocabulary.map).all()

    fuzz("checkpoints", 20, attempt)


def test_readers_of_pickles(source, tmp_path):
    """Without what follows: many more pickles."""
    path = tmp_path / "file"

    def attempt(case):
        if case.draw.random() < 0.5:
            path.write_bytes(damage_archive(source.checkpoint, case))
            read_checkpoint(path)
        else:
            path.write_bytes(damage_pickle(case.draw.choice((source.agent, source.map)), case))
            content = read_pickle(path)
            assert all(
                not isinstance(value, np.ndarray) or value.dtype.kind in "biuf"
                for value in content.values()
            )

    fuzz("pickles", 120, attempt)


def test_a_memo_of_gigabytes_is_refused(tmp_path):
    """Python's unpickler makes room for the largest number of a memo, and for all below it."""
    path = tmp_path / "vocabulary.pkl"
    content = pickle.dumps({"token_all": 1}, protocol=2)
    last = content.rindex(b".")
    path.write_bytes(content[:last] + b"r\xff\xff\xff\xff" + content[last:])
    with pytest.raises(InputError, match="numbers what it remembers up to 4294967295"):
        read_pickle(path)


def test_the_trap_works(tmp_path):
    """Python's own unpickler runs it."""
    for call in CALLS[:5]:
        pickle.loads(b"\x80\x02" + call + b"}.")
        assert trap.sprung, call
        trap.sprung.clear()
