.DEFAULT_GOAL := help

include tests/engine/toolchain/toolchain.mk
include tests/official/official.mk
include benches/bench.mk
include fuzz/fuzz.mk

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | tail -n 1)
PLUGIN := target/release/pulumi-resource-aws
STEPS := $(TOOL_LOGS)/steps

# The provider that the conformance suite is to judge; this plugin unless one is named.
PROVIDER_GIVEN := $(PROVIDER)
PROVIDER ?= $(PLUGIN)

include platforms/platforms.mk

.PHONY: help build demo parts-of-demo run-demo stand-in test parts-of-tests run-tests test-fast test-engine conformance tools-conformance \
	test-conformance lint lint-dependencies fmt deny clean

# Runs two targets, of which the first builds and installs what stays, and says what a second run will cost.
define in_two_parts
@begun=$$(date +%s) && $(MAKE) --no-print-directory $(1) && built=$$(date +%s) && \
	$(MAKE) --no-print-directory $(2) && $(TOOLCHAIN)/took.sh $$begun $$built
endef

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the plugin for release: target/release/pulumi-resource-aws
	@echo "==> Building the plugin (some minutes the first time)"
	@cargo build --release --locked

demo: ## Bring up examples/yaml against a stand-in for Amazon ECR, without an AWS account
	$(call in_two_parts,parts-of-demo,run-demo)

parts-of-demo: build stand-in $(if $(shell command -v pulumi),,tools-demo)

run-demo:
	@examples/demo.sh

stand-in:
	@echo "==> Building the stand-in for Amazon ECR"
	@cargo build --locked --package ecr-stand-in

test: ## Run all the tests; installs what they need into .tools/
	$(call in_two_parts,parts-of-tests,run-tests)

parts-of-tests: lint build stand-in $(TOOLS)/moto/.installed tools-official tools-conformance tools-engine
	@echo "==> Building the tests"
	@cargo test --workspace --locked --lib --bins --test plugin --test official --test engine --no-run

run-tests: test-fast test-official test-conformance test-engine

# Tests that take Linux: its /proc, its limits, its programs or /dev/full.
NOT_HERE := $(if $(filter Linux,$(shell uname -s)),,$(shell cat tests/plugin/of_linux.txt))

test-fast: $(TOOLS)/moto/.installed ## Run the tests that need no engine
	@echo "==> Testing the plugin as a process"
	@$(if $(NOT_HERE),echo "SKIPPED here: what takes Linux: $(NOT_HERE)" >&2)
	@cargo test --workspace --locked --lib --bins
	@cargo test --workspace --locked --test plugin -- --test-threads 8 $(addprefix --skip ,$(NOT_HERE)) # most of them wait

test-engine: tools-engine build stand-in ## Run the tests on the real engine with the real SDKs
	@echo "==> Testing on the real engine"
	@mkdir -p $(TOOL_LOGS) && : > $(STEPS)
	@ENGINE_STEPS="$(abspath $(STEPS))" cargo test --workspace --locked --test engine -- --nocapture --test-threads 2; \
		ended=$$?; $(TOOLCHAIN)/summary.sh $(STEPS); exit $$ended

conformance: ## Hold a provider against the protocol: make conformance PROVIDER=path
	@test -n "$(PROVIDER_GIVEN)" || $(MAKE) --no-print-directory build
	@cd tests/conformance && go run . -provider "$(abspath $(PROVIDER))"

tools-conformance: build $(PEERS)/pulumi-go-provider/pulumi-resource-aws
	@$(long) "conformance suite (minutes the first time)" $(TOOL_LOGS)/conformance.log \
		go -C tests/conformance build -v -o /dev/null .

test-conformance: tools-conformance ## Run the conformance suite on this plugin and on a peer, and the engine's own client
	@echo "==> Holding the plugin and a peer written in Go against the protocol"
	@cd tests/conformance && go vet . ./testdata/greeting && PROVIDER="$(abspath $(PLUGIN))" go test -count 1 -parallel 4 -v .

lint: ## Check formatting, lints and the links of the documentation
	@echo "==> Checking formatting and lints"
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- --deny warnings
	@RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --document-private-items --locked --quiet
	@$(MAKE) --no-print-directory lint-workflows lint-dependencies

fmt: ## Format the code
	@cargo fmt --all

deny: ## Check licences, sources, duplicate crates and advisories; needs cargo-deny (cargo install cargo-deny)
	@cargo deny check bans licenses sources advisories

# Where the tool, or what it compares with, is not to be had, that is said and nothing else.
lint-dependencies:
	@if ! command -v cargo-deny >/dev/null; then \
		echo "SKIPPED: no cargo-deny here, so licences, sources, duplicates and advisories are not checked" >&2; \
	elif ! ls -d "$${CARGO_HOME:-$$HOME/.cargo}"/advisory-dbs/*/.git >/dev/null 2>&1; then \
		cargo deny --offline check bans licenses sources && \
		echo "SKIPPED: no advisories here, so nothing is compared with them: run make deny once" >&2; \
	else cargo deny --offline check --disable-fetch bans licenses sources advisories; fi

clean: ## Remove everything that was built or installed here
	@rm -rf target dist .tools
