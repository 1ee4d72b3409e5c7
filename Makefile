# Everything runs from a fresh checkout with only Python 3.11+ and make: the first use of any target
# makes the virtual environment and installs the locked dependencies, later uses find the stamp.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-from-lock
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-kafka faults lint format lock clean venv

help:           ## list the targets
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(STAMP)  ## run everything on embedded servers; ARGS="--seconds 60"
	@$(BIN)/kpi demo $(ARGS)

# Two files at a time, for most tests wait for servers; ARGS="-n 0" has one after the other.
test: $(STAMP)  ## run the test-suite; ARGS="-k window"
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# Java 17 and Maven are needed: pom.xml names the jars. The first run fetches them (50 MB).
test-kafka: $(STAMP) ## run what needs a broker on Apache Kafka, with the short fault cases
	@$(BIN)/python -m pytest -m "kafka and not long" $(ARGS)

# The same on the embedded broker, as far as it goes (a broker in memory does not survive a restart):
#   make faults FAULTS="not kafka" REPORT=/dev/null
FAULTS ?= kafka
REPORT ?= docs/faults.md
faults: $(STAMP) ## break everything under live traffic, 20 minutes; writes docs/faults.md
	@$(BIN)/python -m pytest -v -m "faults and $(FAULTS)" tests/faults \
		--faults-report $(REPORT) $(ARGS)

lint: $(STAMP)  ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)  ## rewrite to the checked style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

venv: $(STAMP)  ## only set up

lock:           ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
		--all-extras --upgrade pyproject.toml --output-file requirements.lock

clean:          ## remove the virtual environment and caches
	rm -rf $(VENV) target .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "kpi: Python 3.11 or newer is needed (set PYTHON=...)" >&2; exit 2; }
	@echo "setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet -r requirements.lock
	@$(PIP) install --quiet --no-deps -e .
	@touch $@
