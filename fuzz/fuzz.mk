# The fuzzers. To be included after tests/engine/toolchain/toolchain.mk, which gives `long`.

CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz

FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/targets/*.rs)))

# How long each target runs, and which do.
SECONDS ?= 60
TARGETS ?= $(FUZZ_TARGETS)

# How long inputs are, since what grows faster than they do shows in long ones, and what one may take: seconds, and MB.
FUZZ_BOUNDS := -max_len=65536 -timeout=10 -rss_limit_mb=1024

# What the fuzzers find and leave, outside the corpora that are kept.
FUZZ_FOUND := target/fuzz

# The release's, but for what makes it small: seven executables would be linked for minutes each.
FUZZ_PROFILE := CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=2

.PHONY: fuzz

# Rust finds what a sanitizer looks for; the one of addresses would take the nightly toolchain.
fuzz: $(CARGO_FUZZ) ## Look for inputs that break the plugin: make fuzz SECONDS=600 TARGETS="answers credentials"
	@echo "==> Building the fuzzers (some minutes the first time)"
	@$(FUZZ_PROFILE) $(CARGO_FUZZ) build --features libfuzzer --sanitizer none
	@for target in $(TARGETS); do \
		echo "==> Fuzzing $$target for $(SECONDS) s"; \
		mkdir -p $(FUZZ_FOUND)/$$target $(FUZZ_FOUND)/tmp; \
		TMPDIR=$(abspath $(FUZZ_FOUND))/tmp $(FUZZ_PROFILE) $(CARGO_FUZZ) run --features libfuzzer --sanitizer none $$target \
			$(FUZZ_FOUND)/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS) $(FUZZ_BOUNDS) -print_final_stats=1 -verbosity=0 || exit; \
		rm -rf $(FUZZ_FOUND)/tmp; \
	done

$(CARGO_FUZZ):
	@$(long) "cargo-fuzz (1 minute)" $(TOOL_LOGS)/cargo-fuzz.log \
		cargo install --locked --version $(CARGO_FUZZ_VERSION) --root $(TOOLS)/cargo-fuzz-$(CARGO_FUZZ_VERSION) cargo-fuzz
