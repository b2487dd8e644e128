# Every target makes .venv first where it is missing or out of date: docs/building.md.
PYTHON ?= $(or $(realpath .venv/bin/python),python3)
HAND_ACTION := .venv/bin/hand-action

.DEFAULT_GOAL := help
.PHONY: help setup models demo test lint bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16
	@echo '  PYTHON=python3.11 chooses the Python (3.10 to 3.12); a sourced ROS 2 is used instead of wheels'

setup:  ## make .venv: pinned packages and the built interfaces
	@command -v $(PYTHON) >/dev/null || { echo 'missing: $(PYTHON)'; \
	  echo 'install with: sudo apt install python3 python3-venv python3-dev'; exit 1; }
	@$(PYTHON) tools/setup_venv.py

models: setup
	@$(HAND_ACTION) models fetch

demo: models  ## find hands and gestures in real videos, write demo_out/
	@$(HAND_ACTION) demo

lint: setup  ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/mypy

# The report's tests want a Chromium: that of the variable CHROMIUM, else on PATH; else they are
# skipped (Debian: sudo apt install chromium). In two processes, each file in one of them: most
# tests wait for other processes, and one after the other takes half as long again.
test: models lint  ## lint, then all tests
	@$(HAND_ACTION) models fetch five_hands walking_man
	@.venv/bin/python tools/build_cuda_stand_in.py
	@.venv/bin/python -m pytest -n 2 --dist loadfile

bench: models  ## compare with MediaPipe's own hand tracking, write bench_out/
	@.venv/bin/python benchmarks/bench.py

clean:  ## remove what make made
	rm -rf .venv .bench-venv demo_out bench_out build install log
