"""Where jobs go on a cluster."""

from dataclasses import fields
from pathlib import Path

import pytest

from simagents.errors import InputError
from simagents.site import Site, first_words

EXAMPLE = Path(__file__).parents[1] / "slurm/local.example.yaml"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    for field in fields(Site):
        monkeypatch.delenv(f"SIMAGENTS_{field.name.upper()}", raising=False)


@pytest.fixture
def local(tmp_path):
    return tmp_path / "local.yaml"


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A login node whose sinfo lists the given partitions."""

    def make(*partitions):
        for name, lines in (("sbatch", []), ("sinfo", partitions)):
            program = tmp_path / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")

    return make


def test_the_environment_is_stronger_than_the_file(local, monkeypatch):
    local.write_text("partition: long\naccount: 1234\nqos:\n")
    monkeypatch.setenv("SIMAGENTS_PARTITION", "short")
    assert Site.read(local) == Site(partition="short", account="1234")


def test_every_setting_reaches_the_executor(local):
    local.write_text("{partition: a, account: b, qos: c, constraint: d|e, extra: --exclude=f}")
    resources = Site.read(local).resources
    assert set(resources.values()) == {"'a'", "'b'", "'c'", "'d|e'", "'--exclude=f'"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("partitions: gpu", "local.yaml: unknown key `partitions`; did you mean `partition`?"),
        ("gpu", "local.yaml: wants lines like `partition: gpu`"),
        ("partition: [a, b]", "local.yaml: `partition` wants one word or line of text."),
        ("partition: {", "local.yaml: no valid YAML"),
    ],
)
def test_a_slip_in_the_file_is_one_sentence(local, content, sentence):
    local.write_text(content)
    with pytest.raises(InputError) as problem:
        Site.read(local)
    assert sentence in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_type_of_gpu_that_no_job_could_ask_for_is_said_before_any_is_submitted(local):
    local.write_text("gpu_model: nvidia_a100-sxm4-80gb")
    with pytest.raises(InputError, match="not `nvidia_a100-sxm4-80gb`; choose such GPUs by"):
        Site.read(local)


def test_without_settings_the_default_partition_is_named(local, slurm):
    slurm("debug", "gpu*")
    assert "`gpu`, the cluster's default" in first_words(Site(), local)
    assert "cp slurm/local.example.yaml" in first_words(Site(), local)


def test_a_cluster_without_default_partition_is_warned_of(local, slurm):
    slurm("debug", "gpu")
    assert first_words(Site(), local).startswith("This cluster has no default partition")


def test_who_has_said_where_is_told_nothing(local, slurm):
    slurm("gpu*")
    assert first_words(Site(partition="gpu"), local) == ""
    local.touch()
    assert first_words(Site(), local) == ""


def test_a_machine_without_sbatch_is_no_login_node(local, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert first_words(Site(partition="gpu"), local).startswith("There is no sbatch here")


def test_every_setting_is_in_the_example(local):
    lines = EXAMPLE.read_text().partition("\n\n")[2].splitlines()
    local.write_text("\n".join(line.removeprefix("# ") for line in lines))
    site = Site.read(local)
    assert all(getattr(site, field.name) for field in fields(Site))
