# `make` prints the targets. Everything runs in .venv, which `make setup` makes from nothing but Python and make.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo lint format test test-all clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.installed ## make .venv with the default packages
.venv/.installed: pyproject.toml constraints.txt
	@bash .ci/install.sh "$(PYTHON)" .venv . && touch $@

setup-spark: .venv/.installed ## add what the targets session and thrift need, where there is Java 17
	@$(BIN)/python -m prevalence.engines.spark.java --java
	@bash .ci/install.sh "$(PYTHON)" .venv ".[spark]"

# the tests on Spark run where there is Java, and say that they are skipped where there is none
.venv/.installed-dev: .venv/.installed
	@if $(BIN)/python -m prevalence.engines.spark.java --java; then extras=dev,spark; else extras=dev; fi; \
		bash .ci/install.sh "$(PYTHON)" .venv ".[$$extras]" && touch $@

demo: .venv/.installed ## write the demo world, measure it, publish it, and say where to look
	@$(BIN)/prevalence demo

lint: .venv/.installed-dev ## check the style and types of the Python, the style of every model, and that it compiles for both engines
	@PREVALENCE_BIN=$(BIN) bash .ci/lint.sh

format: .venv/.installed-dev ## put the Python into the form that lint checks
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

test: .venv/.installed-dev ## lint, unit tests, data tests and whole builds
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 10

test-all: .venv/.installed-dev ## what `make test` leaves out for time, too: an hour and more, with Java and the reference data
	@PREVALENCE_TESTS=all $(MAKE) --no-print-directory test

clean: ## remove everything that a run makes
	rm -rf target logs warehouse/*
