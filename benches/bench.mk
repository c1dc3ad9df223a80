# `make bench` and what it measures against, which is built into .tools/ from the public package registries. To be
# included after tests/engine/toolchain/toolchain.mk, which builds the engine and gives `long`.

PEERS := .tools/peers
PEERS_SOURCE := benches/peers
PEERS_LOGS := .tools/logs

ECR_LOGIN_VERSION := v0.12.0
AWS_CLI_VERSION := 1.46.3

# The parts to measure, or --quick; empty: all, written to benches/RESULTS.md.
PARTS ?=

# What `make fleet` simulates: by default AWS's quota for GetAuthorizationToken as its user guide has it.
MACHINES ?= 500
RATE ?= 20
BURST ?= 200

.PHONY: bench fleet soak unwinding tools-peers

bench: build tools-demo tools-peers ## Measure the plugin against its peers and write benches/RESULTS.md
	@cargo build --locked --profile bench-driver --package bench
	@target/bench-driver/bench $(PARTS)

fleet: build ## Simulate many machines that ask at once, beside as many processes as fit: make fleet MACHINES=500 RATE=20 BURST=200
	@cargo build --quiet --locked --profile bench-driver --package bench
	@target/bench-driver/bench --fleet $(MACHINES) $(RATE) $(BURST)

soak: build ## Call plugins well and badly while much goes wrong, a million times or for some minutes: make soak MINUTES=n
	@cargo build --quiet --locked --profile bench-driver --package bench
	@target/bench-driver/bench --soak $(MINUTES)

unwinding: build ## Weigh the release against one that unwinds, in bytes
	@CARGO_PROFILE_RELEASE_PANIC=unwind cargo build --quiet --release --locked --bin pulumi-resource-aws --target-dir target/unwinding
	@wc --bytes target/release/pulumi-resource-aws target/unwinding/release/pulumi-resource-aws | head --lines 2

# All that `make bench` measures against, besides the engine and curl.
tools-peers: $(PEERS)/pulumi-go-provider/pulumi-resource-aws $(PEERS)/docker-credential-ecr-login \
	$(PEERS)/aws-cli/.installed $(PEERS)/bare

$(PEERS)/pulumi-go-provider/pulumi-resource-aws: $(wildcard $(PEERS_SOURCE)/pulumi-go-provider/*)
	@mkdir -p $(@D)
	@$(long) "plugin written with pulumi-go-provider (minutes the first time)" $(PEERS_LOGS)/pulumi-go-provider.log \
		go -C $(PEERS_SOURCE)/pulumi-go-provider build -v -trimpath -ldflags "-s -w" -o $(abspath $@) .

$(PEERS)/docker-credential-ecr-login:
	@mkdir -p $(@D)
	@GOBIN=$(abspath $(@D)) $(long) "amazon-ecr-credential-helper $(ECR_LOGIN_VERSION)" $(PEERS_LOGS)/ecr-login.log \
		go install -trimpath -ldflags "-s -w" \
		github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/docker-credential-ecr-login@$(ECR_LOGIN_VERSION)

$(PEERS)/aws-cli/.installed:
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(long) "AWS CLI $(AWS_CLI_VERSION)" $(PEERS_LOGS)/aws-cli.log \
		$(@D)/bin/pip install --disable-pip-version-check awscli==$(AWS_CLI_VERSION)
	@touch $@

$(PEERS)/bare: $(PEERS_SOURCE)/bare/main.rs
	@mkdir -p $(@D)
	@rustc --edition 2024 -C opt-level=z -C panic=abort -C strip=symbols -C target-feature=+crt-static -o $@ $<
