#!/bin/bash
# Both container recipes run this script. It installs the environment of the repository in /opt/simagents, with the
# versions of constraints.txt, and LaTeX, on Debian 12.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
  bash ca-certificates git make procps python3 python3-venv
make setup latex
command -v latexmk >/dev/null || { echo "container.sh: LaTeX could not be installed." >&2; exit 1; }
apt-get clean
rm -rf /var/lib/apt/lists/* ~/.cache/pip
