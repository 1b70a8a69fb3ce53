# Two commands matter: `make run` and `make test`. Both install what they need first; only Python 3.11 is required.

PYTHON ?= python3
ifndef PG
PG := $(or $(FAIRLEAD_PG),18)
endif
BIN = .venv/bin
export FAIRLEAD_PG := $(PG)

.DEFAULT_GOAL := help
.PHONY: help setup vendor run test lint bench fuzz faults pictures clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-18s%s\n' "$$name" "$$text"; done

setup: ## install packages and browser libraries; starts nothing
	@$(PYTHON) deploy/local/bootstrap.py
	@$(BIN)/python deploy/local/vendor.py

run: setup ## start everything at http://localhost:8000 (HOST, PORT, PG=16)
	@exec $(BIN)/python deploy/local/run.py

test: setup lint ## check style, types and layers, then run every test (PG=16 for the older PostgreSQL)
	$(BIN)/pytest -n 3 --dist worksteal -m "not faults and not fuzz"

lint: setup ## check style, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measure the figures of docs/performance.md (long)
	$(BIN)/python -m benchmarks

fuzz: setup ## look for crashes with generated input, many examples (long)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n 2 -m fuzz

faults: setup ## kill processes, take servers away, put on load (long)
	$(BIN)/pytest -m faults

pictures: setup ## take the README's pictures of the main pages
	$(BIN)/python -m tests.support.pictures

clean: ## stop the servers; delete what was installed and all local data
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m app.embedded stop; fi
	rm -rf .venv node_modules var .stamps app/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
