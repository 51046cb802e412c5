# Everything runs in its own virtual environment and its own etcd cache; nothing is installed
# into the system.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
FUZZ   := .venv-fuzz
N      ?= 100
SEED   ?= 1
JOBS   ?= 2
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help demo test check test-hosts host-lab host-lab-down bench crash-trials host-trials salvage-trials kill-trials host-kill-trials fuzz fuzz-files proto lock format clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "requorum needs Python 3.11 or newer; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv --help >/dev/null 2>&1 && $(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "this Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## The main job on a real three-member cluster: break it, bring it back, count
	@$(BIN)/requorum demo

host-lab: $(READY) ## Three real hosts with systemd and sshd to practise on (as root)
	@$(BIN)/requorum lab hosts up

host-lab-down: $(READY) ## Take them down and remove them
	@$(BIN)/requorum lab hosts down --remove

check: $(READY) ## Format, lint, types, floors, pure tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/pytest -q -n $(JOBS) -m "not etcd and not slow and not processes and not hosts"

test: check ## All checks, and the tests on real etcd of every minor that can be had
	@$(BIN)/python tests/with_etcd.py $(BIN)/pytest -q -n $(JOBS) -m "(etcd or slow or processes) and not fuzz and not hosts"
	@echo 'not run: the tests on real hosts with systemd; as root: make test-hosts'

test-hosts: $(READY) ## Tests on real hosts with systemd and sshd; named as not run where they cannot
	@$(BIN)/python tests/with_etcd.py $(BIN)/pytest -q -m hosts

bench: $(READY) ## The hot paths, each beside the tool a user would take instead
	@$(BIN)/python tests/with_etcd.py $(BIN)/python -m bench

crash-trials: $(READY) ## Random load, kill, damage, recovery and count: N=100 SEED=1
	@$(BIN)/python tests/with_etcd.py $(BIN)/requorum lab trials --trials $(N) --seed $(SEED)

host-trials: N = 20
host-trials: $(READY) ## The same on real hosts, over SSH, as root: N=20 SEED=1
	@$(BIN)/python tests/with_etcd.py $(BIN)/requorum lab host-trials --trials $(N) --seed $(SEED)

salvage-trials: $(READY) ## Random damage to every database and log, salvaged and judged: N=100 SEED=1
	@$(BIN)/python tests/with_etcd.py $(BIN)/requorum lab salvage-trials --trials $(N) --seed $(SEED)

kill-trials: $(READY) ## Kill requorum at every step boundary and at random moments: N=100 SEED=1
	@$(BIN)/python tests/with_etcd.py $(BIN)/pytest -q -m "kill and not hosts" --kill-trials $(N)

host-kill-trials: $(READY) ## The same on real hosts, over SSH, as root; also connections cut
	@$(BIN)/python tests/with_etcd.py $(BIN)/pytest -q -m "kill and hosts" --kill-trials 1

fuzz-files: N = 20000
fuzz-files: $(READY) ## Damage etcd's files at random, read them, ask etcd, too: N=20000 SEED=1
	@$(BIN)/python tests/with_etcd.py $(BIN)/pytest -q -m fuzz
	@PYTHONPATH=tests/fuzz:tests/formats $(BIN)/python tests/with_etcd.py $(BIN)/python -W error \
	  tests/fuzz/fuzz_files.py --cases $(N) --seed $(SEED) --jobs $(JOBS)

fuzz: $(FUZZ)/.ready ## Fuzz every format, led by coverage, MINUTES=10 for each
	@PYTHONPATH=src:tests/fuzz nice -n 10 $(FUZZ)/bin/python tests/fuzz/fuzz_formats.py \
	  --minutes $(MINUTES) --jobs $(JOBS)

$(FUZZ)/.ready: requirements-fuzz.lock
	@echo "setting up $(FUZZ) (once); atheris has wheels for few versions of Python"
	@$(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
	  --require-hashes --requirement requirements-fuzz.lock
	@touch $@

format: $(READY) ## Format and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY) ## Choose versions anew (needs the package index)
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra dev --output-file requirements.lock pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file requirements-fuzz.lock tests/fuzz/requirements.in

proto: $(READY) ## Make the gRPC messages anew from rpc.proto
	@cd src && PATH="../$(BIN):$$PATH" ../$(BIN)/python -m grpc_tools.protoc -I . --python_out=. --mypy_out=. requorum/clients/etcd/rpc.proto

clean: ## Remove what make made here (not the etcd cache)
	@rm -rf $(VENV) $(FUZZ) .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis
