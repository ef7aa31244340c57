#!/bin/bash
# Installs the LaTeX packages of paper/main.tex if root and apt are available; otherwise prints the command.
set -euo pipefail

packages=(latexmk texlive-latex-recommended texlive-fonts-recommended lmodern texlive-science texlive-latex-extra)

complete() {
  command -v latexmk >/dev/null && kpsewhich siunitx.sty >/dev/null && kpsewhich threeparttable.sty >/dev/null
}

complete && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing LaTeX (${packages[*]}); this takes a few minutes, once."
  log=$(mktemp)
  if apt-get update -qq >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -n 5 "$log" >&2
fi
echo "LaTeX is incomplete, so there will be no PDF; install it with: apt-get install ${packages[*]}" >&2
