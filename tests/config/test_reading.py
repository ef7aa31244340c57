"""Several files make one configuration."""

import shutil

import pytest
import yaml

from simagents.config import reading
from simagents.errors import InputError

from .conftest import ROOT


@pytest.fixture
def repository(tmp_path):
    """A copy of the files, and a way to change one."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "config.yaml", tmp_path)
    return tmp_path


def append(path, text):
    path.write_text(path.read_text() + text)


def test_what_is_chosen_overrides_every_file(repository):
    append(repository / "config.yaml", "compute: {gpus: 3, workers: 3}\n")
    config = reading.read(repository, {"scale": "small", "size": "1m", "compute": {"workers": 5}})
    assert (config.scale, config.size, config.models["smart"].heads) == ("small", "1m", 4)
    assert (config.compute.gpus, config.compute.workers, config.compute.save_every) == (3, 5, 200)
    assert reading.read(repository).size == "demo"


@pytest.mark.parametrize("scale", ["demo", "small", "lab", "paper"])
def test_every_scale_is_valid(scale):
    assert reading.read(ROOT, {"scale": scale}).scale == scale


@pytest.mark.parametrize("size", ["demo", "small", "1m", "3m", "7m"])
def test_every_size_is_valid(size):
    assert reading.read(ROOT, {"size": size}).models.keys() == {
        "smart",
        "traffic_bots",
        "motionlm",
        "forecasts",
    }


@pytest.mark.parametrize("kind", ["stages", "tables", "figures", "evaluations"])
def test_a_name_in_two_files_names_both(repository, kind):
    folder = repository / "config/papers"
    names = {"stages": "rft", "tables": "alpha", "figures": "sweeps"}
    first = "common" if kind == "evaluations" else "smart_r1"
    name = names.get(kind, "wosac_2025")
    (folder / "zoo.yaml").write_text(yaml.safe_dump({kind: {name: {}}}))
    with pytest.raises(
        InputError, match=rf"{kind}\.{name}: {first}\.yaml and zoo\.yaml of .*papers both"
    ):
        reading.read(repository)


def test_a_new_file_needs_no_announcement(repository):
    text = "stages: {own: {like: rft, with: {algorithm.divergence.beta: 1.0}}}\n"
    (repository / "config/papers/own.yaml").write_text(text)
    assert reading.read(repository).stages["own"].algorithm.divergence.beta == 1.0


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"scale": "dmo"}, "scale: unknown value `dmo`; did you mean `demo`?"),
        ({"size": "7mm"}, "size: unknown value `7mm`; did you mean `7m`?"),
        ({"data": "wod"}, "data: unknown value `wod`; did you mean `womd`?"),
    ],
)
def test_an_unknown_choice_names_the_nearest(choice, sentence):
    with pytest.raises(InputError) as problem:
        reading.read(ROOT, choice)
    assert str(problem.value) == sentence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"stages: {a: [}\n", r"own\.yaml, line 1: not valid YAML"),
        (b"- a\n", r"own\.yaml: must hold keys with values"),
        (b"a: \xb5\n", r"own\.yaml: not text"),
    ],
)
def test_a_file_that_is_no_mapping_is_named(repository, text, message):
    (repository / "config/papers/own.yaml").write_bytes(text)
    with pytest.raises(InputError, match=message):
        reading.read(repository)


def test_an_import_on_the_command_line_replaces_a_whole_stage():
    """Other values are changed key by key."""
    choices = {"stages": {"bc": {"import": "imported"}, "sft": {"budget": "brief"}}}
    stages = reading.content(ROOT, choices)["stages"]
    assert stages["bc"] == {"import": "imported"}
    assert stages["sft"]["budget"] == "brief"
    assert stages["sft"]["from"] == "bc"
