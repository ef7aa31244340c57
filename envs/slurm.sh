#!/bin/bash
# Installs the SLURM that `make slurm-test` starts if root and apt are available; otherwise prints the command. It
# configures nothing and leaves no service running.
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/install.sh"

packages=(slurm-wlm slurm-client munge)

complete() {
  local program
  for program in munged slurmctld slurmd sbatch srun; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || return 1
  done
}

install_packages SLURM "half a minute" "SLURM is incomplete, so it cannot be tested"
