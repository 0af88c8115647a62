# `make run` and `make test` install what they need; VENV= names another virtual environment.

VENV ?= .venv
STATE ?= $(CURDIR)/.run/demo
PYTEST_ARGS ?= -n 2 --dist loadfile
PYTHON_HERE := $(VENV)/bin/python

# Compilers and package managers need a home; a service user may have none.
export HOME := $(or $(HOME),$(CURDIR)/.cache/home)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-slow lint types wheel bench base docs clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

run: $(VENV)/.r3-run  ## install r3 and run the main job on a throw-away local network
	@scripts/demo.sh $(VENV)/bin/r3 $(STATE)

test: $(VENV)/.r3-dev  ## the tests without the slow ones
	$(PYTHON_HERE) -m pytest $(PYTEST_ARGS)

test-slow: $(VENV)/.r3-dev  ## the slow tests only
	$(PYTHON_HERE) -m pytest -m slow

lint: $(VENV)/.r3-dev  ## ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.r3-dev  ## mypy, strict
	$(VENV)/bin/mypy

wheel: $(VENV)/.r3-dev  ## build the wheel and run the tests against it with the checkout hidden
	scripts/wheel_check.sh $(PYTHON_HERE) $(PYTEST_ARGS)

bench: $(VENV)/.r3-dev  ## the figures
	$(PYTHON_HERE) -m tests.benchmarks

base: $(VENV)/.r3-dev  ## train the base model that ships with r3 anew (docs/base.md)
	scripts/base_corpus.sh $(PYTHON_HERE) .cache/base/corpus.txt
	$(PYTHON_HERE) -m r3cli.train.pretrain --corpus .cache/base/corpus.txt --out r3cli/train/assets/nano.r3base

docs: $(VENV)/.r3-dev  ## write completions, schemas and the command reference anew
	$(PYTHON_HERE) -m commands.generate

clean:  ## remove what was built, not the virtual environment, not the demo's state
	rm -rf build dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.r3-run: pyproject.toml constraints.txt scripts/install.sh
	@scripts/install.sh $(VENV) run
	@touch $@

$(VENV)/.r3-dev: pyproject.toml constraints.txt scripts/install.sh
	@scripts/install.sh $(VENV) dev
	@touch $@ $(VENV)/.r3-run
