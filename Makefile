# What a machine needs: Python 3.11 or newer, pip, make. `make run` and `make test` do everything else themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
DATA ?= data
QUICK ?=
BASE ?=
ARGS ?=

.PHONY: run install test lint fmt bench peers clean

run: $(VENV)/.installed ## serve on http://127.0.0.1:$(PORT), data in $(DATA)
	@exec $(BIN)/roster serve --port '$(PORT)' --data '$(DATA)' $(ARGS)

install: $(VENV)/.installed ## the program alone

test: $(VENV)/.installed-dev ## all tests; ARGS="-k name" for some
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## form, rules, types, import contracts, our own checks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@PYTHONPATH=. $(BIN)/lint-imports
	@$(BIN)/python -m checks.rules
	@$(BIN)/python -m checks.sizes

fmt: $(VENV)/.installed-dev ## put the source into form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev ## measure against the bars; QUICK=1 in under two minutes
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(BASE),--base '$(BASE)') $(ARGS)

peers: $(VENV)/.installed-dev ## measure other products beside Roster; needs Java and Maven, or Go; QUICK=1 for some minutes
	@$(BIN)/python -m bench.peers $(if $(QUICK),--quick) $(ARGS)

clean: ## remove the environment; data stays
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Roster needs Python 3.11 or newer; name one: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	    $(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --quiet pip; } # no ensurepip: Debian

# Versions are pinned in pyproject.toml, those of their own dependencies in constraints.txt.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing into $(VENV), which is done once and takes about a minute ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo 'Installing into $(VENV) what development needs, which is done once ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/.installed $@
