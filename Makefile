.DEFAULT_GOAL := help
.PHONY: help demo serve test check format schema soak bench up down clean

BIN := .venv/bin
# Extra arguments for the command behind the target: make demo ARGS=--exit
ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## from nothing to tickets in PostGIS on this machine (ARGS=--exit stops after the summary)
	@sh .ci/prepare python
	@sh .ci/prepare database
	@sh .ci/prepare web
	@$(BIN)/fleettickets demo $(ARGS)

serve: ## the HTTP API and the web app on this machine (ARGS='--port 8081')
	@sh .ci/prepare python
	@sh .ci/prepare database
	@sh .ci/prepare web
	@$(BIN)/fleettickets serve $(ARGS)

test: ## run the tests against a real database and a real S3 server (ARGS='-k ledger' picks some)
	@sh .ci/prepare python
	@sh .ci/prepare database
	@sh .ci/prepare web
	@sh .ci/prepare browser
	@sh .ci/prepare gdal
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent test
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 $(ARGS)

check: ## format, lint, types, layers and known vulnerabilities; changes nothing
	@sh .ci/prepare python
	@sh .ci/prepare web
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python tests/audit.py
	cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check

format: ## format the code and fix what a machine can fix
	@sh .ci/prepare python
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: ## write tests/schema.sql, the committed dump that shows what a migration changes
	@sh .ci/prepare python
	@sh .ci/prepare database
	$(BIN)/python tests/schema_dump.py

soak: ## break everything at once for ten minutes and show that nothing is lost (ARGS='--minutes 60')
	@sh .ci/prepare python
	@sh .ci/prepare database
	@$(BIN)/python tests/faults/soak/run.py $(ARGS)

bench: ## measure the engine beside a plain COPY and upsert (ARGS=--serving: the HTTP API beside tipg)
	@sh .ci/prepare python
	@sh .ci/prepare database
	$(BIN)/python bench/run.py $(ARGS)

up: ## start the private PostgreSQL and S3 servers of this folder
	@sh .ci/prepare python
	@sh .ci/prepare database
	@$(BIN)/fleettickets up

down: ## stop them; their data stays
	@sh .ci/prepare python
	@$(BIN)/fleettickets down

clean: ## stop the private servers and remove what make made: .venv, .fleettickets, caches
	@if [ -x $(BIN)/fleettickets ]; then $(BIN)/fleettickets down --remove; fi
	rm -rf .venv .fleettickets web/node_modules fleettickets/web_assets .make .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
