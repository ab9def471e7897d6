# Everything made lies in .local (ignored by git), beside the shared caches of pip and Go.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
LOCAL := $(CURDIR)/.local
VENV := $(LOCAL)/venv
RUN := $(VENV)/bin/python
PRODUCT ?= ledger
PYTEST_ARGS ?=
WORKERS ?= 3

export PYTHONPYCACHEPREFIX := $(LOCAL)/pycache
# Container images often forbid compiled files beside sources; here they lie in .local, and halve what every run takes.
unexport PYTHONDONTWRITEBYTECODE
export HYPOTHESIS_STORAGE_DIRECTORY := $(LOCAL)/cache/hypothesis
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up down clean test check schema product import build retry access script-check preview policies pack audit affected check-products deploy bench clock deployment-roles status environment layer sandbox engine

help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: environment layer sandbox engine ## From nothing to an image in its target accounts, on a local cloud (PRODUCT=ledger)
	@$(RUN) -m local.up --product $(PRODUCT)

down: ## Stop what `make up` started; state and caches stay
	@if [ -x $(RUN) ]; then $(RUN) -m local.down; else echo "nothing is running"; fi

clean: down ## Remove everything that was made here
	@rm -rf $(LOCAL)

test: environment layer sandbox engine ## Run the whole suite, as continuous integration does
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/basedpyright
	@rm -rf "$(LOCAL)/pycache$${TMPDIR:-/tmp}" # compiled for copies that an earlier run made
	@$(RUN) -m pytest --numprocesses=$(WORKERS) $(PYTEST_ARGS)

check: environment layer sandbox ## Lint, types and unit tests: the part of the suite that deploys nothing
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/basedpyright
	@$(RUN) -m pytest --numprocesses=$(WORKERS) -m "not stack" $(PYTEST_ARGS)

schema: environment ## Write the JSON Schemas that editors check stack files with
	@$(RUN) -m commands.schema

product: environment layer sandbox engine ## Write a new product's file and preview it (NAME=journal; FACTS="--help" lists more)
	@$(RUN) -m local.product $(if $(NAME),--name $(NAME)) $(FACTS)

import: environment ## Write a product's file from a configuration of AWS's golden AMI sample (CONFIG=config.json PRODUCT=journal)
	@[ -n "$(CONFIG)" ] || { echo "state what to import: make import CONFIG=path/config.json PRODUCT=name"; exit 1; }
	@$(RUN) -m commands.import_configuration --config "$(CONFIG)" \
		--product "$(if $(filter file,$(origin PRODUCT)),,$(PRODUCT))" $(if $(DEFAULTS),--defaults "$(DEFAULTS)") \
		$(if $(ACCOUNTS),--accounts "$(ACCOUNTS)") $(if $(TOPIC_KEY),--topic-key "$(TOPIC_KEY)")

build: environment ## Start a product's build by hand and follow it (PRODUCT=ledger)
	@$(RUN) -m local.run product-engineer commands.build --product $(PRODUCT)

retry: environment ## Repeat the failed distribution of a product's last build, without building (PRODUCT=ledger)
	@$(RUN) -m local.run product-engineer commands.build --product $(PRODUCT) --retry

script-check: environment ## Check a script, or a folder of them, before it is uploaded (PRODUCT=ledger SCRIPT=path)
	@$(RUN) -m commands.script_check --product $(PRODUCT) --script $(or $(SCRIPT),examples/$(PRODUCT))

access: environment ## Tell who may launch a product's image, and what is missing (PRODUCT=ledger; ACCESS="--live --format html")
	@$(if $(findstring --live,$(ACCESS)),$(RUN) -m local.run platform-engineer commands.access,$(RUN) -m commands.access) \
		--product $(PRODUCT) $(ACCESS)

preview: environment layer engine ## Preview a product's stack on the local cloud (PRODUCT=ledger)
	@$(RUN) -m local.preview --product $(PRODUCT)

policies: environment ## List the policy pack's rules, what they answer, and what is waived
	@$(RUN) -m commands.policies $(POLICIES)

pack: environment ## Write the policy pack as a folder of its own, for other projects and for `pulumi policy publish`
	@$(RUN) -m commands.pack $${OUTPUT:+--output "$$OUTPUT"}

audit: environment ## Judge what is deployed on the local cloud by the policy pack (PRODUCT=ledger)
	@$(RUN) -m local.audit --product $(PRODUCT)

# What a person or a pipeline states reaches the shell by the environment, where it is no command.
affected: environment ## Print the stacks that a change can affect, in the order of deployment (BASE=origin/main)
	@$(RUN) -m commands.affected $${BASE:+--base "$$BASE"}

check-products: environment layer engine ## Preview and judge every stack that a change can affect (BASE=origin/main CHECK=--live)
	@$(RUN) -m local.check.products $${BASE:+--base "$$BASE"} $(CHECK)

deploy: environment layer ## Deploy a stack with the policy pack, by the environment's credentials and backend (STACK=ledger)
	@[ -n "$$STACK" ] || { echo "state what to deploy: make deploy STACK=ledger"; exit 1; }
	@pulumi up --stack "$$STACK" --policy-pack policies --yes --non-interactive

bench: environment layer engine ## Measure previews as accounts grow, without and with the policy pack (BENCH=--write)
	@$(RUN) -m local.bench $(BENCH)

clock: environment ## Let time pass in the local cloud, so that schedules fire (FORWARD=1d)
	@$(RUN) -m local.clock --forward $(or $(FORWARD),1d)

deployment-roles: environment ## Print what each account's deployment role must be on AWS
	@$(RUN) -m commands.deployment_roles

status: environment ## Tell what runs here and which images there are
	@$(RUN) -m local.status

# Stamped with a hash of the requirements, so that a second run costs milliseconds. What it says is no output of the
# targets that need it.
environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=python3.12 …"; exit 1; }
	@wanted=$$(cat requirements.txt requirements-local.txt pyproject.toml | cksum); \
	if [ "$$(cat $(VENV)/requirements.cksum 2>/dev/null)" != "$$wanted" ]; then \
		exec 1>&2; \
		echo "… Virtual environment: installing what requirements.txt and requirements-local.txt pin"; \
		$(PYTHON) -m venv $(VENV) || { echo "install Python's venv module (apt-get install python3-venv)"; exit 1; }; \
		$(RUN) -m pip install -r requirements.txt -r requirements-local.txt 2>&1 | awk ' \
			/^Collecting / && n++ % 10 == 0 {print "  package " n ": " $$2; fflush()} \
			/^Installing / {print "  installing " n " packages"; fflush()} \
			/ERROR|error:/ {print}' && \
		$(RUN) -m pip install --quiet --no-build-isolation --no-deps --editable . && \
		echo "$$wanted" > $(VENV)/requirements.cksum; \
	fi

layer: environment ## Install what the functions import, for `pulumi up`
	@$(RUN) -m commands.function_layer

sandbox:
	@if ! command -v bwrap >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "… bubblewrap: installing it from the system's packages"; \
			apt-get update -qq && apt-get install --yes -qq --no-install-recommends bubblewrap; \
		else \
			echo "bubblewrap is needed to run scripts of a build: sudo apt-get install bubblewrap"; exit 1; \
		fi; \
	fi

engine: environment
	@$(RUN) -m local.engine.install
