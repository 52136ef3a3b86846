# Jialing: two commands do it all. `make demo` shows the product, `make test` proves it.
.PHONY: help demo test test-rust test-clients test-web screens bench load simulate mutants fuzz fuzz-api crash fmt lint openapi

CARGO ?= cargo
# nextest runs tests in parallel processes; without it cargo's own runner does.
RUNNER := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo "nextest run --no-fail-fast" || echo "test --no-fail-fast")

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## Build and start a seeded city with moving traffic; prints where to look
	@scripts/setup demo
	@scripts/web
	@echo "demo: building (the first time takes some minutes)"
	@$(CARGO) build --release --quiet --package jialing-cli
	@exec target/release/jialing demo $(ARGS)

test: ## Formatting, lints and every test, on SQLite and on a private PostgreSQL
	@scripts/setup test
	@scripts/web
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	@$(MAKE) --no-print-directory test-rust test-clients test-web

test-rust: ## The Rust tests alone
	scripts/with-postgres $(CARGO) $(RUNNER) --workspace

test-clients: ## The clients in TypeScript, Python and Java: the vectors, and one story against a running platform
	@scripts/setup test
	@scripts/web
	cd sdk/typescript && npm test --silent
	cd web && npm test --silent
	python3 -m unittest discover --quiet --start-directory sdk/python/tests
	sdk/java/build
	for test in VectorsTest MerchantTest; do java -cp sdk/java/out/classes:sdk/java/out/tests io.jialing.$$test || exit 1; done
	@$(CARGO) build --quiet --workspace --bins
	JIALING=target/debug/jialing node --test --test-reporter=dot tests/clients/

test-web: ## The browser's tests
	@scripts/setup test
	@scripts/web
	@$(CARGO) build --quiet --workspace --bins
	cd tests/browser && npm ci --no-audit --no-fund --silent && JIALING=../../target/debug/jialing npm test --silent
	cd tests/webhooks && npm ci --no-audit --no-fund --silent && JIALING=../../target/debug/jialing npm test --silent

screens: ## Every screen of the wallet in each look, into tests/browser/screens/wallet
	@scripts/setup test
	@scripts/web
	@$(CARGO) build --quiet --workspace --bins
	cd tests/browser && npm ci --no-audit --no-fund --silent && JIALING=../../target/debug/jialing node wallet-screens.mjs

bench: ## Figures of the ledger and of payments, with their settings
	@$(CARGO) build --release --quiet --package jialing-cli
	scripts/bench

load: ## A full payout batch, and a thousand endpoints of which half hang: how long they take
	JIALING_LOAD=1 scripts/with-postgres $(CARGO) test --release --package jialing-platform --test it -- --nocapture --test-threads 1 large_batch endpoints_that_hang

simulate: ## Long seeded runs: the ledger against its oracle, the engine against faults
	scripts/simulate $(ARGS)

mutants: ## Defects put in on purpose: the simulator's list, and cargo-mutants on the ledger
	scripts/mutants $(ARGS)

fuzz-api: ## The API against its own description, with schemathesis from PyPI
	@$(CARGO) build --quiet --workspace --bins
	scripts/fuzz-api $(ARGS)

fuzz: ## Every decoder on random bytes, with cargo-fuzz and a nightly compiler
	scripts/fuzz $(ARGS)

crash: ## 100 rounds of kill -9 under load through the public API
	@$(CARGO) build --release --quiet --package jialing-cli
	target/release/jialing crash $(ARGS)

fmt: ## Format everything
	$(CARGO) fmt --all

lint: ## Lints, warnings refused
	$(CARGO) clippy --workspace --all-targets -- -D warnings

openapi: ## Write docs/openapi.json anew from the handlers
	UPDATE=1 $(CARGO) test --quiet --workspace --test it openapi
