# Everything a publisher and a developer runs. 'make help' lists it.
.DEFAULT_GOAL := help
.PHONY: help setup publish simulated test check format bench up down lock wheel docker clean
ARGS ?=

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## install missing Debian packages and the pinned Python packages (part of the others)
	@scripts/setup

publish: setup ## make the products, load, publish, prove and register every resource
	@.venv/bin/vopub publish $(ARGS)

simulated: setup ## publish the simulated resources with response functions, too
	@VOPUB_RESOURCES=simulated .venv/bin/vopub publish $(ARGS)

test: ## run all tests, against servers the tests start themselves
	@scripts/setup test
	@$$(readlink -f .venv)/bin/python -m pytest -n auto --dist loadfile $(ARGS)

check: setup ## lint, types, structure
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup ## put the code into shape
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup ## measure against the peers; results belong into bench/RESULTS.md
	@.venv/bin/python -m bench $(ARGS)

up: setup ## start the site
	@.venv/bin/vopub up

down: ## stop the site
	@.venv/bin/vopub down

lock: setup ## pin the newest packages that pyproject.toml allows
	.venv/bin/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra publish --extra samples --extra hats --group dev pyproject.toml -o requirements.lock

wheel: setup ## build the wheel into dist/
	.venv/bin/hatchling build -t wheel

docker: ## build the image
	docker build -f docker/Dockerfile -t vopub .

clean: ## remove the environment and caches, not the site
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
