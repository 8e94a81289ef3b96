# Every target sets up what is missing first: Python 3.11 or later, make and git are all that must be there.
#
#   make demo     the whole way of a record on a local network, step by step
#   make serve    gateway and portal on this machine
#   make test     the test suite                     T=tests/unit/test_x.py or T='-k word' for a part
#   make check    formats, lints, types, directions of imports, that the shipped artifact is what the contracts give, and
#                 that every grave finding of static analysis is explained
#   make bench    throughput and latency
#   make brownie  contracts in Brownie: compile, tests, deployment, gas profile
#   make dev      set everything up, Brownie included
#   make format   format Python and Solidity
#   make compile  contracts -> ledger/artifacts      make lock    resolve the locks anew      make clean    remove all that is made

PYTHON ?= python3
BIN := .venv/bin
TOOLS := build/bin
T ?=
SOLIDITY := 'contracts/**/*.sol'

export PATH := $(CURDIR)/$(BIN):$(CURDIR)/$(TOOLS):$(PATH)
export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help setup setup-brownie dev demo serve test check bench brownie format compile lock clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

setup:
	@$(PYTHON) scripts/setup.py

setup-brownie:
	@$(PYTHON) scripts/setup.py --brownie

dev: setup-brownie
	@echo "Ready: . .venv/bin/activate"

demo: setup
	@$(BIN)/python -m scripts.demo

serve: setup
	@$(BIN)/consent-ledger serve

test: setup
	@$(BIN)/python -m pytest $(T)

bench: setup
	@$(BIN)/python -m scripts.bench

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(TOOLS)/prettier --check $(SOLIDITY)
	$(TOOLS)/solhint --disc --noPoster --max-warnings 0 $(SOLIDITY)
	$(BIN)/python -m scripts.compile --check
	$(BIN)/python -m scripts.analyze
	.ci/hygiene

brownie: setup-brownie
	@mkdir -p build/reports
	$(PYTHON) scripts/run_brownie.py compile
	$(PYTHON) scripts/run_brownie.py run deploy
	$(PYTHON) scripts/run_brownie.py test --gas

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(TOOLS)/prettier --write $(SOLIDITY)

compile: setup
	$(BIN)/python -m scripts.compile

lock: setup
	$(BIN)/uv lock
	$(BIN)/uv lock --project tests/brownie
	npm install --ignore-scripts --package-lock-only

clean:
	rm -rf .venv .venv-brownie node_modules build dist
