#!/bin/bash
# Installs the SLURM that `make slurm-test` starts if root and apt are available; otherwise prints the command. It
# configures nothing and leaves no service running.
set -euo pipefail

packages=(slurm-wlm slurm-client munge)

complete() {
  local program
  for program in munged slurmctld slurmd sbatch srun; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || return 1
  done
}

complete && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing SLURM (${packages[*]}); this takes half a minute, once."
  log=$(mktemp)
  if apt-get update -qq >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >>"$log" 2>&1 &&
    complete; then
    rm -f "$log"
    exit 0
  fi
  tail -n 5 "$log" >&2
fi
echo "SLURM is incomplete, so it cannot be tested; install it with: apt-get install ${packages[*]}" >&2
exit 1
