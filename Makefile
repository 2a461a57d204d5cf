# Two commands on a fresh machine: `make demo` and `make test`. Everything lives in .venv and .demo.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONUNBUFFERED := 1

ROOM := github actions server

.PHONY: demo install test check loop room format slow docs clean

demo: $(VENV)/.installed ## one whole cycle on real text; YES=1 answers its gates with approve
	@$(BIN)/python examples/sentiment/demo.py .demo $(if $(filter 1 yes true,$(YES)),--yes)

install: $(VENV)/.installed ## .venv with everything that running and testing need

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Ratchet needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Installing into $(VENV): two to five minutes, 2.5 GB."
	@$(PYTHON) -m venv $(VENV) || { echo "error: no virtual environment could be made: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo]'
	@touch $@

test: install ## all that CI runs; makes the environment if need be
	@$(MAKE) --no-print-directory check

check: ## the same without set-up
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/core tests/reviewers tests/github/test_protocol.py --cov --cov-branch --cov-report=
	$(BIN)/coverage report --fail-under=100 --show-missing --skip-covered
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target loop room

loop: ## the loop and its steps; beside `room`, since each waits a good deal
	$(BIN)/pytest $(addprefix --ignore=tests/,core reviewers $(ROOM))

room: ## GitHub, the actions, the server
	$(BIN)/pytest $(addprefix tests/,$(ROOM))

slow: install ## the long proofs: 10,000 crash stories, the demo itself, a real stream month by month
	$(BIN)/pytest --slow $(addprefix --ignore=tests/,$(ROOM))
	$(BIN)/pytest --slow $(addprefix tests/,$(ROOM))

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: ## what is drawn from the code: docs/machine.md from EDGES, docs/comments.md from what is shown
	$(BIN)/python -m orchestrator.diagram docs/machine.md
	PYTHONPATH=. $(BIN)/python tests/reviewers/comments_page.py docs

clean: ## forget the demo
	rm -rf .demo
