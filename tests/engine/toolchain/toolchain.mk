# The engine, the language hosts and the SDKs that the tests run, built into .tools/ from the public package registries.
# The first build takes about fifteen minutes, most of it for the engines; later ones take what the clients' caches leave.

TOOLS := .tools
TOOLCHAIN := tests/engine/toolchain
TOOL_LOGS := $(TOOLS)/logs
long := $(TOOLCHAIN)/run.sh

ENGINE_VERSION := 3.274.1
ENGINE := $(TOOLS)/pulumi-$(ENGINE_VERSION)

# The last engine without the Handshake call, and one of 2022.
OLD_ENGINES := $(addprefix $(TOOLS)/pulumi-,3.142.0 3.49.0)

# Where an engine keeps its version: the old ones in the second. The linker passes over a package that is not there.
VERSION_PACKAGES := sdk/v3/go/common/version pkg/v3/version

# The examples that are compiled before they run.
COMPILED := $(TOOLS)/examples

# The release of Java that the example is compiled for.
JAVA_RELEASE = $(shell sed -n 's,.*<maven.compiler.release>\(.*\)</.*,\1,p' examples/java/pom.xml)

# Python environments, each of the exact versions that `pip freeze` lists: moto, mypy, pulumi with pulumi-aws, and the
# oldest and the newest Java that Pulumi's SDK takes.
PYTHON_ENVIRONMENTS := $(patsubst %,$(TOOLS)/%/.installed,moto mypy python java-oldest java-newest)

.PHONY: tools-demo tools-engine

# The engine and its YAML host.
tools-demo: $(ENGINE)/.engine

# All that the engine tests need.
tools-engine: $(addsuffix /.engine,$(ENGINE) $(OLD_ENGINES)) $(addsuffix /.hosts,$(ENGINE) $(OLD_ENGINES))
tools-engine: $(PYTHON_ENVIRONMENTS) $(TOOLS)/node/.installed $(TOOLS)/node-old/.installed
tools-engine: $(COMPILED)/go $(COMPILED)/go-v6 $(COMPILED)/java/.built
tools-engine: $(COMPILED)/oldest/go $(COMPILED)/oldest/go-v6 $(COMPILED)/newest/go $(TOOLS)/node-runtimes/.installed
tools-engine: $(TOOLS)/python-oldest/.installed $(TOOLS)/python-newest/.installed
tools-engine: $(TOOLS)/official-provider/pulumi-resource-aws $(TOOLS)/generated-sdks/.built
tools-engine: $(addprefix $(ENGINE)-packages/pulumi-language-,python java) $(TOOLS)/node-newcomer/.installed
tools-engine: $(COMPILED)/own-package $(TOOLS)/wheels/.downloaded

sources = $(addprefix $(TOOLCHAIN)/$(1)/,go.mod go.sum tools.go)

$(TOOLS)/pulumi-%/.engine: $(call sources,pulumi-%)
	@mkdir -p $(@D)
	@$(long) "engine $* with its YAML host (5 minutes the first time)" $(TOOL_LOGS)/engine-$*.log \
		go -C $(<D) build -v -trimpath -o $(abspath $(@D))/ \
		-ldflags "-s -w $(foreach package,$(VERSION_PACKAGES),-X github.com/pulumi/pulumi/$(package).Version=v$*)" \
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

# Scripts that today's SDKs bring: one starts a Python program, one serves the resources that a Node.js program defines.
PYTHON_SCRIPT := $(TOOLS)/language-hosts/pulumi-language-python-exec
NODE_SCRIPT := $(TOOLS)/language-hosts/pulumi-resource-pulumi-nodejs
$(PYTHON_SCRIPT): sdk_folder := python/cmd
$(NODE_SCRIPT): sdk_folder := nodejs/dist
$(PYTHON_SCRIPT) $(NODE_SCRIPT): $(ENGINE)/.engine $(TOOLS)/language-hosts/.built
	@sdk=$$(go -C $(TOOLCHAIN)/pulumi-$(ENGINE_VERSION) list -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3) && \
		install -m 0755 "$$sdk/$(sdk_folder)/$(@F)" $@

