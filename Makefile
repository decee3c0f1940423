# The commands of the guide; `make` alone lists them. Each makes the
# environment first, once: see setup.sh.
# Keep to what GNU make 3.81 understands: macOS has no newer one.

PYTHON ?=
PORT ?= 8000
SLUG ?=
SETTING ?=
UPGRADE ?=
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# Dates in the site are the commit's, so that it can be built again alike.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
endif
export SOURCE_DATE_EPOCH
# Byte code written next to a watched file makes `serve` build again.
export PYTHONDONTWRITEBYTECODE := 1
export NO_MKDOCS_2_WARNING := 1
# What a shell may set for another project's Python, or its pytest.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS \
  PYTEST_ADDOPTS PYTEST_PLUGINS

PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help serve site test chapter check format bench lock weekly atlas \
  calibration backends clean environment
.NOTPARALLEL:

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' \
	  Makefile

serve: environment ## show the guide and reload it as you edit [PORT=8001]
	@$(PY) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' \
	  2>/dev/null || { echo "Port $(PORT) is taken, or not allowed:" \
	  "name another one, as in make serve PORT=8123" >&2; exit 1; }
	$(PY) -m mkdocs serve -a 127.0.0.1:$(PORT)

site: environment ## build the guide into site/, strictly
	CI=true $(PY) -m mkdocs build --strict

test: check site ## everything: the checks, the build, all tests
	$(PY) -m tests.browser.chromium
	$(PY) -m pytest -n $(WORKERS)

chapter: environment ## build and test one chapter: SLUG=saturation
	@test -f "docs/chapters/$(SLUG).md" || { echo "Which chapter? make" \
	  "chapter SLUG=$$(ls docs/chapters | sed -n 's/\.md$$//p' | tr '\n' '|')" \
	  >&2; exit 1; }
	$(PY) -m sitegen build
	$(PY) -m pytest docs/chapters/$(SLUG).md snippets/$(SLUG) \
	  tests/claims/test_$(SLUG).py tests/pages -k $(SLUG)

check: environment ## the quick checks: style, types, workflows
	@failed=; run() { echo "$$*"; "$$@" || failed="$$failed $$*;"; }; \
	run $(PY) -m ruff check; \
	run $(PY) -m ruff format --check; \
	run $(PY) -m mypy; \
	run .venv/bin/zizmor --offline --quiet .github/workflows; \
	if command -v actionlint >/dev/null 2>&1; then run actionlint; \
	else echo "actionlint is not installed: skipped (CI runs it)"; fi; \
	test -z "$$failed" || { echo "Failed:$$failed" >&2; exit 1; }

format: environment ## bring the code into its one form
	$(PY) -m ruff check --fix-only
	$(PY) -m ruff format

bench: environment ## measure the budgets: build, reload, page weight
	$(PY) bench.py

lock: environment ## requirements.in to requirements.txt [UPGRADE=1]
	$(PY) -m uv pip compile --universal --generate-hashes \
	  --fork-strategy fewest --python-version 3.11 --no-annotate \
	  --no-header $(if $(UPGRADE),--upgrade) --quiet \
	  -o requirements.txt requirements.in

weekly: environment ## make test in six settings, in fresh clones [SETTING=fonts]
	$(PY) -m tests.settings $(SETTING)

atlas: environment ## run what the atlas lacks: hours [SCHEDULER=tcp://…]
	$(PY) -m studies.atlas $(if $(SCHEDULER),--scheduler $(SCHEDULER))

calibration: environment ## diagnose the atlas's networks: half an hour
	$(PY) -m studies.calibration

backends: environment ## fetch JAX and PyTorch, to test diagnose on them
	$(PY) -m uv pip install --quiet --target .cache/backends \
	  --index-strategy unsafe-best-match \
	  -r requirements-backends.txt
	for v in 3.3.3 3.6.0 3.9.2 3.12.4 3.14.1; do \
	  $(PY) -m uv pip install --quiet --no-deps \
	    --target .cache/backends/keras-$$v keras==$$v || exit 1; done

clean: ## forget the built site and everything measured and drawn
	rm -rf site .cache

# Another Python than the one that is found first: PYTHON=python3.12
environment:
	@sh setup.sh "$(PYTHON)"
