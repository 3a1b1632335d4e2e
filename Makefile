.DEFAULT_GOAL := help
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SOURCES := pyproject.toml Cargo.toml Cargo.lock $(shell find rust python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' -o -name '*.json' -o -name '*.html' -o -name '*.yaml' -o -name '*.safetensors')

.PHONY: help demo test build lint notebook bench bench-quick bench-gpu all clean

RACES := $(BIN)/python -m pytest -q -c benches/pytest.ini benches

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */ - /'

demo: $(VENV)/installed  ## set up, then segment and track the lesions of a synthetic patient, and report
	$(BIN)/lesionlocator demo --output demo

test: lint  ## set up, then run every check
	cargo test --workspace --quiet
	$(BIN)/python -m pytest

build: $(VENV)/installed  ## set up: virtual environment, compiled extension, package

lint: $(VENV)/tested  ## formatters, linters, types, and the extension's stub
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check python tests benches docs
	$(BIN)/ruff check python tests benches docs
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest lesionlocator._core

bench: $(VENV)/benched  ## race everything against its peers, and write tables and plots
	cargo bench --package lesionlocator-core
	$(RACES) --threads 1 --benchmark-json=target/races-1.json
	$(RACES) --threads 2 --benchmark-json=target/races-2.json
	$(BIN)/python benches/bench_segment.py --output target/whole-run.json
	$(BIN)/python benches/report.py target/races-1.json target/races-2.json \
		--whole-run target/whole-run.json --plots docs/benchmarks
	$(BIN)/python benches/bench_start.py --output target/start.json
	$(BIN)/python benches/bench_families.py --output target/families.json
	$(BIN)/python benches/bench_track_memory.py --output target/track-memory.json
	$(BIN)/python benches/bench_classical.py --output target/classical.json

bench-quick: $(VENV)/benched  ## race small volumes with one thread; fails below 60 % of a goal
	$(RACES) --quick --hold --threads 1

bench-gpu: $(VENV)/benched  ## race whole lesions with full-size networks against the plain loop
	$(BIN)/python benches/bench_gpu.py --device cuda --output benches/results/gpu.json

all: test demo  ## everything

notebook: $(VENV)/tested  ## write and run docs/demo.ipynb
	$(BIN)/python -m pip install --quiet '.[docs]'
	$(BIN)/python docs/make_notebook.py

clean:  ## remove what was built
	rm -rf $(VENV) target demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[report]'
	touch $@

$(VENV)/tested: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/benched: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[bench]'
	touch $@ $(VENV)/tested $(VENV)/installed
