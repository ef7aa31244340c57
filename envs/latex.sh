#!/bin/bash
# Installs the LaTeX packages of paper/main.tex if root and apt are available; otherwise prints the command.
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/install.sh"

packages=(latexmk texlive-latex-recommended texlive-fonts-recommended lmodern texlive-science texlive-latex-extra)

complete() {
  command -v latexmk >/dev/null && kpsewhich siunitx.sty >/dev/null && kpsewhich threeparttable.sty >/dev/null
}

install_packages LaTeX "a few minutes" "LaTeX is incomplete, so there will be no PDF" || true
