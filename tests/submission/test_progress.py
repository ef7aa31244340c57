"""Progress survives kills, and never mixes inputs."""

import pytest

from simagents.errors import InputError
from simagents.submission.progress import Progress, digest_of


def closed(out, key="a" * 16, **results):
    progress = Progress(out, key)
    for scenario, result in results.items():
        progress.add(scenario, result)
    progress.close()
    return progress.path


def finished(out, key="a" * 16):
    progress = Progress(out, key)
    progress.close()
    return progress.finished


@pytest.mark.parametrize("torn", ['["c", {"metam', '["c", {"x": 1}]', '["c"', "\xff\x00"])
def test_a_torn_last_line_is_dropped(tmp_path, torn):
    out = tmp_path / "scores.parquet"
    path = closed(out, a={"x": 0.1}, b={"x": float("nan")})
    with path.open("a", encoding="latin-1") as file:
        file.write(torn)
    assert list(finished(out)) == ["a", "b"]
    closed(out, d={"x": 0.5})
    found = finished(out)
    assert list(found) == ["a", "b", "d"]
    assert found["a"] == {"x": 0.1}


def test_other_inputs_have_another_file(tmp_path):
    out = tmp_path / "scores.parquet"
    closed(out, a={})
    assert finished(out, "b" * 16) == {}
    assert list(finished(out)) == ["a"]


def test_two_processes_do_not_share_it(tmp_path):
    progress = Progress(tmp_path / "scores.parquet", "a" * 16)
    with pytest.raises(InputError, match="another process"):
        Progress(tmp_path / "scores.parquet", "a" * 16)
    progress.close()


def test_a_folder_is_refused_before_anything_is_done(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        Progress(tmp_path, "a" * 16)


def test_what_is_written_elsewhere_is_removed(tmp_path):
    progress = Progress(tmp_path / "scores.parquet", "a" * 16)
    progress.add("a", {})
    progress.forget()
    progress.close()
    assert not list(tmp_path.iterdir())


def test_the_key_knows_files_and_settings(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    first = digest_of([path], year=2025)
    assert digest_of([path], year=2025) == first
    assert digest_of([path], year=2024) != first
    path.write_text("12")
    assert digest_of([path], year=2025) != first
