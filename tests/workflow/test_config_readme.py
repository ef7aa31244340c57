"""config/README.md says of every key what the schema says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def keys(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key with its schema; NAME is a name of the user's own, [] an item of a list."""
    for name, value in schema.get("properties", {}).items():
        inner = f"{path}.{name}".lstrip(".")
        yield inner, value
        yield from keys(value, inner)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from keys(schema["additionalProperties"], f"{path}.NAME")
    if isinstance(schema.get("items"), dict):
        yield from keys(schema["items"], f"{path}[]")
    for choice in schema.get("anyOf", []):
        yield from keys(choice, path)


def values(schema: dict[str, Any]) -> str:
    """What a key may hold, in words."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(values, schema["anyOf"]))
    if schema["type"] == "array":
        return f"list of {values(schema['items'])}"
    words = {
        "integer": "whole number", "number": "number", "string": "text", "object": "mapping",
        "boolean": "yes or no",
    }  # fmt: skip
    limits = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[name]:g}" for name, sign in limits.items() if name in schema]
    return " ".join([words[schema["type"]], ", ".join(bounds)]).strip()


def line(name: str, schema: dict[str, Any]) -> str:
    return f"| `{name}` | {values(schema)} | {schema['description']} |"


@pytest.mark.parametrize(("name", "schema"), keys(SCHEMA), ids=[name for name, _ in keys(SCHEMA)])
def test_every_key_is_described_and_in_the_readme(name, schema):
    assert "description" in schema
    wanted = line(name, schema)
    there = wanted in (ROOT / "config/README.md").read_text().splitlines()
    assert there, f"config/README.md lacks the line\n{wanted}"
