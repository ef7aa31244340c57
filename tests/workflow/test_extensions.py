"""The experiment of docs/tutorials/own_model.md in the workflow: what it shows is found and planned."""

import shutil

import pytest
import yaml

import documented


@pytest.fixture
def extended(fresh, monkeypatch):
    """The workflow with a copy of the package that holds the text's modules."""
    package = fresh.folder / "src/simagents"
    shutil.copytree(documented.ROOT / "src/simagents", package)
    documented.write_modules(package / "extensions")
    lines = yaml.safe_dump(documented.configuration(), sort_keys=False)
    (fresh.folder / "config/papers/own.yaml").write_text(lines)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    fresh.warm = None
    return fresh


def test_a_table_of_ones_own_family_waits_for_no_tokens(extended):
    jobs = extended.planned("--", "results/demo/tables/velocities.tex")
    assert (jobs["train"], jobs["calibrate"], jobs["evaluate"]) == (3, 1, 3)
    assert not {"vocabulary", "tokenize"} & set(jobs)


def test_a_figure_of_ones_own_kind_waits_for_what_it_reads(extended):
    jobs = extended.planned("--", "results/demo/figures/counts.pdf")
    assert (jobs["figure"], jobs["evaluate"], jobs["train"]) == (1, 1, 1)
    assert "cells" not in jobs
