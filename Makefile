# Every target prepares what it needs: on a bare machine with Python 3.11, make and git, `make run` and `make test` work.
.DELETE_ON_ERROR:
.PHONY: help install run test lint format bench bench-editor bench-agents chaos lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PORT ?= 8000
CODE := orchestrator editor monitoring tests manage.py

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.run ## Make the virtual environment and install Baton into it.

run: export BATON_DEMO ?= 1
run: install ## Serve Baton with its demo on http://localhost:8000/ until Ctrl+C.
	@$(BIN)/baton demo
	@exec $(BIN)/baton up --port $(PORT)

test: $(VENV)/.dev ## Run every test; those that need what is not there say so and are skipped.
	$(BIN)/pytest $(ARGS)

lint: $(VENV)/.dev ## Check style, types, templates, the import order, settings and migrations.
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/djlint --check --lint --quiet templates
	$(BIN)/lint-imports
	BATON_DATA_DIR=$(VENV)/lint $(BIN)/python manage.py check --fail-level WARNING
	BATON_DATA_DIR=$(VENV)/lint $(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/.dev ## Put code and templates into their form.
	$(BIN)/ruff check --fix --quiet $(CODE)
	$(BIN)/ruff format $(CODE)
	$(BIN)/djlint --reformat --quiet templates

bench: $(VENV)/.dev ## Measure speed, latency, idle cost and growth beside the raw commits of the same database.
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-editor: $(VENV)/.dev ## Measure the editor in headless Chromium against its budgets.
	$(BIN)/python -m tests.benchmarks.editor $(ARGS)

bench-agents: $(VENV)/.dev ## Measure what a thousand waiting agents cost, and how soon work reaches them.
	$(BIN)/python -m tests.benchmarks.agents $(ARGS)

chaos: $(VENV)/.dev ## Kill, stop, starve, race and soak a whole Baton, in full length: some hours.
	$(BIN)/python -m tests.chaos $(or $(ARGS),all)

lock: $(VENV)/.dev ## Work out the exact versions of all dependencies anew from pyproject.toml.
	$(PIP) install pip-tools==7.6.2
	$(BIN)/pip-compile $(LOCK_OPTIONS) --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_OPTIONS) --extra dev --output-file requirements-dev.lock pyproject.toml

LOCK_OPTIONS := --quiet --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host

clean: ## Remove what the targets have made; the data directory stays.
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.lock pyproject.toml
	$(PIP) install -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.lock pyproject.toml
	$(PIP) install -r requirements-dev.lock
	$(PIP) install --no-deps --editable .
	@touch $@ $(VENV)/.run
