.DEFAULT_GOAL := help
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SOURCES := pyproject.toml Cargo.toml Cargo.lock $(shell find rust python -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' -o -name '*.json' -o -name '*.safetensors')

.PHONY: help demo test build lint bench all clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */ - /'

demo: $(VENV)/installed  ## set up, then segment the lesions of a synthetic whole-body scan
	$(BIN)/lesionlocator demo --output demo

test: lint  ## set up, then run every check
	cargo test --workspace --quiet
	$(BIN)/python -m pytest

build: $(VENV)/installed  ## set up: virtual environment, compiled extension, package

lint: $(VENV)/tested  ## formatters, linters, types, and the extension's stub
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check python tests benches
	$(BIN)/ruff check python tests benches
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest lesionlocator._core

bench: $(VENV)/tested  ## race the kernels against their peers
	cargo bench --package lesionlocator-core
	$(BIN)/python benches/bench_kernels.py
	$(BIN)/python benches/bench_segment.py

all: test demo  ## everything

clean:  ## remove what was built
	rm -rf $(VENV) target demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	touch $@

$(VENV)/tested: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[test]'
	touch $@ $(VENV)/installed
