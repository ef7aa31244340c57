"""The extensions that docs/ shows, as if they lay in `simagents.extensions`."""

import sys
from pathlib import Path

import pytest

import documented
from simagents import extensions
from simagents.config import reading
from simagents.config.changes import merged
from simagents.config.configuration import Configuration
from simagents.planning.plan import Plan

SHORT = {
    "scenarios": {"synthetic": {"held_out": 3}},
    "budgets": {
        "pretrain": {"steps": 20, "batch": 2},
        "reinforce": {"steps": 2, "batch": 2, "rollouts": 4},
    },
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of the extensions."""
    folder: Path = tmp_path_factory.mktemp("extensions")
    names = documented.write_modules(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extensions, "__path__", [str(folder)])
        yield folder
    for name in names:
        sys.modules.pop(f"simagents.extensions.{name}", None)
        vars(extensions).pop(name, None)


@pytest.fixture(scope="module")
def plan(installed) -> Plan:
    """The demo's plan with the text's lines, with budgets of seconds."""
    content = reading.content(documented.ROOT, {"scale": "demo"})
    content = merged(merged(content, documented.configuration()), SHORT)
    return Plan.of(Configuration.of(content))
