"""The command line as a whole: what it lists, what it loads, how it refuses."""

import shlex
import subprocess
import sys
from importlib import import_module

import pytest

from simagents.cli import main, parsed
from simagents.commands import COMMANDS, GROUPS


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "simagents.cli", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", [(), ("--help",)])
def test_all_commands_are_listed_by_group(words):
    shown = run(*words)
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    for group, commands in GROUPS.items():
        first = lines.index(f"{group}:") + 1
        assert [line.split()[0] for line in lines[first : first + len(commands)]] == list(commands)


def test_an_unknown_command_is_one_sentence_with_the_nearest():
    refused = run("evaluat")
    assert refused.returncode == 2
    assert refused.stderr == (
        "simagents: COMMAND: unknown value `evaluat`; did you mean `evaluate`?\n"
    )


@pytest.mark.parametrize("command", ["cache", "figure", "costs", "trace", "doctor"])
def test_a_command_loads_only_what_it_needs(command):
    code = (
        "import sys, simagents.cli as cli\n"
        f"sys.argv = ['simagents', {command!r}, '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: simagents {command}" in done.stdout


def test_help_closes_with_an_example(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simagents", "cache", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "example: simagents cache records.tfrecord --out scenarios.safetensors"


@pytest.mark.parametrize(("name", "command"), COMMANDS.items())
def test_examples_are_command_lines(name, command):
    module = import_module(command.module)
    assert isinstance(parsed(module, name, shlex.split(command.example)), module.Args)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_commands_and_options(shell, monkeypatch, capsys):
    """In this process, which has loaded most of what all commands need."""
    monkeypatch.setattr(sys, "argv", ["simagents", "--tyro-print-completion", shell])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    printed = capsys.readouterr().out
    for word in (*COMMANDS, "--vocabulary-report"):
        assert word in printed
