# Two commands on a fresh machine: `make paper` and `make test`. Both set up what is missing.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" snakemake
# Snakemake's own lock outlives a kill -9; the kernel's does not. So the same command goes on.
LOCKED := $(if $(shell command -v flock),flock --nonblock --close .snakemake.lock,) env

# The official evaluator cannot live beside a current torch, and wants this Python.
PARITY := .venv-parity
PYTHON311 ?= python3.11

.PHONY: paper test slurm-test check parity setup latex report proto clean help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

paper: setup latex ## every table and figure and paper.pdf at demo scale; ARGS="--config data=womd" and the like go on
	@$(LOCKED) $(SNAKEMAKE) --nolock $(ARGS) $$(command -v latexmk >/dev/null || echo everything_but_pdf)

test: setup ## the whole test suite
	$(BIN)/pytest

slurm-test: setup ## the workflow on a private SLURM, with crashes, a quarter of an hour; wants root
	@envs/slurm.sh
	$(BIN)/pytest -n 0 --durations=0 tests/slurm

check: setup ## formatting, spelling, layers, workflow style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(SNAKEMAKE) --lint

parity: setup $(PARITY)/.ready ## the official evaluator beside ours, 12 minutes; ARGS="--scenes odd far" and the like go on
	@PYTHONPATH=tests $(BIN)/python -m parity --python $(PARITY)/bin/python $(ARGS)

report: setup ## Snakemake's HTML report of the finished workflow
	$(SNAKEMAKE) --report results/demo/report.html $(ARGS)

setup: $(READY)

# Nothing is installed again unless the pins change.
$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "make: python3 -m venv failed; install Python 3.11 or later with its venv module." >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or later is needed; say which with PYTHON=…" >&2; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[slurm,dev]'
	@touch $@

$(PARITY)/.ready: envs/parity.txt
	@test -x $(PARITY)/bin/python || $(PYTHON311) -m venv $(PARITY) || { \
	  echo "make: the official evaluator needs Python 3.11; say where it is with PYTHON311=…" >&2; \
	  rm -rf $(PARITY); exit 1; }
	$(PARITY)/bin/python -m pip install -q --disable-pip-version-check --no-deps -r envs/parity.txt
	@touch $@

latex: ## a LaTeX that can set the paper, where this may install one
	@envs/latex.sh

proto: setup ## compile the schemas of scenarios and submissions
	$(BIN)/python -m grpc_tools.protoc -I src --python_out=src \
	  src/simagents/scenarios/womd/scenario.proto src/simagents/submission/submission.proto

clean: ## remove demo results, not the environment
	rm -rf results/demo resume logs resources/synthetic
