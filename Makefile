# make up · make test · make check. Everything needs Python 3.11 or newer, make, a package registry.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
PYTEST_WORKERS ?= 2
FAULT ?= test
ROUNDS ?= full

.PHONY: schemathesis up down status test fault mutants bench check format schemas requirements constraints compose-check clean help

help:
	@echo "make up      start everything; FAMILIES=150000 for a full-size synthetic regency"
	@echo "make down    stop it          make status  what runs, and where"
	@echo "make test    all tests        make check   format, lint, types, import contracts"
	@echo "make fault   every fault at its full count, an hour or more; FAULT=f5 for one"
	@echo "make mutants each guard taken out in turn: the suite must fail; MUTANTS=token- for some"
	@echo "make bench   how fast it is beside its limits; BENCH=\"family gateway\" for sections"

# The stamp is newer than the pins: the environment is made once and again when they change.
$(VENV)/.installed: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement constraints.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --editable .
	@touch $@

up: $(VENV)/.installed
	@$(RUN) -m deploy.local up

down status: $(VENV)/.installed
	@$(RUN) -m deploy.local $@

# Servers, databases and files of the tests live in one temporary folder, gone at the end.
test: $(VENV)/.installed
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT INT TERM \
	  && TMPDIR="$$tmp" $(RUN) -m pytest -n $(PYTEST_WORKERS) $(PYTEST_ARGS)

bench: $(VENV)/.installed
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT INT TERM \
	  && TMPDIR="$$tmp" $(RUN) -m tests.bench $(BENCH)

# Each guard taken out in turn, in copies of the checkout: its tests must fail. MUTANTS="seal mask".
mutants: $(VENV)/.installed
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT INT TERM \
	  && TMPDIR="$$tmp" $(RUN) -m tests.mutants --jobs $(PYTEST_WORKERS) $(MUTANTS)

# Every fault at its full count, with a line for each at the end; FAULT=f5 for one of them,
# ROUNDS=20 for fewer. What a failed run saw is kept in .betang/faults.
fault: $(VENV)/.installed
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT INT TERM \
	  && FAULT_ROUNDS=$(ROUNDS) TMPDIR="$$tmp" \
	     $(RUN) -m pytest tests/fault -k "$(FAULT)" $(PYTEST_ARGS)

check: $(VENV)/.installed
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

# EXAMPLES per operation; SEED=random tries something new each time.
EXAMPLES ?= 100
SEED ?= random
schemathesis: $(VENV)/.installed
	@tmp=$$(mktemp -d) && chmod 711 "$$tmp" && trap 'rm -rf "$$tmp"' EXIT INT TERM \
	  && TMPDIR="$$tmp" SCHEMATHESIS_EXAMPLES=$(EXAMPLES) \
	  SCHEMATHESIS_SEED=$$([ $(SEED) = random ] && date +%s || echo $(SEED)) \
	  $(RUN) -m pytest tests/e2e/test_schemathesis.py

schemas: $(VENV)/.installed
	$(RUN) -m services.contracts.generate

# All three files follow from pyproject.toml; uv is needed for this alone.
constraints:
	uv pip compile pyproject.toml --all-extras --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-annotate --quiet -o constraints.txt
	uv pip compile pyproject.toml --constraint constraints.txt --python-version 3.11 --universal \
	  --generate-hashes --no-header --no-annotate --quiet -o deploy/requirements.txt
	echo setuptools | uv pip compile - --constraint constraints.txt --python-version 3.11 \
	  --universal --generate-hashes --no-header --no-annotate --quiet \
	  -o deploy/requirements-build.txt

# Outside CI: root, Debian's debootstrap, docker.io and docker-compose; deploy/README.md says more.
compose-check: $(VENV)/.installed
	$(RUN) -m deploy.check

clean:
	rm -rf .betang .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
