"""Files appear whole or not at all, and what is not JSON says so in one sentence."""

import pytest

from simagents.errors import InputError
from simagents.files import matching, read_json, replacing, write_json


def test_a_finished_block_leaves_one_readable_file(tmp_path):
    path = tmp_path / "new" / "folder" / "numbers.txt"
    with replacing(path) as temporary:
        temporary.write_text("1 2 3")
        temporary.chmod(0o600)
        assert not path.exists()
    assert path.read_text() == "1 2 3"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_block_leaves_what_was_there(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half of the new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_json(tmp_path / name, {"α": 0.77, "steps": [1, 2]})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_json(tmp_path / "one") == {"α": 0.77, "steps": [1, 2]}


def test_content_that_is_no_json_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "bad", {"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []


def test_bad_json_names_file_and_line(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text('{\n  "steps": 1\n  "batch": 2\n}')
    with pytest.raises(InputError, match=r"recipe\.json, line 3: not valid JSON"):
        read_json(path)
    with pytest.raises(InputError, match=r"absent\.json: there is no such file"):
        read_json(tmp_path / "absent.json")
    path.write_bytes(b'{"steps": "\xb5"}')
    with pytest.raises(InputError, match=r"recipe\.json: not text"):
        read_json(path)


def test_a_star_does_not_match_what_a_killed_writer_left_behind(tmp_path):
    (tmp_path / "a.parquet").touch()
    (tmp_path / ".a.parquet.7.partial").touch()
    (tmp_path / ".b.parquet").touch()
    assert matching(tmp_path / "*", ()) == [tmp_path / "a.parquet"]
    assert matching(tmp_path, ("*.parquet",)) == [tmp_path / "a.parquet"]
    assert matching(tmp_path / ".b*", ()) == [tmp_path / ".b.parquet"]
