"""Compute: resources of jobs. They change the speed, never the results."""

from typing import Annotated, Literal

from pydantic import Field

from simagents.config.data import AtLeastOne
from simagents.config.keys import Settings

Count = Annotated[int, Field(ge=0)]


class Compute(Settings):
    """Of no run's name."""

    nodes: AtLeastOne
    """machines of a training job on SLURM; each has an equal share of the job's GPUs, processes, cores
    and memory. Elsewhere a job runs on one machine"""
    gpus: Count
    """GPUs of a training job; 0 hides those of the machine from all jobs. Without SLURM one job at a time uses GPUs"""
    workers: AtLeastOne
    """training processes of a job (the world size); the number of GPUs where there are any"""
    threads: AtLeastOne
    """CPU cores of a training job"""
    micro_batch: AtLeastOne
    """scenes in memory at once on each process, at most: the largest number that divides its part of the batch"""
    worlds_at_once: Count
    """rollouts of a scene whose activations are in memory at once while a policy gradient is computed;
    0 for all. Fewer take longer"""
    zero_stage: Literal[0, 1, 2]
    """DeepSpeed ZeRO stage"""
    save_every: AtLeastOne
    """steps between saves"""
    chunks: AtLeastOne
    """jobs into which an evaluation is divided"""
    pictured: Count
    """scenes of the first chunk whose rollouts are kept for figures"""
    minutes: AtLeastOne
    """time limit of a job that trains, evaluates or builds vocabularies"""
    mem_mb: Annotated[int, Field(ge=500)]
    """memory of a training job"""
    retries: Count
    """times that an interrupted run resumes from its last save, whatever the cause"""
    shards: AtLeastOne
    """shards that one job caches or tokenises"""
