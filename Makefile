# Everything that a contributor runs; `make` lists it. The first use sets up .venv, and so does the first one
# after pyproject.toml has changed. Python 3.11 or newer, git and make are all that has to be there.

.DEFAULT_GOAL := help
.NOTPARALLEL:

# The Python that .venv is made with: make test PYTHON=python3.12
PYTHON ?=

# Where your shell points to is left alone: tests and demo bring a Redis and a cluster of their own.
unexport REDIS_URL REDIS_URL_FILE KUBECONFIG HOST PORT
unexport DISPATCHER_CONFIG DISPATCHER_API_TOKENS DISPATCHER_API_TOKENS_FILE DISPATCHER_INSTANCE
unexport DISPATCHER_TRUSTED_PROXIES DISPATCHER_PROXY_HEADER
unexport DISPATCHER_FAILURES_PER_ADDRESS DISPATCHER_FAILURES_PER_HOOK
unexport DISPATCHER_CONNECTIONS DISPATCHER_CONNECTIONS_PER_ADDRESS
unexport DISPATCHER_SUBSCRIBERS DISPATCHER_SUBSCRIBERS_PER_TOKEN
unexport DISPATCHER_SESSION DISPATCHER_USER_HEADER DISPATCHER_USER_ROLES
unexport DISPATCHER_KUBE_CONTEXT DISPATCHER_QUEUE DISPATCHER_LEASE DISPATCHER_HEARTBEAT_FILE
unexport DISPATCHER_METRICS_HOST DISPATCHER_METRICS_PORT DISPATCHER_METRICS_FROM DISPATCHER_METRICS_TARGETS
unexport DISPATCHER_LOG_FORMAT DISPATCHER_LOG_LEVEL

# Python starts hundreds of times in a run of the tests, and would compile the code anew each time.
unexport PYTHONDONTWRITEBYTECODE

# Processes that tests run in: three for each processor, from 4 to 8, since many tests wait. Each has a Redis of its own.
processors = $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
TEST_PROCESSES ?= $(shell n=$$(( 3 * $(processors) )); test $$n -ge 4 || n=4; test $$n -le 8 || n=8; echo $$n)
distributed := -n $(TEST_PROCESSES) --dist loadgroup --no-loadscope-reorder

run := .venv/bin/python -m

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1|/p' Makefile | awk -F '|' '{ printf "%-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: .venv/has-local ## real pushes become real deploys on this machine, each claim is checked; needs nothing else
	@.venv/bin/git-dispatcher demo

.PHONY: up
up: .venv/has-local ## all parts on this machine, to try out with your own repositories
	@.venv/bin/git-dispatcher up

.PHONY: test
test: .venv/has-test ## all tests
	@$(run) pytest -q $(distributed)

TIMES ?= 20

.PHONY: test-long
test-long: .venv/has-test ## all tests, with many times as many random examples: make test-long TIMES=100 ONLY=tests/model
	@$(run) pytest -q $(distributed) --more-examples $(TIMES) $(ONLY)

SEED ?= 20
MINUTES ?= 5

.PHONY: crash
crash: .venv/has-test ## kills and pauses processes at random while pushes arrive: make crash SEED=1 MINUTES=15
	@$(run) pytest -q -s tests/crash -k acknowledged --seed $(SEED) --minutes $(MINUTES)

# For each of what is fuzzed: seconds, or inputs
RUNS ?=
SECONDS ?= $(if $(RUNS),0,20)

.PHONY: fuzz
fuzz: .venv/has-fuzz ## a fuzzer on every parser and on the endpoints: make fuzz SECONDS=60 ONLY="github endpoint"
	@nice $(run) tests.fuzz --seconds $(SECONDS) --runs $(or $(RUNS),-1) $(ONLY)

.PHONY: lint
lint: .venv/has-dev ## formatting, ruff, mypy --strict
	@$(run) ruff format --check --quiet .
	@$(run) ruff check --quiet .
	@$(run) mypy

.PHONY: format
format: .venv/has-dev ## formats the code and mends what ruff can mend
	@$(run) ruff check --quiet --fix .
	@$(run) ruff format --quiet .

# One environment; what has been installed into it is kept in marks. A larger set contains the smaller ones.

.venv/has-local: .venv/made pyproject.toml
	$(call install,local)
	@touch $@

.venv/has-test: .venv/made pyproject.toml
	$(call install,test)
	@touch .venv/has-local $@

.venv/has-dev: .venv/made pyproject.toml
	$(call install,dev)
	@touch .venv/has-local .venv/has-test $@

.venv/has-fuzz: .venv/made pyproject.toml
	$(call install,fuzz)
	@touch .venv/has-local .venv/has-test $@

define install
@echo "installing git-dispatcher[$(1)] into .venv" >&2
@$(run) pip install --quiet --disable-pip-version-check --editable '.[$(1)]'
endef

# A checkout that was moved or copied gets an environment of its own, and so does another PYTHON.
here := $(shell pwd -P)
ifneq "$(here)" "$(shell cat .venv/made 2>/dev/null)"
.PHONY: .venv/made
endif
ifneq "$(PYTHON)" ""
which := -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null
named := $(shell "$(PYTHON)" $(which))
ifneq "$(named)" "$(shell .venv/bin/python $(which))"
.PHONY: .venv/made
endif
endif

fits := import sys; sys.exit(sys.version_info < (3, 11))

.venv/made:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	    if "$$python" -c '$(fits)' 2>/dev/null; then \
	        rm -rf .venv; \
	        "$$python" -m venv .venv || { rm -rf .venv; exit 1; }; \
	        pwd -P > $@; \
	        exit 0; \
	    fi; \
	done; \
	echo "No Python 3.11 or newer among: $(or $(PYTHON),python3.13 python3.12 python3.11 python3)." >&2; \
	echo "Name one: make PYTHON=/path/to/python3.12" >&2; \
	exit 1
