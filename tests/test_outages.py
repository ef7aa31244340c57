"""SLURM is silent for a while."""

import asyncio
import logging
import sys

import pytest

from simagents.errors import InputError
from simagents.outages import outlive_outages, persistent


def test_jobs_are_asked_for_until_there_is_an_answer(caplog):
    answers = [(None, None), (None, None), ({"7": "RUNNING"}, 0.1)]

    async def ask(command, logger):
        return answers.pop(0)

    query = persistent(ask, between=0.0)
    found = asyncio.run(query("squeue --me", logging.getLogger("executor")))
    assert found == ({"7": "RUNNING"}, 0.1)
    assert [record.message for record in caplog.records] == [
        "SLURM does not answer squeue; jobs go on, and it is asked again every 0 s."
    ]


def test_an_answer_without_jobs_is_one():
    async def ask(command, logger):
        return {}, 0.1

    assert asyncio.run(persistent(ask)("squeue", None)) == ({}, 0.1)


def test_the_executor_has_what_is_changed(monkeypatch):
    executor = pytest.importorskip("snakemake_executor_plugin_slurm")
    for name in ("query_job_status", "get_min_job_age"):
        monkeypatch.setattr(executor, name, getattr(executor, name))  # and put back
    outlive_outages()
    assert executor.query_job_status.__module__ == "simagents.outages"
    assert executor.get_min_job_age() > 1e9


def test_a_missing_executor_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "snakemake_executor_plugin_slurm", None)
    with pytest.raises(InputError, match="not installed; run: pip install"):
        outlive_outages()
