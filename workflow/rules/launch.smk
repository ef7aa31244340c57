"""How many machines, GPUs and processes a job has, and how training starts on them."""


def shared(key):
    """A node's share of what a training job has."""
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
    typed = {"gpu_model": SITE.gpu_model} if count and SITE.gpu_model else {}
    return {"gpu": count, **typed}


def on_nodes():
    """Resources of a training job.

    Over several nodes SLURM starts no step of its own (`mpi`), and GPUs, memory and cores are asked
    for by node: a sum over nodes may be met by an uneven share.
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
        "slurm_extra": " ".join(filter(None, [GPUS_PER_NODE, SITE.extra])),
    }


def cores():
    """Of a training process, where a job has several nodes."""
    return max(1, shared("threads") // shared("workers"))


def launcher():
    """What stands before `simagents train`: nothing for one process, torchrun for several.

    On one node torchrun lets the system choose a port. Over several its processes find one another
    by a file of the attempt's own, and the first of them takes a port that its system chooses. So
    no two jobs ever meet.
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
    """Makes the file by which the processes of several nodes find one another in this attempt."""
    if not OVER_NODES:
        return ""
    return (
        "rendezvous=$(mktemp --tmpdir=resume/{wildcards.run} rendezvous.XXXXXXXX) &&"
        " trap 'rm -f $rendezvous' EXIT &&"
    )


# Seconds for a step and a save after SIGTERM; torchrun's own 30 may be less than SLURM grants.
PATIENCE = "--shutdown-timeout=300"
# Of the Snakemake that submits. The one in a job reads this file too, and would train again in a job
# that is about to end, or take a run back from the job that it has just handed it to.
RETRIES = 0 if workflow.remote_exec else COMPUTE.retries
# In a job that the cluster started, and no shell that somebody opened in such a job.
OVER_NODES = COMPUTE.nodes > 1 and workflow.remote_exec and "SLURM_JOB_ID" in os.environ
GPU_TYPE = f"{SITE.gpu_model}:" if SITE.gpu_model else ""
GPUS_PER_NODE = f"--gpus-per-node={GPU_TYPE}{shared('gpus')}" if COMPUTE.gpus else ""
