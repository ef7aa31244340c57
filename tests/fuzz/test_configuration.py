"""Damaged configuration: a plan comes out, or one sentence."""

import copy
import json
import shutil
from pathlib import Path

import pytest

from fuzz.cases import fuzz
from fuzz.damage import damage_bytes, damage_content
from simagents.config import reading
from simagents.config.configuration import Configuration
from simagents.config.recipe import Recipe
from simagents.planning.plan import Plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def content():
    return reading.content(ROOT, {"scale": "demo"})


def test_keys_and_values(content):
    def attempt(case):
        damaged = copy.deepcopy(content)
        damage_content(damaged, case, most=2)
        Plan.of(Configuration.of(damaged))

    fuzz("configuration", 50, attempt)


def test_bytes_of_the_files(tmp_path):
    root = tmp_path / "repository"
    shutil.copytree(ROOT / "config", root / "config")
    shutil.copy(ROOT / "config.yaml", root)
    files = sorted([root / "config.yaml", *root.glob("config/*/*.yaml")])
    whole = {path: path.read_bytes() for path in files}

    def attempt(case):
        path = case.draw.choice(files)
        case.changes.append(path.name)
        path.write_bytes(damage_bytes(whole[path], case))
        try:
            Plan.of(reading.read(root, {"scale": "demo"}))
        finally:
            path.write_bytes(whole[path])

    fuzz("files of configuration", 25, attempt)


def test_recipes(recipe_of, tmp_path):
    whole = recipe_of().model_dump(mode="json")
    path = tmp_path / "recipe.json"

    def attempt(case):
        damaged = copy.deepcopy(whole)
        damage_content(damaged, case)
        path.write_text(json.dumps(damaged))
        if case.draw.random() < 0.3:
            path.write_bytes(damage_bytes(path.read_bytes(), case))
        Recipe.read(path)

    fuzz("recipes", 200, attempt)
