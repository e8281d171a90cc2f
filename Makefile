# Everything a newcomer or a CI job types. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Options for the command of a target: make run ARGS="--limit 4", make test ARGS="-k codes".
ARGS ?=
TEST_WORKERS ?= 2

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Environment ------------------------------------------------------------------------------------------------
# A Python without ensurepip (Debian without python3-venv) makes an empty environment; its own pip then fills it.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "vtbench needs Python >= 3.10: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  rm -rf $(VENV); \
	  $(PYTHON) -m venv --without-pip $(VENV); \
	  $(PYTHON) -m pip --disable-pip-version-check --python $(VENV)/bin/python install pip; }

# torch and torchvision are resolved in one call and unpinned: builds that do not belong together break at import.
# A stamp is newer than pyproject.toml exactly when its dependencies are installed.
$(VENV)/.base: pyproject.toml zoo/pyproject.toml | $(BIN)/python
	$(PIP) install --editable . --editable ./zoo torch torchvision
	@touch $@

$(VENV)/.dev: pyproject.toml zoo/pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[dev]' --editable ./zoo torch torchvision
	@touch $@ $(VENV)/.base

.PHONY: install
install: $(VENV)/.dev  ## Make .venv and install vtbench with its development tools

# --- Use --------------------------------------------------------------------------------------------------------
.PHONY: run
run: $(VENV)/.base  ## Install what is needed, run the embedded suite and the best of the zoo (ARGS="…": that vtbench run alone)
	$(BIN)/vtbench run $(ARGS)
	$(if $(ARGS),,$(BIN)/vtbench run --suite zoo-mini)

# --- Checks -----------------------------------------------------------------------------------------------------
# Files stay in order: whole commands come first, and no worker is left alone with them at the end.
.PHONY: test
test: lint types imports fetch assets-all ocr browser  ## Lint, types, import layers, then every test
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: attack
attack: $(VENV)/.dev fetch  ## The attacks at full length: kills, full disks, flipped bits, hostile files (make test: shortened)
	VTBENCH_ATTACK=long OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest tests/attack -n $(TEST_WORKERS) --dist loadfile -rA $(ARGS)

.PHONY: fetch
fetch: $(VENV)/.dev  ## Fetch the weights that the embedded suite and the tests use
	$(BIN)/vtbench fetch --suite mini

# Weights of tests that no suite needs. Without them those tests are skipped, with a message.
LARGE_ASSETS := i3d_kinetics400 hed_bsds_retrained nanodet_g_416 movenet_lightning

.PHONY: assets-all
assets-all: $(VENV)/.dev fetch  ## Fetch the large weights too, where they can be had: I3D of FVD (47 MB), HED edges (55 MB), NanoDet and MoveNet (145 MB)
	@for name in $(LARGE_ASSETS); do \
	  $(BIN)/vtbench fetch $$name >/dev/null || echo "tests with $$name are skipped" >&2; done

# Debian's packages, for the multilingual tasks and their tests. Without them those are skipped, with a message.
OCR_PACKAGES := tesseract-ocr tesseract-ocr-chi-sim tesseract-ocr-jpn tesseract-ocr-kor tesseract-ocr-hin \
  fonts-noto-core fonts-noto-cjk fontconfig libfribidi0

.PHONY: ocr
ocr:  ## Tesseract, its languages and the Noto fonts, where apt may install them
	@if dpkg -s $(OCR_PACKAGES) >/dev/null 2>&1; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends $(OCR_PACKAGES); } >/dev/null \
	    || echo "multilingual tasks are skipped: apt-get install $(OCR_PACKAGES) failed" >&2; \
	else echo "multilingual tasks are skipped without: sudo apt-get install $(OCR_PACKAGES)" >&2; fi

# Debian's packages, for the tests of the report in a browser. Without them those are skipped, with a message.
BROWSER_PACKAGES := chromium chromium-driver

.PHONY: browser
browser:  ## Headless Chromium, where apt may install it
	@if dpkg -s $(BROWSER_PACKAGES) >/dev/null 2>&1; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends $(BROWSER_PACKAGES); } >/dev/null \
	    || echo "browser tests are skipped: apt-get install $(BROWSER_PACKAGES) failed" >&2; \
	else echo "browser tests are skipped without: sudo apt-get install $(BROWSER_PACKAGES)" >&2; fi

.PHONY: lint
lint: $(VENV)/.dev  ## Style: ruff check and ruff format --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: format
format: $(VENV)/.dev  ## Rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.dev  ## Types: mypy --strict
	$(BIN)/mypy --strict vtbench

.PHONY: imports
imports: $(VENV)/.dev  ## Layers: import-linter
	$(BIN)/lint-imports

.PHONY: leaderboard
leaderboard: $(VENV)/.dev  ## Build the leaderboards from their records, and check them
	$(BIN)/vtbench leaderboard build
	$(BIN)/vtbench leaderboard check

.PHONY: docs
docs: $(VENV)/.dev  ## Build docs/ and the leaderboards as a site in site/, links checked, offline
	$(BIN)/mkdocs build --strict
	@echo "site/index.html; with its search: $(BIN)/python -m http.server -d site"

# Fits are another command: python -m vtbench.zoo.fit NAME, then python -m vtbench.zoo.publish --from DIR.
.PHONY: zoo
zoo: $(VENV)/.dev  ## Measure the reference zoo on CIFAR-10 (IMAGES=DIR), and write its rows and page
	$(BIN)/python -m vtbench.zoo.measure --images "$(IMAGES)" --out "$(or $(OUT),build/zoo)" $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev  ## Speed and memory against peers: every benchmarks/bench_*.py
	@for script in benchmarks/bench_*.py; do $(BIN)/python "$$script" $(ARGS); done

# --- Release ----------------------------------------------------------------------------------------------------
.PHONY: build
build: $(VENV)/.dev  ## Build the sdist and the wheel into dist/, and those of vtbench-zoo
	$(BIN)/python -m build
	$(BIN)/python -m build zoo --outdir dist

.PHONY: clean
clean:  ## Remove build products and tool caches; runs, weights and .venv stay
	rm -rf build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find vtbench tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
