# The two commands a newcomer needs: make run, make test.
PYTHON ?= python3
TOOLS = $(PYTHON) -m tools

# Settings are given on the command line (make run PORT=8070) or in the environment;
# tools/settings.py lists them.

.PHONY: help setup run stop clean test test-fast test-pythons test-core test-with
.PHONY: test-all
.PHONY: bench profile audit map lint i18n

help: ## This list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup: ## Get Odoo, PostgreSQL and a template database (run and test do it too)
	@$(TOOLS) setup

run: ## The demo in the browser
	@$(TOOLS) run

stop: ## Stop whatever runs
	@$(TOOLS) stop

clean: ## Stop, and remove everything that these commands made
	@$(TOOLS) clean

test: ## All suites; ARGS=psa_invoicing/tests/test_billing.py: a part of ours
	@$(TOOLS) test $(ARGS)

test-fast: ## An install and a part of the tests, some minutes
	@$(TOOLS) test-fast

test-pythons: ## The same on every Python that is here
	@$(TOOLS) test-pythons

test-core: ## Odoo's own suites with the add-on installed (ARGS="sale portal": these)
	@$(TOOLS) test-core $(ARGS)

test-with: ## A billing life beside other modules (MODULES=sale_stock,pos_sale)
	@$(TOOLS) test-with

test-all: ## All of them, on the oldest and the newest PostgreSQL, and every Python
	@$(TOOLS) test-all

bench: ## What billing costs beside its peers (ARGS=--projects=1000)
	@$(TOOLS) bench $(ARGS)

profile: ## Where the time of a draft invoice goes (ARGS as of bench)
	@$(TOOLS) profile $(ARGS)

audit: ## Check the ledger of a database, changing nothing (DB=name)
	@$(TOOLS) audit

map: ## The rooms of the code, into docs/rooms.svg
	@$(PYTHON) -m tests.house

lint: ## Formatting and style (ARGS=--fix mends what can be mended)
	@$(TOOLS) lint $(ARGS)

i18n: ## Strings of the add-ons into the translations
	@$(TOOLS) i18n
