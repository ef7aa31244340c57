#!/bin/bash
# Installs the browser in which tests look at pages if root and apt are available; otherwise prints the command.
# Without a browser these tests are skipped and say so.
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/install.sh"

packages=(chromium fonts-dejavu-core)

complete() {
  command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chrome
} >/dev/null

install_packages "a browser for the tests" "a minute" "There is no browser, so tests of pages will be skipped" || true
