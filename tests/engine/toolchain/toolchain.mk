# The engine, the language hosts and the SDKs that the tests run, built into .tools/ from the public package registries.
# The first build takes about ten minutes, most of it for the engine; later ones take what the clients' caches leave.

TOOLS := .tools
TOOLCHAIN := tests/engine/toolchain
TOOL_LOGS := $(TOOLS)/logs
long := $(TOOLCHAIN)/run.sh

ENGINE_VERSION := 3.259.0
ENGINE := $(TOOLS)/pulumi-$(ENGINE_VERSION)

.PHONY: tools-demo tools-engine

# The engine and its YAML host.
tools-demo: $(ENGINE)/.engine

# All that the engine tests need.
tools-engine: $(ENGINE)/.engine $(ENGINE)/.hosts $(TOOLS)/python/.installed $(TOOLS)/node/.installed

sources = $(addprefix $(TOOLCHAIN)/$(1)/,go.mod go.sum tools.go)

$(TOOLS)/pulumi-%/.engine: $(call sources,pulumi-%)
	@mkdir -p $(@D)
	@$(long) "engine $* with its YAML host (5 minutes the first time)" $(TOOL_LOGS)/engine-$*.log \
		go -C $(<D) build -v -trimpath -o $(abspath $(@D))/ \
		-ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$*" \
		github.com/pulumi/pulumi/pkg/v3/cmd/pulumi github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml
	@touch $@

$(TOOLS)/language-hosts/.built: $(call sources,language-hosts)
	@mkdir -p $(@D)
	@$(long) "language hosts for Go, Node.js and Python (1 minute)" $(TOOL_LOGS)/language-hosts.log \
		go -C $(<D) build -v -trimpath -o $(abspath $(@D))/ -ldflags "-s -w" \
		github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go \
		github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs \
		github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python
	@touch $@

# The Python host starts a script that today's SDK brings.
$(TOOLS)/language-hosts/pulumi-language-python-exec: $(ENGINE)/.engine $(TOOLS)/language-hosts/.built
	@sdk=$$(go -C $(TOOLCHAIN)/pulumi-$(ENGINE_VERSION) list -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3) && \
		install -m 0755 "$$sdk/python/cmd/$(@F)" $@

# An engine looks for language hosts beside itself first, so every engine has them there.
$(TOOLS)/pulumi-%/.hosts: $(TOOLS)/language-hosts/pulumi-language-python-exec
	@ln -f $(TOOLS)/language-hosts/pulumi-language-* $(@D)/
	@touch $@

$(TOOLS)/python/.installed: $(TOOLCHAIN)/python/requirements.txt $(TOOLCHAIN)/python/constraints.txt
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(long) "Python environment with moto, pulumi and pulumi-aws (2 minutes)" $(TOOL_LOGS)/python.log \
		$(@D)/bin/pip install --disable-pip-version-check --requirement $< --constraint $(word 2,$^)
	@touch $@

$(TOOLS)/node/.installed: $(addprefix $(TOOLCHAIN)/node/,package.json package-lock.json .npmrc)
	@mkdir -p $(@D) && cp $^ $(@D)/
	@$(long) "Node.js modules with @pulumi/pulumi and @pulumi/aws (1 minute)" $(TOOL_LOGS)/node.log \
		npm ci --prefix $(@D)
	@touch $@
