# `make run` serves, `make test` runs everything that CI runs. Both build what is missing.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run restart test faults benchmark test-vllm lock audit format clean

help:
	@echo "make run      serve http://127.0.0.1:8000 with all processes (PORT=… for another port); Ctrl-C ends them"
	@echo "make restart  new code under the running site, one process after the other; no answer breaks"
	@echo "make test     all checks and tests, as CI runs them"
	@echo "make faults   the fault machine's long form, half an hour: make faults RUNS=200 SEED=1"
	@echo "make benchmark  what the site costs in time, processor, memory and bytes: make benchmark ARGS=\"--streams 1,50\""
	@echo "make test-vllm  tests against two real vLLM servers; installs 2.5 GB into var/vllm at its first run"
	@echo "make lock     pin all packages with their hashes (UPGRADE=1: the newest that requirements.txt allows)"
	@echo "make audit    look the pinned packages up in a database of known vulnerabilities"
	@echo "make format   format the code"
	@echo "make clean    remove the virtual environment and all data of this folder"

run: .venv/run.stamp .env
	@exec $(BIN)/python -m chatsite.launch

restart: .venv/run.stamp .env
	@$(BIN)/python -m chatsite.launch.restart

test: .venv/test.stamp
	@exec $(BIN)/python -m tests.check

RUNS ?= 200
SEED ?= 1
faults: .venv/test.stamp
	@exec $(BIN)/python -m tests.faults.machine --runs $(RUNS) --seed $(SEED)

# ARGS=--help lists what can be asked for.
benchmark: .venv/run.stamp
	@exec $(BIN)/python -m chatsite.launch.benchmark $(ARGS)

# Optional: no part of `make test`. -p no:cacheprovider keeps `pytest --lf` for the tests of every day.
test-vllm: .venv/test.stamp var/vllm/venv.stamp var/vllm/model.stamp
	@exec $(BIN)/python -m pytest -v -m vllm --timeout 300 -p no:cacheprovider tests/vllm

lock: .venv/tools.stamp
	@.venv/tools/bin/python tests/check/lock.py

audit: .venv/tools.stamp
	@.venv/tools/bin/python tests/check/audit.py

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2

clean:
	rm -rf .venv var

.env: | .venv/run.stamp
	@umask 077 && $(BIN)/python -c "import pathlib, secrets; text = pathlib.Path('.env.example').read_text(); \
	text = text.replace('\nDEBUG=false\n', '\nDEBUG=true\n').replace('\nSECRET_KEY=\n', f'\nSECRET_KEY={secrets.token_urlsafe(50)}\n'); \
	pathlib.Path('.env').write_text(text)"
	@echo "Wrote .env, with a random SECRET_KEY and DEBUG=true."

# pip is what venv makes last: without it, an earlier try was cut off, and venv completes it.
.venv/bin/pip:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Throughline needs Python 3.11 or newer: make run PYTHON=/path/to/it')"
	@$(PYTHON) -m venv .venv || { echo "Python cannot make virtual environments: install its venv module (Debian: apt install python3-venv)."; exit 1; }

.venv/run.stamp: requirements.lock | .venv/bin/pip
	@echo "Installing what requirements.lock names …"
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

.venv/test.stamp: tests/check/requirements.lock requirements.lock | .venv/bin/pip
	@echo "Installing what tests/check/requirements.lock names …"
	@$(INSTALL) --require-hashes -r tests/check/requirements.lock
	@touch $@ .venv/run.stamp

.venv/tools.stamp: tests/check/tools.txt | .venv/bin/pip
	@$(PYTHON) -m venv .venv/tools
	@.venv/tools/bin/python -m pip install --quiet --disable-pip-version-check -r tests/check/tools.txt
	@touch $@

var/vllm/venv.stamp: tests/vllm/requirements.txt tests/vllm/install.py
	@mkdir -p var/vllm
	@$(PYTHON) tests/vllm/install.py var/vllm/venv
	@touch $@

var/vllm/model.stamp: tests/vllm/tiny_model.py tests/vllm/questions.py tests/vllm/chat_template.jinja streaming/demo/passages.py | var/vllm/venv.stamp
	@var/vllm/venv/bin/python -m tests.vllm.tiny_model var/vllm/model
	@touch $@
