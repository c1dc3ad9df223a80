# Executables for other systems, and the workflows that build them on a forge.

# Systems in the engine's words. linux-arm64 is built when it is asked for: only its compiler and its linker were tried.
PLATFORMS ?= linux-amd64 darwin-amd64 darwin-arm64 windows-amd64

ZIG := $(TOOLS)/zig/.installed
RUSTC_WEB := $(TOOLS)/rustc-web/.unpacked

# The version of the package of its own, which is the same executable under another name.
OWN_VERSION := $(shell sed -n '/^pub static AWS_ECR/,/^};/s/^ *version: "\(.*\)",$$/\1/p' src/packages.rs)

.PHONY: dist test-platforms lint-workflows

dist: ## Build and pack the plugin for each of PLATFORMS that this machine can build for
	@platforms/dist.sh $(VERSION) $(OWN_VERSION) $(PLATFORMS)

test-platforms: ## Build linux-amd64 for old systems and run the conformance suite on it
	@$(MAKE) --no-print-directory dist PLATFORMS=linux-amd64
	@platforms/test.sh

ACTIONLINT := $(TOOLS)/actionlint/actionlint

lint-workflows: $(ACTIONLINT)
	@$(ACTIONLINT)

$(ACTIONLINT): $(addprefix platforms/actionlint/,go.mod go.sum tools.go)
	@mkdir -p $(@D)
	@$(long) "actionlint (1 minute)" $(TOOL_LOGS)/actionlint.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) github.com/rhysd/actionlint/cmd/actionlint
	@touch $@

$(ZIG): platforms/zig/requirements.txt
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(long) "Zig (1 minute)" $(TOOL_LOGS)/zig.log \
		$(@D)/bin/pip install --disable-pip-version-check --requirement $<
	@touch $@

$(RUSTC_WEB): packages := rustc-web libllvm22 libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu72 \
	'libstd-rust-web-1*' libstd-rust-web-dev libstd-rust-web-dev:arm64
$(RUSTC_WEB): platforms/packages.sh
	@$(long) "packages of $(notdir $(@D)) (1 minute)" $(TOOL_LOGS)/$(notdir $(@D)).log platforms/packages.sh $(@D) $(packages)
	@touch $@
