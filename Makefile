# Everything here works in a fresh clone: the environment is made on first use, in .venv, and nowhere else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
ADDRESS ?= 127.0.0.1
export MLFLOW_DISABLE_TELEMETRY := true

# Tests make thousands of stores, in memory where there is plenty.
test test-quick: export TMPDIR := $(shell $(PYTHON) tests/in_memory.py)

.PHONY: run serve test test-quick lint format docs bench demo-remove lock screenshots clean help

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

run: $(VENV)/.installed ## the portal with its demo organisation, on http://127.0.0.1:8501
	@PORTAL_DEMO=1 $(BIN)/python -m core serve --port $(PORT) --address $(ADDRESS)

serve: $(VENV)/.installed ## the portal without the demo
	@$(BIN)/python -m core serve --port $(PORT) --address $(ADDRESS)

test: $(VENV)/.tested ## every test, on both databases, with browser tests where there is a Chromium
	@$(BIN)/python -m tests.browser.found
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser"
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m browser  # apart: the browser's driver keeps an event loop running

test-quick: $(VENV)/.tested ## the tests to run while working: no browser, no trained models, SQLite only
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser and not slow" -k "not postgresql"

lint: $(VENV)/.tested ## style, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/.tested ## put the code into shape
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: $(VENV)/.tested ## the README's tables of settings, commands, permissions, events … made anew from the code
	@$(BIN)/python -m tests.readme

bench: $(VENV)/.tested ## the benchmarks, as ratios to floors measured in the same run
	@$(BIN)/python -m tests.bench

screenshots: $(VENV)/.tested ## pictures of every page, for a look and for the README
	@$(BIN)/python -m tests.browser.screenshots

demo-remove: $(VENV)/.installed ## remove the demo organisation
	@$(BIN)/python -m core demo remove

lock: $(VENV)/.installed ## pin every package anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --group test -c requirements.txt -o tests/requirements.txt

clean: ## remove the environment; data stay
	rm -rf $(VENV)

$(BIN)/uv:
	@echo "Setting up the environment in $(VENV) (once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The portal needs Python 3.11 or newer; set PYTHON=python3.12, say.")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8

$(VENV)/.installed: requirements.txt | $(BIN)/uv
	@echo "Installing the portal's packages …"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.tested: tests/requirements.txt $(VENV)/.installed
	@echo "Installing the tools of the tests …"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet -r tests/requirements.txt
	@touch $@
