"""Training jobs on one node and on several, side by side."""

from slurm.processes import wait_until


def test_the_workflow_completes_on_an_undisturbed_cluster(reference):
    states = reference.cluster.jobs_in(reference.folder)
    assert set(states.values()) == {"COMPLETED"}
    assert all(reference.tables().values())


def test_two_jobs_on_the_same_two_nodes_do_not_meet_each_other_s_processes(
    prepared, reference, tmp_path
):
    """A GPU of each node for each of two jobs; their tables are those of one node with two GPUs."""
    other = reference.copy(tmp_path / "other")
    other.forget_last_run()
    both = (prepared, other)
    prepared.cluster.drain("n3")
    try:
        for repository in both:
            repository.change(nodes=2)
            repository.start()
        jobs = [repository.wait_for_step(2) for repository in both]
        for job in jobs:
            assert prepared.cluster.nodes_of(job) == "n[1-2]"
            assert prepared.cluster.state(job) == "RUNNING"  # both at the same time
        for repository in both:
            repository.end()
            assert repository.tables() == reference.tables()
            assert not list(repository.resume.glob("rendezvous.*"))
    finally:
        other.stop()
        prepared.cluster.undrain("n3")
    wait_until("the queue to empty", lambda: not prepared.cluster.waiting(), 60)
