# Executables for other systems, and the workflows that build them on a forge.

# Systems in the engine's words, and in the compiler's.
PLATFORMS ?= linux-amd64 linux-arm64
target-linux-amd64 := x86_64-unknown-linux-gnu
target-linux-arm64 := aarch64-unknown-linux-gnu
target-darwin-amd64 := x86_64-apple-darwin
target-darwin-arm64 := aarch64-apple-darwin

ZIG := $(TOOLS)/zig/.installed
RUSTC_WEB := $(TOOLS)/rustc-web/.unpacked

# Only what is absent is installed: the pinned compiler has more libraries where rustup gave it some.
has_library = $(wildcard $(shell rustc --print target-libdir --target $(1) 2>/dev/null))
COMPILERS = $(ZIG) $(foreach platform,$(PLATFORMS),$(if $(call has_library,$(target-$(platform))),,$(RUSTC_WEB)))

NAME := pulumi-resource-aws-v$(VERSION)

# The package of its own: the same executable under another name.
OWN := pulumi-resource-aws-ecr
OWN_NAME := $(OWN)-v$(shell sed -n '/^pub static AWS_ECR/,/^};/s/^ *version: "\(.*\)",$$/\1/p' src/packages.rs)

# Packs an executable for a system, once a package.
pack = platforms/pack.sh $(1) dist/$(NAME)-$(2).tar.gz && platforms/pack.sh $(1) dist/$(OWN_NAME)-$(2).tar.gz $(OWN)

.PHONY: dist-all lint-workflows

dist-all: $(sort $(COMPILERS)) ## Build and pack the plugin for each of PLATFORMS
	@mkdir -p dist && rm -f dist/$(NAME)-* dist/$(OWN_NAME)-* dist/SHA256SUMS
	@set -e; $(foreach platform,$(PLATFORMS), \
		echo "==> Building $(platform) (some minutes)"; \
		executable=$$(platforms/build.sh $(target-$(platform))); \
		$(call pack,$$executable,$(platform)); \
		platforms/sbom.py $(target-$(platform)) >dist/$(NAME)-$(platform).cdx.json;)
	@cd dist && sha256sum $(NAME)-* $(OWN_NAME)-* | tee SHA256SUMS

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
