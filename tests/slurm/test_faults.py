"""After every fault of a cluster the workflow completes with the tables of an undisturbed run."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from slurm.processes import wait_until
from slurm.repository import RULE, Repository

SAVED = 4
"""of 12 steps; the run is disturbed later, and before step 8, after which it is saved again"""
REACHED = 5


@pytest.fixture
def training(prepared) -> Iterator[Repository]:
    """A workflow whose last run has been trained for some steps."""
    prepared.start()
    prepared.wait_for_step(REACHED)
    return prepared


def completes(
    repository: Repository,
    reference: Repository,
    job: str,
    *,
    jobs: int = 2,
    saves_first: bool = True,
) -> None:
    """Check that the run completes after the fault of `job`, with `jobs` jobs in all, from a save.

    `saves_first`: training got a SIGTERM and not only a SIGKILL, so no step is lost.
    """
    repository.end()
    assert repository.tables() == reference.tables()
    assert repository.jobs()[0] == job
    assert len(repository.jobs()) == jobs
    assert repository.cluster.state(repository.jobs()[-1]) == "COMPLETED"
    first, *resumed = repository.resumed()  # one attempt for each start: jobs do not retry
    assert len(resumed) == jobs - 1 + repository.cluster.restarts(job)
    assert first == 0
    assert all(step >= (REACHED if saves_first else SAVED) for step in resumed)


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_cancelled_job_resumes_from_its_save(prepared, reference, nodes):
    prepared.change(nodes=nodes)
    prepared.start()
    job = prepared.wait_for_step(REACHED)
    prepared.cluster.output_of("scancel", job)
    completes(prepared, reference, job)
    assert prepared.cluster.state(job) == "CANCELLED"


def test_a_run_that_exceeds_its_time_limit_resumes_in_another_job(prepared, reference):
    """A minute is the shortest limit; processes that hang reach it, and SLURM wakes them to save."""
    prepared.start("--set-resources", f"{RULE}:runtime=1")
    job = prepared.wait_for_step(REACHED)
    prepared.rest()
    wait_until("the limit", lambda: prepared.cluster.state(job) == "TIMEOUT", 150)
    completes(prepared, reference, job)


def test_a_run_survives_the_death_of_one_of_its_processes(training, reference):
    (job,) = training.jobs()
    os.kill(training.ranks()[1], signal.SIGKILL)
    completes(training, reference, job, saves_first=False)
    assert training.cluster.state(job) == "FAILED"


def test_the_job_of_a_node_that_crashes_starts_again_on_another(training, reference):
    """SLURM requeues the same job, so that Snakemake sees nothing and counts no retry."""
    (job,) = training.jobs()
    cluster = training.cluster
    crashed = cluster.nodes_of(job)
    cluster.crash(crashed)
    try:
        wait_until("the node to be down", lambda: "down" in cluster.states()[crashed], 90)
        wait_until("the job elsewhere", lambda: cluster.nodes_of(job) not in ("", crashed), 90)
    finally:
        cluster.boot(crashed)
    completes(training, reference, job, jobs=1, saves_first=False)
    assert cluster.restarts(job) == 1
    wait_until("the node to be back", lambda: cluster.states()[crashed] == "idle", 60)


def test_a_controller_that_is_away_for_a_while_disturbs_no_job(training, reference):
    (job,) = training.jobs()
    training.cluster.restart_controller(after=15)
    training.end()
    assert training.tables() == reference.tables()
    assert training.jobs() == [job]
    assert training.cluster.restarts(job) == 0
    assert "SLURM does not answer squeue" in training.printed()


def test_a_second_snakemake_takes_over_a_run_that_an_old_job_still_trains(training, reference):
    """Killed with -9, Snakemake leaves its job behind; the job of the new one takes the run over.

    The old job's processes are stopped until the new one waits for them, like a step of minutes.
    """
    (job,) = training.jobs()
    ranks = training.rest()
    training.kill_snakemake()
    training.unlock()
    training.start()
    wait_until("the new job to wait", lambda: f"(SLURM job {job})" in training.logged(), 120)
    for pid in ranks:
        os.kill(pid, signal.SIGCONT)
    completes(training, reference, job)
    assert training.cluster.state(job) == "FAILED"


def test_a_preempted_job_is_requeued(training, reference):
    (job,) = training.jobs()
    training.rest()
    everything = ["--partition=urgent", "--nodes=3", "--exclusive", "--output=/dev/null"]
    training.cluster.output_of("sbatch", *everything, "--wrap=sleep 5")
    completes(training, reference, job, jobs=1)
    assert training.cluster.restarts(job) == 1


def test_a_disk_that_fills_up_costs_the_steps_since_the_last_save(prepared, reference):
    """A folder of 64 MB that something else fills; there is room again after the job has failed."""
    prepared.resume.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", prepared.resume], check=True)
    try:
        prepared.start()
        job = prepared.wait_for_step(REACHED)
        filler = prepared.resume / "of_somebody_else"
        fill(filler)
        wait_until("the job to fail", lambda: prepared.cluster.state(job) == "FAILED", 120)
        assert "No space left on device" in prepared.logged()
        filler.unlink()
        completes(prepared, reference, job, saves_first=False)
    finally:
        prepared.stop()
        subprocess.run(["umount", "--lazy", prepared.resume], check=True)


def test_a_corrupt_save_is_named_and_the_one_before_it_taken(training, reference):
    """Somebody interrupts Snakemake; before it is started again, a bit of the newest save turns."""
    training.rest()
    training.interrupt()
    newest = training.saved()
    before = max(step for step in training.saves() if step < newest)
    damaged = max((training.resume / f"step{newest}").iterdir(), key=lambda p: p.stat().st_size)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    training.start()
    training.end()
    assert training.tables() == reference.tables()
    assert f"resuming from step {before}" in training.logged()
    assert f"step{newest}" in training.logged()
    assert training.resumed() == [0, before]


def fill(path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
