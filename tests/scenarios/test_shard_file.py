"""Ragged shards give back what was written, item by item, and say what they hold."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simagents.errors import InputError
from simagents.files import replacing
from simagents.scenarios.shard_file import Shard, Store, write_shard


def item(length, seed=0):
    """Every dtype that a shard may hold; `length` rows, one array of another length."""
    rng = np.random.default_rng(seed)
    return {
        "pose": rng.normal(size=(length, 3)).astype(np.float32),
        "origin": rng.normal(size=2),
        "token": rng.integers(-100, 100, (length, 4)).astype(np.int16),
        "state": rng.integers(-1, 9, (2 * length, 1)).astype(np.int8),
        "kind": rng.integers(0, 9, length).astype(np.uint8),
        "id": rng.integers(0, 1 << 40, length),
        "valid": rng.random((length, 2)) < 0.5,
    }


def assert_same(one, other):
    assert set(one) == set(other)
    for name in one:
        assert one[name].dtype == other[name].dtype, name
        np.testing.assert_array_equal(one[name], other[name], name)


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_round_trip_in_any_order(tmp_path_factory, lengths):
    """Empty items too, at the end and in a row."""
    path = tmp_path_factory.mktemp("shard") / "a.safetensors"
    items = [(f"item {i}", item(length, seed=i)) for i, length in enumerate(lengths)]
    write_shard(path, items)
    shard = Shard(path)
    assert shard.ids == [name for name, _ in items]
    assert shard.lengths("pose").tolist() == lengths
    for row in np.random.default_rng(0).permutation(len(items)):
        assert_same(shard[int(row)], items[row][1])


def test_the_header_carries_the_description(tmp_path):
    write_shard(tmp_path / "a", [("x", item(2))], source="womd", rejected=["one"])
    header = Shard(tmp_path / "a").header
    assert (header["source"], header["rejected"]) == ("womd", ["one"])


def test_the_digest_follows_the_content_and_nothing_else(tmp_path):
    def digest(*items, **description):
        write_shard(tmp_path / "a", [(str(i), one) for i, one in enumerate(items)], **description)
        return Shard(tmp_path / "a").header["digest"]

    first = digest(item(2), item(3))
    assert digest(item(2), item(3), note="made today") == first
    assert digest(item(3), item(2)) != first
    changed = item(3)
    changed["pose"][0, 0] += 1e-6
    assert digest(item(2), changed) != first


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_shard(tmp_path / name, [("x", item(2)), ("y", item(0))])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_store_is_its_shards_in_order(tmp_path):
    write_shard(tmp_path / "b", [("b0", item(1, 0)), ("b1", item(2, 1))])
    write_shard(tmp_path / "a", [("a0", item(3, 2))])
    store = Store([tmp_path / "b", tmp_path / "a"])
    assert store.ids == ["b0", "b1", "a0"]
    assert store.lengths("pose").tolist() == [1, 2, 3]
    assert_same(store[2], item(3, 2))
    assert_same(store[0], item(1, 0))


def test_a_store_goes_on_in_another_process(tmp_path):
    """Worker processes receive it pickled, and open their own maps."""
    write_shard(tmp_path / "a", [("a0", item(3))])
    store = Store([tmp_path / "a"])
    assert_same(pickle.loads(pickle.dumps(store))[0], store[0])


def test_what_is_no_shard_says_so(tmp_path):
    with pytest.raises(InputError, match="absent: there is no such file"):
        Shard(tmp_path / "absent")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="text: not a shard of this project"):
        Shard(tmp_path / "text")
    write_shard(tmp_path / "whole", [("x", item(50))])
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut: not a shard of this project"):
        Shard(tmp_path / "cut")


def test_a_folder_is_its_shards_by_name(tmp_path):
    for name in ("b", "a"):
        write_shard(tmp_path / f"shards/{name}.safetensors", [(name, item(1))])
    assert Store([tmp_path / "shards"]).ids == ["a", "b"]
    with pytest.raises(InputError, match="shards: cannot be read as a shard"):
        Shard(tmp_path / "shards")


def test_tensors_of_another_project_are_no_shard(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, tmp_path / "model")
    with pytest.raises(InputError, match="model: not a shard of this project"):
        Shard(tmp_path / "model")


def test_nothing_to_read_is_an_error():
    with pytest.raises(InputError, match="no items in an empty list of shards"):
        Store([])


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    def items():
        yield "good", item(2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_shard(tmp_path / "a", items())
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_died_does_not_stop_the_next(tmp_path):
    """What a killed process leaves has another name, and the shard appears all the same."""
    with replacing(tmp_path / "a") as temporary:
        left = temporary.with_name(".a.999999.partial")
        temporary.write_bytes(b"")
    left.write_bytes(b"half")
    write_shard(tmp_path / "a", [("x", item(2))])
    assert_same(Shard(tmp_path / "a")[0], item(2))
