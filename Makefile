# Two commands on a fresh machine: `make paper` and `make test`. Both set up what is missing.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" snakemake
# Snakemake's own lock outlives a kill -9; the kernel's does not. So the same command goes on.
LOCKED := $(if $(shell command -v flock),flock --nonblock --close .snakemake.lock,) env

.PHONY: paper test check setup latex report proto clean help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

paper: setup latex ## every table and figure and paper.pdf at demo scale; ARGS="--config data=womd" and the like go on
	@$(LOCKED) $(SNAKEMAKE) --nolock $(ARGS) $$(command -v latexmk >/dev/null || echo everything_but_pdf)

test: setup ## the whole test suite
	$(BIN)/pytest

check: setup ## formatting, spelling, layers, workflow style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(SNAKEMAKE) --lint

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

latex: ## a LaTeX that can set the paper, where this may install one
	@envs/latex.sh

proto: setup ## compile the WOMD schema
	$(BIN)/python -m grpc_tools.protoc -I src --python_out=src src/simagents/scenarios/womd/scenario.proto

clean: ## remove demo results, not the environment
	rm -rf results/demo resume logs resources/synthetic
