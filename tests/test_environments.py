"""Environment files say the same: one list of pins, and a Python that it is made for."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.split(";")[0].strip().split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
)
EXTRAS = PROJECT["optional-dependencies"]
WANTED = [Requirement(r) for r in sum(EXTRAS.values(), PROJECT["dependencies"])]


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: wanted.name)
def test_every_requirement_has_a_pin_that_satisfies_it(wanted):
    assert PINS[canonicalize_name(wanted.name)] in wanted.specifier


def test_this_environment_is_the_pinned_one():
    """Packages that are not installed here, CUDA's on a CPU say, are no difference."""
    for name, pin in PINS.items():
        try:
            # A build for one kind of device has a suffix.
            assert version(name).split("+")[0] == pin, name
        except PackageNotFoundError:
            assert name not in {canonicalize_name(r) for r in map(_name, PROJECT["dependencies"])}


def _name(requirement):
    return Requirement(requirement).name


def test_conda_brings_python_and_pip_the_pins():
    file = ROOT / "envs/simagents.yaml"
    python, pip, rest = yaml.safe_load(file.read_text())["dependencies"]
    assert python.split("=")[1] in SpecifierSet(PROJECT["requires-python"])
    assert pip == "pip"
    options = dict(line.removeprefix("--").split("=") for line in rest["pip"])
    assert (file.parent / options["constraint"]).samefile(ROOT / "constraints.txt")
    assert (file.parent / options["editable"]).samefile(ROOT)


def test_both_containers_are_the_same_base_and_the_same_script():
    docker, apptainer = ((ROOT / f"envs/{n}").read_text() for n in ("Dockerfile", "simagents.def"))
    base = re.search("^FROM (.+)$", docker, re.MULTILINE)[1]
    assert base == re.search("^From: (.+)$", apptainer, re.MULTILINE)[1] == "debian:bookworm-slim"
    for recipe in (docker, apptainer):
        assert "/opt/simagents/envs/container.sh" in recipe
        assert "/opt/simagents/.venv/bin:$PATH" in recipe
    assert "3.11" in SpecifierSet(PROJECT["requires-python"])  # what Debian 12 has


def test_containers_install_by_make_which_takes_the_pins():
    assert "make setup latex" in (ROOT / "envs/container.sh").read_text()
    assert "-c constraints.txt" in (ROOT / "Makefile").read_text()


def test_no_recipe_has_pins_of_its_own():
    for name in ("Dockerfile", "simagents.def", "container.sh"):
        assert "==" not in (ROOT / "envs" / name).read_text()