# An engine looks for language hosts beside itself first, so every engine has them there.
$(TOOLS)/pulumi-%/.hosts: $(PYTHON_SCRIPT) $(NODE_SCRIPT)
	@ln -f $(TOOLS)/language-hosts/pulumi-* $(@D)/
	@touch $@

$(PYTHON_ENVIRONMENTS): $(TOOLS)/%/.installed: $(TOOLCHAIN)/%/requirements.txt
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(long) "Python environment of toolchain/$* (2 minutes at most)" $(TOOL_LOGS)/$*.log \
		$(@D)/bin/pip install --disable-pip-version-check --requirement $<
	@touch $@

# Python's oldest and newest release that is here, for the example alone.
$(addprefix $(TOOLS)/python-,oldest/.installed newest/.installed): $(TOOLS)/python-%/.installed: \
		$(TOOLCHAIN)/python/requirements.txt $(TOOLCHAIN)/interpreter.sh
	@rm -rf $(@D) && "$$($(TOOLCHAIN)/interpreter.sh $*)" -m venv $(@D)
	@$(long) "SDKs for the $* Python (1 minute)" $(TOOL_LOGS)/python-$*.log \
		$(@D)/bin/pip install --disable-pip-version-check --requirement $<
	@touch $@

# What pip installs into every environment, and what it builds a package with.
$(TOOLS)/wheels/.downloaded: $(TOOLCHAIN)/wheels/requirements.txt $(TOOLS)/python/.installed
	@rm -rf $(@D)
	@$(long) "pip and what it builds packages with" $(TOOL_LOGS)/wheels.log \
		$(TOOLS)/python/bin/pip download --disable-pip-version-check --dest $(@D) --requirement $<
	@touch $@

$(TOOLS)/%/.installed: $(addprefix $(TOOLCHAIN)/%/,package.json package-lock.json .npmrc)
	@mkdir -p $(@D) && cp $^ $(@D)/
	@$(long) "Node.js modules of toolchain/$* (1 minute)" $(TOOL_LOGS)/$*.log npm ci --prefix $(@D)
	@touch $@

# The tests build programs from the same modules without a network, and then those of other systems are looked for, too.
$(COMPILED)/%: examples/%/main.go examples/%/go.mod examples/%/go.sum
	@mkdir -p $(@D)
	@go -C $(<D) mod download
	@$(long) "examples/$* with its SDK (1 minute)" $(TOOL_LOGS)/example-$*.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) .

# The SDKs of the program to which a package is added, whose own is not there yet.
OWN_PACKAGE := tests/engine/programs/own-package/go
$(COMPILED)/own-package: $(OWN_PACKAGE)/go.mod $(OWN_PACKAGE)/go.sum
	@mkdir -p $(@D)
	@go -C $(<D) mod download
	@$(long) "SDKs of $(<D) (2 minutes)" $(TOOL_LOGS)/example-own-package.log \
		go -C $(<D) build -v -trimpath github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr github.com/pulumi/pulumi/sdk/v3/go/pulumi
	@touch $@

# By the oldest Go that the SDK takes and by the newest, which Go's own client installs.
NEWEST_GO := $(TOOLCHAIN)/go-newest
define by_another_go
@mkdir -p $(@D)
@GOTOOLCHAIN=go$(go) $(long) "examples/$* by Go $(go) (1 minute)" $(TOOL_LOGS)/example-$*-$(go).log \
	go -C $(<D) build -v -trimpath -o $(abspath $@) .
endef

$(COMPILED)/oldest/%: go = $(shell sed -n 's/^go //p' $(<D)/go.mod)
$(COMPILED)/oldest/%: examples/%/main.go examples/%/go.mod examples/%/go.sum
	$(by_another_go)

$(COMPILED)/newest/%: go = $(shell cat $(NEWEST_GO))
$(COMPILED)/newest/%: examples/%/main.go examples/%/go.mod examples/%/go.sum $(NEWEST_GO)
	$(by_another_go)

