# Everything runs in the locked environment .venv, made by uv; uv itself is bootstrapped where it is missing.
SHELL := /bin/sh
BOOTSTRAP := .bootstrap/bin/uv
UV := $(shell command -v uv 2>/dev/null || echo $(BOOTSTRAP))
RUN := $(UV) run --frozen
# Tests use this many processes: twice as many as there are processors, since many of them wait.
JOBS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
KILLS ?= 200
SOAK_MINUTES ?= 30

.PHONY: demo test lint types imports unit coverage slow systemd kills soak mutation mutation-rules approve bench cassettes codes format clean

demo: $(UV) ## drift seeded in an embedded Lago, Stripe and store: shown, repaired, shown again
	@$(RUN) --no-dev reconcile demo

test: $(UV) lint types imports unit ## all that must be green before a commit lands

lint: $(UV)
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types: $(UV)
	$(RUN) mypy

imports: $(UV) ## the layers of the design point one way
	$(RUN) lint-imports

unit: $(UV)
	$(RUN) pytest -n $(JOBS) --dist worksteal -m "not slow and not systemd" -q

coverage: $(UV) ## the same tests, and which lines none of them ran
	$(RUN) pytest -n $(JOBS) --dist worksteal -m "not slow and not systemd" --cov --cov-report=term:skip-covered -q

slow: $(UV) ## minutes: kills, soaks, full-size races
	$(RUN) pytest -m slow -q

systemd: $(UV) ## as root: a Debian under systemd-nspawn, with the units installed and at work
	$(RUN) pytest -n 0 -m systemd -q --durations=0 tests/systemd

kills: $(UV) ## as root: the daemon killed KILLS times at random moments, started again by systemd
	KILLS=$(KILLS) $(RUN) pytest -n 0 -m systemd -q -s tests/systemd/test_killed.py

soak: $(UV) ## the daemon every 5 s on 2,000 organisations for SOAK_MINUTES, while what it stands on fails and comes back
	SOAK_MINUTES=$(SOAK_MINUTES) $(RUN) pytest -n 0 -m slow -q -s tests/daemon/test_soak.py

mutation: $(UV) ## changes the store's codec and journal in every way it knows; each must be noticed by a test
	$(RUN) --group mutation mutmut run

mutation-rules: $(UV) ## the same of the rules: half an hour and more, for the night; MUTANTS names some, as 'reconciler.rules.due.*'
	$(RUN) --group mutation python mutation/mutate_rules.py $(MUTANTS)

approve: $(UV) ## what is judged in the approved worlds, written anew: see the difference before it is committed
	PYTHONPATH=tests $(RUN) python -m rules.approved_worlds

bench: $(UV) ## figures beside peers, never asserted
	$(RUN) --group bench python bench/bench_org_manager.py
	$(RUN) --group bench python bench/bench_reading.py
	$(RUN) --group bench python bench/bench_reading.py memory
	$(RUN) python bench/bench_judging.py
	$(RUN) python bench/bench_reports.py
	$(RUN) --group bench python bench/bench_ledger.py

cassettes: $(UV) ## records localstripe's answers anew for the tests of the wire layer
	PYTHONPATH=tests $(RUN) python -m billing.record_stripe_cassette

codes: $(UV) ## docs/codes.md anew, from the table of the rules
	$(RUN) python -c "from reconciler.rules.codes_page import codes_page; print(codes_page(), end='')" > docs/codes.md

format: $(UV)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

clean:
	rm -rf .venv .bootstrap .mypy_cache .ruff_cache .pytest_cache .hypothesis build mutants demo

$(BOOTSTRAP):
	python3 -m venv .bootstrap
	.bootstrap/bin/python -m pip install --quiet --disable-pip-version-check uv
