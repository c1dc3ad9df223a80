# The comparison with the libraries of the official provider, which are built into .tools/ from the Go module proxy.

OFFICIAL := $(TOOLS)/official/official

.PHONY: tools-official test-official official

tools-official: $(OFFICIAL)

$(OFFICIAL): $(addprefix tests/official/,main.go provider.go go.mod go.sum)
	@mkdir -p $(@D)
	@$(long) "libraries of the official provider (1 minute)" $(TOOL_LOGS)/official.log \
		go -C $(<D) build -v -trimpath -o $(abspath $@) -ldflags "-s -w" .

test-official: tools-official ## Compare the plugin with the libraries of the official provider, case by case
	@echo "==> Comparing with the libraries of the official provider"
	@cargo test --workspace --locked --test official -- --test-threads 4

official: tools-official ## Compare on generated cases, CASES=5000, or on those of a file, FILE=path
	@FILE="$(abspath $(FILE))" CASES=$(or $(CASES),1000) cargo test --workspace --locked --test official \
		$(if $(FILE),a_file_of_one_s_own,generated) -- --nocapture
