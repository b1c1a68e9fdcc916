# `make` lists what there is. Everything a target needs is installed into .venv from requirements.lock.
SHELL := /bin/sh
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test check record bench lock docs clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: requirements.lock pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gemini-harness needs Python 3.11 or newer as python3"; exit 1; }
	python3 -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.installed  ## install into .venv what everything below needs

run: setup  ## play the shipped suites from their cassettes and print the tables
	@$(BIN)/gemini-harness run suites/

test: setup  ## the whole test suite, in parallel
	@$(BIN)/python -m pytest -q -n 2 tests/

check: setup  ## what CI runs: tests, the suites as tests, style, types, generated files
	@$(BIN)/python -m pytest -q -n 2 tests/
	@$(BIN)/python -m pytest -q suites/
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.generated --check

record: setup  ## record the shipped cassettes anew from the simulator
	@$(BIN)/gemini-harness run suites/ --record-mode all

bench: setup  ## measure speed beside floors taken in the same run
	@$(BIN)/python -m tests.bench

docs: setup  ## write the generated files: the sample report, the README's tables, the editor's schema
	@$(BIN)/python -m tests.generated

lock:  ## resolve the dependencies anew into requirements.lock
	@python3 -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet pip-tools
	@.venv-lock/bin/pip-compile --quiet --upgrade --all-extras --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate --no-header -o requirements.lock pyproject.toml

clean:  ## remove what was installed or generated
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .hypothesis
