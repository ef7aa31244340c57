"""SLURM does not answer for a while; and only the executor that was tested is changed."""

import asyncio
import logging
import sys
import tomllib
from pathlib import Path

import pytest

from simagents import outages
from simagents.errors import InputError
from simagents.outages import REPLACED, VERSION, outlive_outages, persistent

ROOT = Path(__file__).parents[1]


@pytest.fixture
def executor(monkeypatch):
    """The executor's module, restored afterwards."""
    module = pytest.importorskip("snakemake_executor_plugin_slurm")
    for name in REPLACED:
        monkeypatch.setattr(module, name, getattr(module, name))
    return module


def test_the_query_is_repeated_until_there_is_an_answer(caplog):
    answers = [(None, None), (None, None), ({"7": "RUNNING"}, 0.1)]

    async def query(command, logger):
        return answers.pop(0)

    repeated = persistent(query, between=0.0)
    answer = asyncio.run(repeated("squeue --me", logging.getLogger("executor")))
    assert answer == ({"7": "RUNNING"}, 0.1)
    assert [record.message for record in caplog.records] == [
        "SLURM does not answer squeue; jobs continue, and the query is repeated every 0 s."
    ]


def test_an_answer_without_jobs_is_an_answer():
    async def query(command, logger):
        return {}, 0.1

    assert asyncio.run(persistent(query)("squeue", None)) == ({}, 0.1)


def test_both_functions_of_the_installed_executor_are_replaced(executor):
    outlive_outages()
    assert executor.query_job_status.__module__ == "simagents.outages"
    assert executor.get_min_job_age() > 1e9


def test_a_missing_executor_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "snakemake_executor_plugin_slurm", None)
    with pytest.raises(InputError, match="not installed; run: pip install"):
        outlive_outages()


@pytest.mark.parametrize("other", ["2.8.1", "2.9.0", "2.7.3"])
def test_another_version_is_refused_and_left_alone(executor, monkeypatch, other):
    originals = [getattr(executor, name) for name in REPLACED]
    monkeypatch.setattr(outages, "version", lambda _: other)
    with pytest.raises(InputError, match=rf"slurm {other} is installed.* 2\.8\.0; run: pip inst"):
        outlive_outages()
    assert [getattr(executor, name) for name in REPLACED] == originals


@pytest.mark.parametrize("name", REPLACED)
def test_an_executor_without_a_replaced_function_is_refused(executor, monkeypatch, name):
    monkeypatch.delattr(executor, name)
    with pytest.raises(InputError, match=f"has no function `{name}`, which simagents/outages.py"):
        outlive_outages()
    assert not hasattr(executor, name)


def test_the_pinned_executor_is_the_one_that_is_changed():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pin = f"snakemake-executor-plugin-slurm=={VERSION}"
    assert extras["optional-dependencies"]["slurm"] == [pin]
    assert pin in (ROOT / "constraints.txt").read_text().splitlines()
