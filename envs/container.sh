#!/bin/bash
# Both container recipes: the repository in /opt/simagents, its environment and LaTeX, on Debian 12.
# Versions are those of constraints.txt, as everywhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
  bash ca-certificates git make procps python3 python3-venv
make setup latex
command -v latexmk >/dev/null || { echo "container.sh: LaTeX could not be installed." >&2; exit 1; }
apt-get clean
rm -rf /var/lib/apt/lists/* ~/.cache/pip
