"""Nodes, GPUs and processes of a job, and how training starts on them."""

import os


def shared(key):
    """A node's share of a resource of a training job."""
    total = getattr(COMPUTE, key)
    share, rest = divmod(total, COMPUTE.nodes)
    if rest:
        stop(
            f"compute.{key}: {total} cannot be shared evenly by {COMPUTE.nodes} nodes; choose a"
            " multiple of compute.nodes."
        )
    return share


def gpus(count):
    """Resources of a job on one node with so many GPUs, of the site's type."""
    if not count:
        return {"gpu": 0}
    # Without SLURM nobody gives jobs GPUs of their own, so the local profile runs one such job at a time.
    typed = {"gpu_model": SITE.gpu_model} if SITE.gpu_model else {}
    return {"gpu": count, "gpu_jobs": 1, **typed}


def on_nodes():
    """Resources of a training job.

    On several nodes SLURM starts no step of its own (`mpi`), and GPUs, memory and cores are requested
    per node, because SLURM may divide a total unevenly.
    """
    if COMPUTE.nodes == 1:
        return {"mem_mb": COMPUTE.mem_mb, **gpus(COMPUTE.gpus)}
    each = shared("workers")
    return {
        "mpi": "srun",
        "nodes": COMPUTE.nodes,
        # The executor refuses one task a node under the name `tasks_per_node`.
        **({"tasks_per_node": each} if each > 1 else {"tasks": COMPUTE.nodes}),
        "cpus_per_task": cores(),
        "mem_mb": shared("mem_mb"),
        **({"gpu_jobs": 1} if COMPUTE.gpus else {}),
        "slurm_extra": " ".join(filter(None, [GPUS_PER_NODE, SITE.extra])),
    }


if not COMPUTE.gpus:
    # Commands take a GPU where they see one, and as many as there are cores would meet on the first.
    # A prefix takes the place of Snakemake's own, which has a command fail where a part of it does.
    shell.prefix("set -euo pipefail; export CUDA_VISIBLE_DEVICES=; ")

if COMPUTE.gpus and COMPUTE.workers > COMPUTE.gpus:
    # Such jobs could only fail, after they have queued.
    stop(
        f"compute.workers: {COMPUTE.workers} training processes need as many GPUs, and compute.gpus is"
        f" {COMPUTE.gpus}; set both to the same number."
    )


def cores():
    """Of a training process, where a job has several nodes."""
    return max(1, shared("threads") // shared("workers"))


def launcher():
    """The launcher before `simagents train`: none for one process, torchrun for several.

    On one node torchrun lets the system choose a port. On several nodes the processes meet through a
    file of this attempt, and the first process takes a port that its system chooses. So jobs that
    share nodes never connect to one another.
    """
    if COMPUTE.workers == 1:
        return ""
    if not OVER_NODES:
        return f"torchrun --standalone --nproc-per-node={COMPUTE.workers} {PATIENCE} --no-python"
    return (
        f"srun --nodes={COMPUTE.nodes} --ntasks={COMPUTE.nodes} --ntasks-per-node=1"
        f" --cpus-per-task={cores() * shared('workers')} {GPUS_PER_NODE} --kill-on-bad-exit=1"
        f" torchrun --nnodes={COMPUTE.nodes} --nproc-per-node={shared('workers')}"
        " --rdzv-backend=c10d --rdzv-conf=store_type=file"
        f" --rdzv-endpoint=$rendezvous {PATIENCE} --no-python"
    )


def meeting_point():
    """Creates the file through which the processes of several nodes meet in this attempt."""
    if not OVER_NODES:
        return ""
    return (
        "rendezvous=$(mktemp --tmpdir=resume/{wildcards.run} rendezvous.XXXXXXXX) &&"
        " trap 'rm -f $rendezvous' EXIT &&"
    )


# Seconds for a step and a save after SIGTERM; torchrun's default of 30 may be less than `KillWait`.
PATIENCE = "--shutdown-timeout=300"
# Retries of the Snakemake that submits. The one inside a job reads this file, too; it would train again
# in a job that is about to end, or take a run back from the job that took it over.
RETRIES = 0 if workflow.remote_exec else COMPUTE.retries
# Only in a job that Snakemake submitted, and not in a shell inside some other job.
OVER_NODES = COMPUTE.nodes > 1 and workflow.remote_exec and "SLURM_JOB_ID" in os.environ
GPU_TYPE = f"{SITE.gpu_model}:" if SITE.gpu_model else ""
GPUS_PER_NODE = f"--gpus-per-node={GPU_TYPE}{shared('gpus')}" if COMPUTE.gpus else ""
