"""Python, its packages, LaTeX and git."""

import platform
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simagents.doctor.finding import Finding
from simagents.provenance import CHANGED

INSTALL = "pip install -c constraints.txt -e '.[slurm,dev,docs]', or make setup"
LOADED = re.compile(r"\\(documentclass|usepackage|bibliographystyle)(?:\[[^\]]*\])?\{([^}]*)\}")
SUFFIXES = {"documentclass": "cls", "usepackage": "sty", "bibliographystyle": "bst"}
PROGRAMS = ("pdflatex", "bibtex")
"""What latexmk calls."""


def python(root: Path) -> Finding:
    """Whether Python's version is one that the project is made for."""
    wanted = _project(root)["requires-python"]
    here = _numbers(platform.python_version())
    limits = {sign: _numbers(end) for sign, end in re.findall(r"(>=|<)\s*([\d.]+)", wanted)}
    fits = limits[">="] <= here < limits["<"]
    says = platform.python_version()
    if fits:
        return Finding("ok", "Python", says)
    return Finding("fail", "Python", f"{says}; {wanted} is needed: make setup PYTHON=python3.11")


def packages(root: Path, installed: Callable[[str], str] = version) -> Finding:
    """Whether what the project needs is there, in the pinned versions."""
    pins = dict(
        line.split("==")
        for line in (root / "constraints.txt").read_text().split()
        if line.count("==") == 1
    )
    needed = {re.match(r"[\w.-]+", each)[0] for each in _project(root)["dependencies"]}
    missing, other = [], []
    for name, pin in pins.items():
        try:
            here = installed(name).partition("+")[0]  # +cpu is a build of the same version
        except PackageNotFoundError:
            missing += [name] if name in needed else []
            continue
        other += [f"{name} {here} (pinned: {pin})"] if here != pin else []
    if missing:
        return Finding("fail", "packages", f"{', '.join(missing)} missing: {INSTALL}")
    if other:
        return Finding(
            "warn",
            "packages",
            f"{', '.join(other)}; numbers may differ in the last bits: {INSTALL}",
        )
    return Finding("ok", "packages", "as pinned in constraints.txt")


def latex(root: Path) -> Finding:
    """Whether the paper can be set. Without latexmk `make paper` leaves the PDF out; with latexmk and
    without a package it would stop."""
    if shutil.which("latexmk") is None:
        return Finding(
            "warn", "LaTeX", "no latexmk, so there will be no PDF; install it: make latex"
        )
    source = (root / "paper/main.tex").read_text()
    files = [
        f"{name.strip()}.{SUFFIXES[kind]}"
        for kind, names in LOADED.findall(source)
        for name in names.split(",")
    ]
    missing = [name for name in PROGRAMS if shutil.which(name) is None] + _not_found(files)
    if missing:
        return Finding("fail", "LaTeX", f"{', '.join(missing)} missing; install them: make latex")
    return Finding("ok", "LaTeX", f"latexmk and the {len(files)} files that paper/main.tex loads")


def _not_found(files: list[str]) -> list[str]:
    try:
        found = subprocess.run(["kpsewhich", *files], capture_output=True, text=True, check=False)
    except OSError:
        return files
    names = {Path(line).name for line in found.stdout.splitlines()}
    return [file for file in files if file not in names]


def git(commit: str) -> Finding:
    """Whether results can name the code that they come from."""
    if commit == "unknown":
        says = "no commit is known, and results will say so; work in a clone, with git installed"
        return Finding("warn", "git", says)
    if commit.endswith(CHANGED):
        says = f"commit {commit.removesuffix(CHANGED)} with changes, and results will say so; commit them"
        return Finding("warn", "git", says)
    return Finding("ok", "git", f"commit {commit}, no changes")


def _project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
