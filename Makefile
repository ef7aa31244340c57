# On a fresh machine run `make paper` or `make test`. Both install what is missing.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SNAKEMAKE := PATH="$(CURDIR)/$(BIN):$$PATH" snakemake
# Snakemake's lock remains after kill -9, the kernel's does not. With the latter, the same command resumes.
LOCKED := $(if $(shell command -v flock),flock --nonblock --close .snakemake.lock,) env

# The official evaluator cannot share an environment with a current torch, and needs this Python.
PARITY := .venv-parity
PYTHON311 ?= python3.11

.PHONY: paper test slurm-test check docs parity setup latex browser report proto clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

paper: setup latex ## build every table, every figure and paper.pdf at demo scale; ARGS="--config data=womd" passes options to Snakemake
	@$(LOCKED) $(SNAKEMAKE) --nolock $(ARGS) $$(command -v latexmk >/dev/null || echo everything_but_pdf)

test: setup browser ## run the whole test suite
	$(BIN)/pytest

slurm-test: setup ## test the workflow on a private SLURM, with crashes; takes a quarter of an hour and needs root
	@envs/slurm.sh
	$(BIN)/pytest -n 0 --durations=0 tests/slurm

check: setup ## check formatting, spelling, layers, workflow style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(SNAKEMAKE) --lint

docs: setup ## build the documentation in docs/_build/html, without network; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html

parity: setup $(PARITY)/.ready ## compare the official evaluator with ours, 12 minutes; ARGS="--scenes odd far" chooses scenes
	@PYTHONPATH=tests $(BIN)/python -m parity --python $(PARITY)/bin/python $(ARGS)

report: setup latex ## write results/demo/report.html, one page for a browser: tables, figures, films, workflow
	@case "$(ARGS)" in *scale=*|*data=*) echo "make: this is the report of scale demo; docs/tutorials/first_run.md has" \
	  "the commands for another." >&2; exit 2;; esac
	@$(LOCKED) $(SNAKEMAKE) --nolock $(ARGS) gallery
	@$(SNAKEMAKE) --report results/demo/report.html --report-stylesheet workflow/report/page.css $(ARGS) gallery
	@$(BIN)/simagents legible-report results/demo/report.html

setup: $(READY)

# Install again only if the pinned versions change.
$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "make: python3 -m venv failed; install Python 3.11 or later with its venv module." >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: Python 3.11 or later is needed; name it with PYTHON=…" >&2; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[slurm,dev,docs]'
	@touch $@

$(PARITY)/.ready: envs/parity.txt
	@test -x $(PARITY)/bin/python || $(PYTHON311) -m venv $(PARITY) || { \
	  echo "make: the official evaluator needs Python 3.11; name it with PYTHON311=…" >&2; \
	  rm -rf $(PARITY); exit 1; }
	$(PARITY)/bin/python -m pip install -q --disable-pip-version-check --no-deps -r envs/parity.txt
	@touch $@

latex: ## install LaTeX for the paper, if root and apt are available
	@envs/latex.sh

browser: ## install the browser in which tests look at pages, if root and apt are available
	@envs/browser.sh

proto: setup ## compile the schemas of scenarios and submissions
	$(BIN)/python -m grpc_tools.protoc -I src --python_out=src \
	  src/simagents/scenarios/womd/scenario.proto src/simagents/submission/submission.proto

clean: ## remove demo results, saves of all unfinished runs, logs, synthetic scenarios, built documentation
	rm -rf results/demo resume logs resources/synthetic docs/_build docs/_generated docs/api/modules docs/pages
