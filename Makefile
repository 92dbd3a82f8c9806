# Every target runs what it depends on. A fresh machine needs Python 3.11 or later, and make.
#
#   make demo           set up, migrate, publish, ingest, settle, invoice, verify, serve
#   make demo SERVE=0   the same, and exit instead of serving
#   make test           set up and run the tests (PostgreSQL and a browser included), a process a core
#   make test-oracles   compare the dispatch with PyPSA, which is installed for it
#   make campaign       a hundred thousand random operations on the ledger, a million events of markets, writers that race
#   make campaign SEED=… the operations of that seed again
#   make properties     every property on all its examples, of which `make test` draws a third
#   make fuzz           20,000 odd arguments, files, addresses and forms, and 4,000 mutations of evidence; SEED=7 for others
#   make check          lint, format, types, import contracts, schema drift, audit, fast tests: under a minute once types are cached
#   make audit          known vulnerabilities of what is locked; says so where their database cannot be had
#   make bench          every speed figure as a ratio against a yardstick of the same run
#   make serve          the portal on the database as it is
#   make lock           renew the locked, hash-checked dependencies (needs uv)

PYTHON ?= python3
SERVE  ?= 1
DATA   ?=
PORT   ?= 8000
ARGS   ?=
JOBS   ?= logical
SEED   ?=
OPERATIONS ?= 100000
INPUTS ?= 20000
MUTATIONS ?= 2000

bin     := .venv/bin
# To compile every module takes a third of an installation; Python compiles those that are imported, once.
pip     := $(bin)/python -m pip --disable-pip-version-check --quiet install --no-compile --no-deps --require-hashes
# Most of it is downloads, which pip makes one after the other: the lock, which names every package, in four parts at once.
install  = mkdir -p .venv/parts && rm -f .venv/parts/* \
  && awk '/^[^ \#]/ { part = ++count % 4 } part != "" { print > (".venv/parts/" part) }' $(1) \
  && ls .venv/parts/* | xargs -n 1 -P 4 $(pip) -r
manage  := $(bin)/python manage.py

# A file is one process's, or a whole folder, for what its tests share (tests/slow.py); in the order of tests/conftest.py.
spread  := -n $(JOBS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

# Where this is set, every process compiles every module again, and collecting the tests takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup setup-dev demo test test-oracles campaign properties fuzz check audit bench serve lock browser clean
.DEFAULT_GOAL := demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tallystick needs Python 3.11 or later; set PYTHON=/path/to/it"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.txt | .venv/bin/python
	@echo "Installing the locked dependencies into .venv (about a minute on a fresh machine)"
	@$(call install,requirements.txt)
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/runtime.stamp
	@echo "Installing the test tools into .venv"
	@$(call install,requirements-dev.txt)
	@touch $@

.venv/oracles.stamp: requirements-oracles.txt .venv/dev.stamp
	@echo "Installing the independent judges into .venv"
	@$(call install,requirements-oracles.txt)
	@touch $@

setup: .venv/runtime.stamp

setup-dev: .venv/dev.stamp

demo: setup
	@$(manage) demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve) \
	  $(if $(DATA),--data $(DATA)) $(ARGS)

serve: setup
	@$(manage) serve --port $(PORT) $(ARGS)

test: setup-dev browser
	@$(bin)/python -m pytest $(spread) --durations=40 --durations-min=2 $(ARGS)

test-oracles: .venv/oracles.stamp
	@$(bin)/python -m pytest -m oracle tests/oracles $(ARGS)

campaign: setup-dev
	@seed=$(or $(SEED),$$($(bin)/python -c 'import secrets; print(secrets.randbits(64))')); \
	  echo "The same once more: make campaign SEED=$$seed OPERATIONS=$(OPERATIONS)"; \
	  TALLYSTICK_SEED=$$seed TALLYSTICK_OPERATIONS=$(OPERATIONS) TALLYSTICK_SECONDS=60 \
	  $(bin)/python -m pytest -rP -n $(JOBS) --maxprocesses 8 tests/campaign $(ARGS)

properties: setup-dev
	@TALLYSTICK_EXAMPLES=100 $(bin)/python -m pytest -m property $(spread) $(ARGS)

fuzz: setup-dev
	@TALLYSTICK_INPUTS=$(INPUTS) TALLYSTICK_MUTATIONS=$(MUTATIONS) TALLYSTICK_SEED=$(SEED) \
	  $(bin)/python -m pytest -rP tests/portal/test_fuzz.py \
	  tests/attacks/test_evidence.py tests/attacks/test_participant_evidence.py $(ARGS)

check: setup-dev
	@$(bin)/ruff check .
	@$(bin)/ruff format --check --quiet .
	@$(bin)/lint-imports
	@$(bin)/mypy
	@$(manage) schema check
	@$(bin)/python -m tests.dependency_audit
	@$(bin)/python -m pytest -q -m fast $(spread) $(ARGS)

audit: setup-dev
	@$(bin)/python -m tests.dependency_audit

bench: setup-dev
	@$(bin)/python -m benchmarks $(ARGS)

# The browser tests drive a real Chromium. As root it is installed; otherwise one line says how.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || command -v google-chrome >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	       && echo "Installing Chromium for the browser tests" \
	       && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || echo "Browser tests will be skipped: install Chromium (Debian: apt-get install chromium)"

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q \
	  pyproject.toml -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q \
	  pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header -q \
	  pyproject.toml --group oracles -c requirements-dev.txt -o requirements-oracles.txt

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis
