"""`simagents COMMAND …`: every step of the workflow, and the metric on its own.

A command's module loads when the command is called, so that `simagents cache` does not wait for
torch. Only the completion script of a shell needs all of them.
"""

import os
import sys
from functools import reduce
from importlib import import_module
from operator import or_
from types import ModuleType
from typing import Annotated, Any

import tyro

from simagents.allocator import keep_freed_memory
from simagents.commands import COMMANDS, GROUPS
from simagents.errors import InputError, unknown_value
from simagents.files import FULL, UnwritableError

HELP = ("-h", "--help")
COMPLETION = ("--tyro-print-completion", "--tyro-write-completion")


def main() -> None:
    """Dispatch. Wrong input is one sentence and exit code 2; a full disk one and 74, as in training."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in HELP:
        print(overview())
        return
    try:
        if name in COMPLETION:
            tyro.cli(every_command(), prog="simagents", args=sys.argv[1:])
        if name not in COMMANDS:
            raise unknown_value(name, "COMMAND", COMMANDS)
        keep_freed_memory()
        module = import_module(COMMANDS[name].module)
        module.main(parsed(module, name, sys.argv[2:]))
    except InputError as problem:
        print(f"simagents: {problem}", file=sys.stderr)
        sys.exit(2)
    except UnwritableError as problem:
        print(f"simagents: {problem}; make room or choose another place.", file=sys.stderr)
        sys.exit(os.EX_IOERR)
    except OSError as problem:
        if problem.errno not in FULL:
            raise
        print(f"simagents: {problem.strerror}; make room and start again.", file=sys.stderr)
        sys.exit(os.EX_IOERR)


def parsed(module: ModuleType, name: str, words: list[str]) -> Any:
    """The arguments of a command; its help, which ends the program, closes with an example."""
    try:
        return tyro.cli(module.Args, prog=f"simagents {name}", args=words)
    except SystemExit as ended:
        if not ended.code and set(HELP) & set(words):
            print(f"\nexample: simagents {name} {COMMANDS[name].example}")
        raise


def overview() -> str:
    """All commands by group."""
    width = max(map(len, COMMANDS))
    lines = ["usage: simagents COMMAND [--help]"]
    for group, commands in GROUPS.items():
        lines += ["", f"{group}:"]
        lines += [f"  {name:{width}}  {each.does}" for name, each in commands.items()]
    lines += ["", f"shell completion: simagents {COMPLETION[0]} {{bash,zsh,tcsh}}"]
    return "\n".join(lines)


def every_command() -> Any:
    """The union of all commands' arguments, each a subcommand; imports every command's module."""
    return reduce(
        or_,
        (
            Annotated[
                import_module(each.module).Args, tyro.conf.subcommand(name, description=each.does)
            ]
            for name, each in COMMANDS.items()
        ),
    )


if __name__ == "__main__":
    main()
