#!/bin/bash
# Sourced by the scripts beside it, which name their `packages` and say when these are `complete`.

# install_packages WHAT DURATION WITHOUT: installs them if root and apt are available; otherwise says what WITHOUT them is,
# prints the command, and fails.
install_packages() {
  complete && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $1 (${packages[*]}); this takes $2, once."
    local log
    log=$(mktemp)
    if apt-get update -qq >"$log" 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >>"$log" 2>&1 &&
      complete; then
      rm -f "$log"
      return 0
    fi
    tail -n 5 "$log" >&2
  fi
  echo "$3; install it with: apt-get install ${packages[*]}" >&2
  return 1
}
