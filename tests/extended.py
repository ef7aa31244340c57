"""`simagents` with the extensions of a folder; its arguments are the folder, then those of a command."""

import sys

from simagents import cli, extensions


def main() -> None:
    extensions.__path__ = [sys.argv.pop(1)]
    cli.main()
