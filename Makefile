# Footfall's commands. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SWIFT ?= swift
# Extra arguments: of `footfall serve` for `make run`, of Benchmarks/run for `make bench`, of `swift test` for the rest.
ARGS ?=

SWIFT_SOURCES := Package.swift $(wildcard Sources Tests Benchmarks)
BINARY := .build/release/footfall
# With Swift's own libraries inside, the program runs where there is no Swift, and calls them a few per cent faster.
RELEASE := -c release --static-swift-stdlib
LOAD := .build/load

# End-to-end tests start the program itself. The debug build of the tests makes it as well, so that is what they get
# unless told otherwise: a release build next to it would double the time of a first `make test`.
TEST_BINARY ?= $(CURDIR)/.build/debug/footfall

FAULT_ROUNDS ?= 100
FUZZ_INPUTS ?= 10000000
EXAMPLES ?= 100

.PHONY: help run build test contract bench load-tools faults fuzz sanitize sanitize-address sanitize-thread format lint clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: build ## set up what is missing, build, start on http://127.0.0.1:8080 with data in ./data (ARGS= for more)
	@exec $(BINARY) serve $(ARGS)

build: ## set up what is missing, release build: .build/release/footfall
	@scripts/setup
	@$(SWIFT) build $(RELEASE) --product footfall

test: ## set up what is missing, every test
	@scripts/setup test
	@$(SWIFT) build --build-tests
	@FOOTFALL_BINARY="$(TEST_BINARY)" $(SWIFT) test --skip-build --disable-xctest $(ARGS)
	@# A machine that is short of everything may answer 503 for a moment; what fails twice is wrong.
	@$(if $(ARGS),true,scripts/contract "$(TEST_BINARY)" 8 || scripts/contract "$(TEST_BINARY)" 8)

contract: ## schemathesis against a running server, from its OpenAPI document: the long form (EXAMPLES=100)
	@scripts/setup test
	@$(SWIFT) build --product footfall
	@scripts/contract "$(TEST_BINARY)" $(EXAMPLES)

bench: build load-tools ## the benchmarks: a table, and JSON lines in bench-out/results.jsonl (ARGS="--quick --only singles")
	@scripts/setup bench
	@if grep -q 'name: "footfall-bench"' Package.swift; then $(SWIFT) build $(RELEASE) --product footfall-bench; fi
	@python3 Benchmarks/run $(ARGS)

load-tools: $(patsubst Benchmarks/load/%.c,$(LOAD)/%,$(wildcard Benchmarks/load/*.c)) ## the benchmarks' own C programs

$(LOAD)/%: Benchmarks/load/%.c
	@mkdir -p $(LOAD)
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -o $@ $< $(if $(findstring sqlite,$*),-lsqlite3) -pthread -lm

faults: ## kill, fill the disk, tear files: the long form (FAULT_ROUNDS=100)
	@scripts/setup test
	@$(SWIFT) build --build-tests
	@$(SWIFT) test list --skip-build 2>/dev/null | grep -c Fault >/dev/null || { echo "no test is called Fault…" >&2; exit 1; }
	@FOOTFALL_BINARY="$(TEST_BINARY)" FOOTFALL_FAULT_ROUNDS=$(FAULT_ROUNDS) \
		$(SWIFT) test --skip-build --disable-xctest --filter Fault $(ARGS)

fuzz: ## generated input into the decoder and the validator: the long form (FUZZ_INPUTS=10000000)
	@scripts/setup test
	@$(SWIFT) build --build-tests
	@$(SWIFT) test list --skip-build 2>/dev/null | grep -c Fuzz >/dev/null || { echo "no test is called Fuzz…" >&2; exit 1; }
	@FOOTFALL_BINARY="$(TEST_BINARY)" FOOTFALL_FUZZ_INPUTS=$(FUZZ_INPUTS) \
		$(SWIFT) test --skip-build --disable-xctest --filter Fuzz $(ARGS)

sanitize: sanitize-address sanitize-thread ## the tests under AddressSanitizer, then under ThreadSanitizer

# Address space randomisation is off because ThreadSanitizer's shadow memory does not fit every layout of newer kernels.
# scripts/tsan-mutex.c says what is loaded before the rest for it, and why.
sanitize-address sanitize-thread: sanitize-%:
	@scripts/setup test
	@$(SWIFT) build --build-tests --sanitize=$* --scratch-path .build/sanitize-$*
	@if [ $* = thread ]; then \
		"$$(dirname "$$(readlink -f "$$(command -v $(SWIFT))")")/clang" -std=c11 -O2 -Wall -Wextra -Werror -shared -fPIC \
			-o .build/sanitize-thread/mutex.so scripts/tsan-mutex.c -ldl; \
		export LD_PRELOAD="$(CURDIR)/.build/sanitize-thread/mutex.so"; \
	fi; \
	FOOTFALL_TEST_SLOWNESS=5 FOOTFALL_BINARY="$(CURDIR)/.build/sanitize-$*/debug/footfall" $$(setarch -R true 2>/dev/null && echo setarch -R) \
		$(SWIFT) test --skip-build --disable-xctest --sanitize=$* --scratch-path .build/sanitize-$* $(ARGS)

format: ## lay out the Swift sources as .swift-format says
	@$(SWIFT) format --in-place --recursive --parallel $(SWIFT_SOURCES)

lint: ## check the layout and style of the Swift sources
	@$(SWIFT) format lint --strict --recursive --parallel $(SWIFT_SOURCES)

clean: ## remove what was built, measured and installed into this folder (never ./data)
	@rm -rf .build .venv .venv-measures bench-out
