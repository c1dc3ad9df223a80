# Executables for other systems, and the workflows that build them on a forge.

# Systems in the engine's words; linux-amd64-musl, which it has none for, is Linux without glibc.
PLATFORMS ?= linux-amd64 linux-amd64-musl linux-arm64 darwin-amd64 darwin-arm64 windows-amd64

# Those whose executables run on Linux on x86-64, some of them in an emulator.
RUN_PLATFORMS ?= linux-amd64 linux-amd64-musl linux-arm64 windows-amd64

# What `make test-twice` builds, some minutes each.
TWICE ?= x86_64-unknown-linux-gnu

AUDITABLE := $(TOOLS)/auditable/bin/cargo-auditable
AUDITABLE_VERSION := 0.7.7
ZIG := $(TOOLS)/zig/.installed
RUSTC_WEB := $(TOOLS)/rustc-web/.unpacked
MINGW := $(TOOLS)/mingw/.unpacked
QEMU := $(TOOLS)/qemu/.unpacked
OLDEST := $(TOOLS)/oldest-debian/.unpacked
WINE := $(TOOLS)/wine/.unpacked
WINE_SYSTEM := $(TOOLS)/wine/prefix/.made

# The version of the package of its own, which is the same executable under another name.
OWN_VERSION := $(shell sed -n '/^pub static AWS_ECR/,/^};/s/^ *version: "\(.*\)",$$/\1/p' src/packages.rs)

.PHONY: dist test-platforms test-twice compare-libc lint-workflows

dist: ## Build and pack the plugin for each of PLATFORMS that this machine can build for
	@platforms/dist.sh $(VERSION) $(OWN_VERSION) $(PLATFORMS)

test-platforms: stand-in $(TOOLS)/moto/.installed $(QEMU) $(OLDEST) $(WINE_SYSTEM) ## Build for RUN_PLATFORMS and run the tests on what is built, emulated if need be
	@COMPLETE=yes $(MAKE) --no-print-directory dist PLATFORMS="$(RUN_PLATFORMS)"
	@platforms/test.sh $(RUN_PLATFORMS) cargo-install

test-twice: ## Build the present commit in two folders for each of TWICE, targets in the compiler's words, and want the same bytes
	@platforms/twice.sh $(TWICE)

compare-libc: $(PEERS)/bare ## Measure a static executable with musl against the one for glibc: start, memory, invokes, names of hosts
	@cargo build --quiet --locked --profile bench-driver --package bench
	@musl=$$(platforms/build.sh x86_64-unknown-linux-musl) && glibc=$$(platforms/build.sh x86_64-unknown-linux-gnu) && \
		target/bench-driver/bench --builds musl=$$musl glibc=$$glibc && platforms/names.py musl=$$musl glibc=$$glibc

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

$(AUDITABLE): platforms/platforms.mk
	@$(long) "cargo-auditable (2 minutes)" $(TOOL_LOGS)/auditable.log \
		cargo install --locked --force --root $(TOOLS)/auditable --target-dir $(TOOLS)/auditable/target \
			cargo-auditable@$(AUDITABLE_VERSION)
	@rm -rf $(TOOLS)/auditable/target && touch $@

# Compilers and emulators, from Debian's packages.
$(RUSTC_WEB): packages := rustc-web libllvm22 libz3-4 libedit2 libbsd0 libmd0 libxml2 libicu72 \
	'libstd-rust-web-1*' libstd-rust-web-dev libstd-rust-web-dev:arm64 rust-web-src
$(MINGW): packages := gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-x86-64-win32-runtime binutils-mingw-w64-x86-64 \
	mingw-w64-x86-64-dev mingw-w64-common nasm
$(QEMU): packages := qemu-user-static libc6:arm64 libgcc-s1:arm64
# The oldest release that Debian's own servers still have.
$(OLDEST): export SUITE := bullseye
$(OLDEST): packages := libc6
$(WINE): packages := wine64 libwine libz-mingw-w64

$(RUSTC_WEB) $(MINGW) $(QEMU) $(OLDEST) $(WINE): platforms/packages.sh
	@$(long) "packages of $(notdir $(@D)) (1 minute)" $(TOOL_LOGS)/$(notdir $(@D)).log platforms/packages.sh $(@D) $(packages)
	@touch $@

$(WINE_SYSTEM): platforms/wine/system.sh platforms/wine/bcryptprimitives.c $(WINE) $(MINGW)
	@$(long) "Windows, as Wine has it (1 minute)" $(TOOL_LOGS)/wine.log platforms/wine/system.sh
	@touch $@
