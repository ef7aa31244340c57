#!/bin/bash
# Installs the browser in which tests look at pages if root and apt are available; otherwise prints the command.
# Without a browser these tests are skipped and say so.
set -euo pipefail

packages=(chromium fonts-dejavu-core)

complete() {
  command -v chromium || command -v chromium-browser || command -v google-chrome || command -v chrome
} >/dev/null

complete && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing a browser for the tests (${packages[*]}); this takes a minute, once."
  log=$(mktemp)
  if apt-get update -qq >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >>"$log" 2>&1 &&
    complete; then
    rm -f "$log"
    exit 0
  fi
  tail -n 5 "$log" >&2
fi
echo "There is no browser, so tests of pages will be skipped; install one with: apt-get install ${packages[*]}" >&2
