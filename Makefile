# The commands of the guide; `make` alone lists them. Each makes the
# environment first, once: see sitegen/environment.py.
# Keep to what GNU make 3.81 understands: macOS has no newer one.

PYTHON ?=
PORT ?= 8000
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
UPGRADE ?=

# Dates in the site are the commit's, so that it can be built again alike.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
endif
export SOURCE_DATE_EPOCH
# Byte code written next to a watched file makes `serve` build again.
export PYTHONDONTWRITEBYTECODE := 1
export NO_MKDOCS_2_WARNING := 1
# The same sums in the same order, whatever instructions the processor has.
export TF_ENABLE_ONEDNN_OPTS := 0
export TF_CPP_MIN_LOG_LEVEL := 3

# What makes the environment and what runs in it.
SCRIPT := -I sitegen/environment.py
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help serve site check test atlas calibration backends bench lock \
  clean environment port browser
.NOTPARALLEL:

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' \
	  Makefile

serve: port environment ## show the guide and reload it as you edit [PORT=8001]
	$(PY) -m mkdocs serve -a 127.0.0.1:$(PORT)

site: environment ## build the guide into site/, strictly
	CI=true $(PY) -m mkdocs build --strict

check: environment ## the quick checks: style, types, workflows
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	.venv/bin/zizmor --offline .github/workflows
	@if command -v actionlint >/dev/null 2>&1; then actionlint; \
	else echo "actionlint is not installed: skipped (CI runs it)"; fi

test: check site browser ## everything: the checks, the build, all tests
	$(PY) -m pytest -n $(WORKERS)

atlas: environment ## run what the atlas lacks: hours [SCHEDULER=tcp://…]
	$(PY) -m studies.atlas $(if $(SCHEDULER),--scheduler $(SCHEDULER))

calibration: environment ## diagnose the atlas's networks: half an hour
	$(PY) -m studies.calibration

backends: environment ## fetch JAX and PyTorch, to test diagnose on them
	$(PY) -m uv pip install --quiet --target .cache/backends \
	  --index-strategy unsafe-best-match \
	  -r requirements-backends.txt

bench: environment ## measure the budgets: build, reload, page weight
	$(PY) bench.py

lock: environment ## requirements.in to requirements.txt [UPGRADE=1]
	$(PY) -m uv pip compile --universal --generate-hashes \
	  --fork-strategy fewest --python-version 3.11 --no-annotate \
	  --no-header $(if $(UPGRADE),--upgrade) --quiet \
	  -o requirements.txt requirements.in

clean: ## forget the built site and everything measured and drawn
	rm -rf site .cache

# The steps before the others. PYTHON=python3.12 asks for just that one.
find_python = python=; \
  for name in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 \
    python3.11); do \
    if "$$name" -I -S -c "" 2>/dev/null; then python=$$name; break; fi; \
  done; \
  if [ -z "$$python" ]; then \
    echo "$(if $(PYTHON),$(PYTHON) does not run,There is no Python) here:" \
      "install 3.11, 3.12 or 3.13 (Debian, Ubuntu: sudo apt install" \
      "python3-venv; macOS: brew install python@3.12)." >&2; exit 1; \
  fi; "$$python"

environment:
	@$(find_python) $(SCRIPT) setup $(if $(PYTHON),--this-python)

port:
	@$(find_python) $(SCRIPT) port "$(PORT)"

browser: environment
	@$(PY) $(SCRIPT) browser
