# `make` lists what there is. Everything a target needs is installed into .venv from requirements.lock.
SHELL := /bin/sh
PYTHON := python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test clients editors faults mutations attack nightly clock tree check record bench lock docs site clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gemini-harness needs Python 3.11 or newer as python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.installed  ## install into .venv what everything below needs

run: setup  ## play the shipped suites from their cassettes and print the tables
	@$(BIN)/gemini-harness run suites/

test: setup  ## the whole test suite, in parallel
	@$(BIN)/python -m pytest -q -n 3 tests/

test-3.%:  # the same on another Python: make test-3.13
	@$(MAKE) test PYTHON=python3.$* VENV=.venv-3.$*

.venv-%/.installed: requirements-%.lock
	python3 -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-$*.lock
	@touch $@

clients: setup .venv-clients/.installed .venv-clients-genai2/.installed  ## unmodified clients (google-genai, openai, langchain, ...) against the simulator
	@$(BIN)/python -m tests.clients

.venv-editors/.installed:
	npm install --silent --no-audit --no-fund --prefix .venv-editors yaml-language-server@1.25.0
	@touch $@

.venv-ray/.installed: requirements.lock requirements-ray.lock
	python3 -m venv .venv-ray
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-ray.lock
	.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

ray: setup .venv-ray/.installed  ## `run --ray` on a real local Ray, in an environment that has it
	@.venv-ray/bin/python -m pytest -q tests/run/test_ray.py "tests/test_guides.py::test_a_guide_may_be_followed[many-machines]"

editors: setup .venv-editors/.installed  ## the schema for editors in a real yaml-language-server (needs npm)
	@$(BIN)/python -m pytest -q tests/suite/test_language_server.py

faults: setup  ## every fault of the simulator, and which shipped trials see it: a table
	@$(BIN)/python -m tests.faults

mutations: setup  ## faults put into real answers, and which the rules notice: a table
	@$(BIN)/python -m tests.mutations --show

attack: setup .venv-ray/.installed  ## kills, full disks, mutated files and canary keys: lost, twice, leaked, internal errors (minutes; not in CI)
	@.venv-ray/bin/python -m tests.attack

nightly: setup .venv-peers/.installed  ## long simulations: how often verdicts are wrong, and how often they see what is there
	@HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -q -n 2 -m "nightly or not nightly" tests/
	@$(BIN)/python -m tests.simulated
	@$(BIN)/python -m tests.how_sure

.venv-peers/.installed:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .venv-peers noisecheck==0.1.1 evalsig==0.1.2
	@touch .venv-peers/.installed

.venv-clock/.installed:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .venv-clock time-machine==3.6.0
	@rm -r .venv-clock/*.dist-info  # it names a plugin of pytest, which is not wanted
	@touch $@

DAYS = 2026-12-05 2027-06-01
SHIFTED = PYTHONPATH=$(CURDIR)/.venv-clock:$(CURDIR)/tests/clock
clock: setup .venv-clock/.installed .venv-clients/.installed .venv-clients-genai2/.installed  ## tests, clients, faults and attacks on later days, by time-machine: nothing may change with the calendar (an hour; not in CI)
	@for day in $(DAYS); do echo "$$day"; export CLOCK=$$day $(SHIFTED); \
	  $(BIN)/python -m pytest -q -n 2 tests/ \
	    --deselect tests/cli/test_main.py::test_version_imports_nothing_heavy \
	    --deselect tests/cli/test_main.py::test_a_replay_imports_no_client_no_vcr_no_event_loop \
	  && $(BIN)/python -m tests.clients && $(BIN)/python -m tests.faults && $(BIN)/python -m tests.attack || exit 1; done

tree: setup  ## the packages of harness/, what each is for, and which others it imports
	@$(BIN)/python -m tests.architecture

check: setup clients ray site  ## what CI runs: tests, real clients, Ray, the suites as tests, style, types, generated files, the site
	@$(BIN)/python -m pytest -q -n 3 tests/
	@$(BIN)/python -m pytest -q suites/
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.generated --check

record: setup  ## record the shipped cassettes again, from the simulator
	@$(BIN)/gemini-harness run suites/ --record-mode all
	@cd harness/cli/starter && ../../../$(BIN)/gemini-harness run --record-mode all --reports ../../../reports

bench: setup .venv-ray/.installed  ## measure speed beside floors taken in the same run; PEERS=1: and beside other tools, installed apart
	@$(BIN)/python -m tests.bench $(if $(PEERS),--peers)
	@.venv-ray/bin/python -m tests.bench workers

docs: setup  ## write the generated files: the sample report, the README's tables, the editor's schema
	@$(BIN)/python -m tests.generated

PAGES = README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE docs suites reports
site: .venv-docs/.installed  ## the documentation as a site in site/, with every link checked
	@rm -rf .venv-docs/pages site && mkdir .venv-docs/pages
	@git ls-files -co --exclude-standard $(PAGES) | tar -c -T - | tar -x -C .venv-docs/pages
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	@! grep -rE '(src|<link [^>]*href)="(https?:)?//' site --include='*.html' || { echo "a page fetches from others"; exit 1; }
	@echo "open site/index.html"

COMPILE := .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate --no-header
GROUP = .venv-lock/bin/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]], sep="\n")'
RAY = .venv-lock/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["ray"])'

lock:  ## resolve the dependencies into requirements.lock, and those of the clients, of Ray and of the site into their own
	@python3 -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet pip-tools
	@$(COMPILE) --extra dev --extra stats --extra xdist -o requirements.lock pyproject.toml
	@for group in clients clients-genai2 docs; do \
	  $(GROUP) $$group | $(COMPILE) -c requirements.lock -o requirements-$$group.lock - || exit 1; done
	@$(RAY) | $(COMPILE) -c requirements.lock -o requirements-ray.lock -

clean:  ## remove what was installed or generated
	rm -rf .venv .venv-* site .mypy_cache .pytest_cache .ruff_cache .hypothesis