# The SDK, the example and the program that brings it up, each as a path of classes.
$(COMPILED)/java/.built: examples/java/pom.xml $(wildcard examples/java/src/main/java/*/*.java tests/engine/programs/java/*.java)
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(long) "examples/java with its SDK (1 minute)" $(TOOL_LOGS)/example-java.log \
		mvn --batch-mode --no-transfer-progress --file $< \
		org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy-dependencies -DoutputDirectory=$(abspath $(@D))/sdk
	@javac -Xlint:all,-try -Werror --release $(JAVA_RELEASE) --class-path '$(@D)/sdk/*' -d $(@D)/classes $(filter %.java,$^)
	@touch $@

$(TOOLS)/official-provider/pulumi-resource-aws: $(addprefix tests/engine/official_provider/,main.go schema.json go.mod go.sum)
	@mkdir -p $(@D)
	@$(long) "stand-in for the official provider (1 minute)" $(TOOL_LOGS)/official-provider.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) -ldflags "-s -w" .

# The SDKs that the generators of two engines make of schema.json, Python's installed into a folder of its own.
GENERATORS := tests/engine/generated_sdks

CURRENT_SOURCES := $(addprefix $(GENERATORS)/current/,go.mod go.sum packages/packages.go)
$(TOOLS)/generated-sdks/generate-current: $(CURRENT_SOURCES)

$(TOOLS)/generated-sdks/generate-%: $(addprefix $(GENERATORS)/%/,main.go go.mod go.sum)
	@mkdir -p $(@D)
	@$(long) "generators of SDKs, $* (1 minute)" $(TOOL_LOGS)/generate-$*.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) .

$(TOOLS)/generated-sdks/.built: $(GENERATORS)/requirements.txt schema.json
$(TOOLS)/generated-sdks/.built: $(addprefix $(TOOLS)/generated-sdks/generate-,current dotnet) $(TOOLS)/python/.installed
	@cd $(@D) && rm -rf go nodejs python python-installed dotnet
	@cd $(@D) && ./generate-current $(abspath schema.json) . && ./generate-dotnet $(abspath schema.json) dotnet
	@cd $(@D) && ln -s ../../node/node_modules nodejs/ && printf 'module example.com/pulumi-aws-ecr/sdk/go/aws\n\ngo 1.25\n' >go/go.mod
	@$(long) "generated SDK for Python" $(TOOL_LOGS)/generated-python.log \
		$(TOOLS)/python/bin/pip install --disable-pip-version-check --no-deps --target $(@D)/python-installed \
		--requirement $(GENERATORS)/requirements.txt $(@D)/python
	@touch $@

# The engine with hosts that serve `pulumi package add`: one executable for three languages, the older hosts behind it.
LANGUAGE_HOST := $(wildcard $(GENERATORS)/current/language_host/*.go)
$(ENGINE)-packages/pulumi-language-python: $(LANGUAGE_HOST) $(CURRENT_SOURCES) $(ENGINE)/.hosts
	@mkdir -p $(@D)/behind
	@ln -f $(addprefix $(ENGINE)/pulumi,'' -language-yaml -language-python-exec -resource-pulumi-nodejs) $(@D)/
	@ln -f $(addprefix $(ENGINE)/pulumi-language-,go nodejs python python-exec) $(@D)/behind/
	@$(long) "language hosts that generate SDKs (1 minute)" $(TOOL_LOGS)/language-host.log \
		go -C $(GENERATORS)/current build -v -trimpath -o $(abspath $@) -ldflags "-s -w" ./language_host
	@ln -f $@ $(@D)/pulumi-language-go && ln -f $@ $(@D)/pulumi-language-nodejs

$(ENGINE)-packages/pulumi-language-java: $(call sources,language-host-java)
	@mkdir -p $(@D)
	@$(long) "language host for Java (1 minute)" $(TOOL_LOGS)/language-host-java.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) -ldflags "-s -w" \
		github.com/pulumi/pulumi-java/pkg/cmd/pulumi-language-java
