"""A private Slurm, and what a cluster does to jobs: `make slurm-test`."""
