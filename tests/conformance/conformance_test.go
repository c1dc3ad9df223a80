package main

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const (
	peerSource   = "../../benches/peers/pulumi-go-provider"
	providerFile = "providers/aws.json"
)

// peerDeviations are the cases that a plugin on pulumi-go-provider 1.3.2 breaks, and why. All else it must hold: so the
// suite is known to pass and to fail on a provider that it was not written for.
var peerDeviations = map[string]string{
	"process.flags-behind":           "sdk/go's provider.Main reads flags with Go's package flag, which stops at the address",
	"process.interrupt-in-call":      "on SIGINT sdk/go calls GracefulStop, which waits for calls, and nothing ends them",
	"process.engine-ends":            "sdk/go asks for the engine's health every 5 minutes, for the first time after 5",
	"process.engine-never-there":     "sdk/go asks for the engine's health every 5 minutes, for the first time after 5",
	"handshake.implemented":          "the framework's raw layer has no Handshake",
	"schema.sub-package":             "the framework hands only the version of a GetSchemaRequest on, not the sub-package",
	"check-config.failures":          "the peer leaves CheckConfig out; the framework answers UNIMPLEMENTED then",
	"configure.secrets-in-json-text": "the framework unwraps secrets in values, not in the JSON texts inside them, and neither does the peer",
	"values.secret-to-old-engine":    "the framework keeps secrets whatever ConfigureRequest.acceptSecrets says",
	"values.no-kind":                 "sdk/go's UnmarshalPropertyValue panics (contract.Failf) at such a value, and nothing recovers",
	"invoke.wrong-found":             "the peer leaves it to the service to find that a text is no registry id",
	"cancel.implemented":             "the peer leaves Cancel out; the framework answers UNIMPLEMENTED then",
	"cancel.aborts":                  "the peer leaves Cancel out, and the framework does not abort calls by itself",
	"rpc.older-call":                 "the framework panics (contract.Assertf) unless accepts_output_values is set",
}

// greetingDeviations are those of testdata/greeting, which has little more than Pulumi's SDK for Go gives.
var greetingDeviations = map[string]string{
	"process.engine-ends":         "it does not look after its engine",
	"process.engine-never-there":  "it does not look after its engine",
	"handshake.implemented":       "it leaves Handshake out",
	"schema.sub-package":          "it does not look at the request",
	"values.secret-to-old-engine": "it does not look at ConfigureRequest.acceptSecrets",
	"values.no-kind":              "sdk/go's UnmarshalPropertyValue panics (contract.Failf) at such a value, and nothing recovers",
}

// TestProvider holds the binary that PROVIDER names to every rule, the shoulds included, and sees every RPC called.
func TestProvider(t *testing.T) {
	called := runSuite(t, providerUnderTest(t), providerFile, nil)
	service := pulumirpc.ResourceProvider_ServiceDesc
	for _, method := range service.Methods {
		if !called["/"+service.ServiceName+"/"+method.MethodName] {
			t.Errorf("no case calls %s", method.MethodName)
		}
	}
	for _, stream := range service.Streams {
		if !called["/"+service.ServiceName+"/"+stream.StreamName] {
			t.Errorf("no case calls %s", stream.StreamName)
		}
	}
}

// TestPeer shows that the suite is about the protocol: a plugin of another language and framework runs through it, with the
// one function of the file that it has in full.
func TestPeer(t *testing.T) {
	t.Parallel()
	suite := load(t, buildPeer(t), providerFile)
	suite.provider.Functions = suite.provider.Functions[:1]
	suite.deviate(t, peerDeviations)
}

// TestFunctionsAreThoseOfTheSchema holds the file to what the provider says of itself.
func TestFunctionsAreThoseOfTheSchema(t *testing.T) {
	suite, listed := load(t, providerUnderTest(t), providerFile), map[string]bool{}
	for _, function := range suite.provider.Functions {
		listed[function.Token] = true
	}
	result := suite.runCase(Case{Limit: time.Minute, Run: func(t *T) {
		for token := range t.start(Setup{}).schema().Functions {
			if !listed[token] {
				t.brokenf("%s does not list %s", providerFile, token)
			}
		}
	}})
	if result.Verdict != Held {
		t.Error(result.Reason)
	}
}

// TestEachFunctionRuns shows that a case is run for each function that it is about, and told apart by its token.
func TestEachFunctionRuns(t *testing.T) {
	suite := load(t, providerUnderTest(t), providerFile)
	for id, wanted := range map[string]int{"invoke.good": 11, "invoke.missing": 7, "process.loopback": 1} {
		runs, seen := suite.runsOf(casesOf([]string{id})), map[string]bool{}
		for _, run := range runs {
			seen[run.c.ID] = true
		}
		if len(seen) != wanted {
			t.Errorf("%s runs as %d cases, not %d", id, len(seen), wanted)
		}
	}
}

// TestGreeting shows that the suite knows of a provider what its file says and no more: another package with another
// function, which calls no service.
func TestGreeting(t *testing.T) {
	t.Parallel()
	runSuite(t, build(t, "testdata/greeting"), "testdata/greeting/provider.json", greetingDeviations)
}

// faults are what testdata/greeting can do wrong, and cases that find it.
var faults = map[string][]string{
	"listens everywhere":        {"process.loopback"},
	"talks":                     {"process.stdout"},
	"ignores signals":           {"process.interrupt", "process.terminate"},
	"fails to attach":           {"attach.attach", "attach.operations"},
	"fails to shake hands":      {"handshake.answer", "handshake.minimal", "handshake.newer-engine", "invoke.good"},
	"fails to configure":        {"configure.args", "configure.json-text", "handshake.older-engine", "invoke.good"},
	"accepts no secrets":        {"handshake.features", "handshake.configure-agrees"},
	"has a bad version":         {"info.version", "info.exact-version", "schema.version"},
	"has an empty schema":       {"schema.package", "schema.function"},
	"changes configuration":     {"check-config.version", "check-config.echo", "check-config.unknown"},
	"asks for replacement":      {"diff-config.replace"},
	"answers secrets":           {"invoke.plain-results"},
	"has no word for arguments": {"invoke.missing", "invoke.null", "invoke.no-args", "invoke.wrong", "invoke.failures"},
	"greets Ada only": {
		"invoke.unknown-function", "invoke.wrong-found", "values.secret-results", "values.secret-output", "values.unknown",
		"values.wrong-kind", "values.special", "values.malformed", "concurrency.different",
	},
	"ends with bad arguments": {"values.text", "values.numbers", "values.depth"},
	"answers outputs":         {"handshake.outputs-in-invoke"},
	"configures outputs":      {"handshake.outputs-in-check"},
	"calls what it lacks":     {"handshake.outputs-in-call", "refusal.Call"},
	"checks with old outputs": {"handshake.old-outputs"},
	"ends soon after Cancel":  {"process.stays"},
	"ends with its operation": {"cancel.keeps-serving", "cancel.before-anything", "attach.operations", "process.stays"},
	"fails to cancel":         {"cancel.answer", "cancel.implemented"},
	"creates what it lacks":   {"refusal.Create"},
	"fails to map":            {"mapping.get"},
	"reads 4 MiB":             {"wire.5-MiB", "wire.64-MiB"},
	"logs what it says":       {"secrecy.logs", "secrecy.verbose-logs"},
}

// askingFaults are those that show only where a function calls a service.
var askingFaults = map[string][]string{
	"":                              {},
	"serves one Invoke at a time":   {"concurrency.invokes"},
	"serves some Invokes at a time": {"concurrency.invokes"},
}

// TestFaults shows that cases find what a provider does wrong, and that most such providers serve well otherwise.
func TestFaults(t *testing.T) {
	t.Parallel()
	binary := build(t, "testdata/greeting")
	findsFaults(t, binary, "testdata/greeting/provider.json", faults, "invoke.good")
	findsFaults(t, binary, "testdata/greeting/asking.json", askingFaults, "invoke.good", "concurrency.different")
}

// findsFaults wants the cases broken that each fault names, and all others held that are named here.
func findsFaults(t *testing.T, binary, file string, faults map[string][]string, others ...string) {
	suite, err := newSuite(binary, file)
	if err != nil {
		t.Fatal(err)
	}
	suite.provider.Secrets = []string{"Hello, Ada!"}
	for fault, ids := range faults {
		suite.provider.Environment = map[string]string{"GREETING_FAULT": fault}
		suite.run(casesOf(slices.Concat(ids, others)), 4, func(result Result) {
			if wanted := !slices.Contains(ids, result.ID); wanted != (result.Verdict == Held) {
				t.Errorf("of a provider that %s, %s is %s", fault, result.ID, result.Verdict)
			}
		})
	}
}

func casesOf(ids []string) []Case {
	return slices.DeleteFunc(cases(), func(c Case) bool { return !slices.Contains(ids, c.ID) })
}

// TestNoProvider shows that what is no provider breaks every rule at once, whether it ends, hangs or says something else.
func TestNoProvider(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"ends":         "exit 3",
		"hangs":        "exec sleep 1000",
		"says no port": "echo listening on 50051; exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			suite, err := newSuite(noProvider(t, script), providerFile)
			if err != nil {
				t.Fatal(err)
			}
			report := newReport(io.Discard)
			suite.run(cases(), 4, report.add)
			musts := 0
			for _, c := range cases() {
				if c.Level == Must {
					musts++
				}
			}
			if broken := report.summarise(); broken != musts {
				t.Errorf("%d musts of %d are broken", broken, musts)
			}
		})
	}
}

// TestCommand runs the suite as people do: a line a case, and an exit code that tells whether a must is broken. Of the
// rules about Handshake the peer breaks a should and no must, and some do not apply to it.
func TestCommand(t *testing.T) {
	t.Parallel()
	conformance := build(t, ".")
	none := noProvider(t, "exit 3")
	run := func(wanted int, name string, arguments ...string) string {
		t.Helper()
		output, err := exec.Command(name, arguments...).CombinedOutput()
		var exit *exec.ExitError
		code := 0
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != wanted {
			t.Errorf("%s %q exits with %d, not %d:\n%s", name, arguments, code, wanted, output)
		}
		return string(output)
	}

	held := run(0, conformance, "-provider", providerUnderTest(t), "-case", "process.")
	broken := run(1, conformance, "-provider", none)
	mixed := run(0, conformance, "-provider", buildPeer(t), "-case", "handshake.")
	run(2, conformance)
	run(2, conformance, "-provider", none+".absent")
	// make has an exit code of its own for a command that failed.
	made := run(2, "make", "--no-print-directory", "-C", "../..", "conformance", "PROVIDER="+none)
	verdicts := map[string]Verdict{
		"handshake.answer": Held, "handshake.implemented": Broken, "handshake.features": NotApplicable,
	}
	for _, c := range cases() {
		if strings.HasPrefix(c.ID, "process.") {
			wantLine(t, held, string(Held), c)
		}
		if verdict, is := verdicts[c.ID]; is {
			wantLine(t, mixed, string(verdict), c)
		}
		if c.Level == Must {
			wantLine(t, broken, string(Broken), c)
			wantLine(t, made, string(Broken), c)
		}
	}
}

// wantLine wants one line of output for the case, with its rule.
func wantLine(t *testing.T, output, verdict string, c Case) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, verdict) && slices.Contains(fields, c.ID) && strings.Contains(line, c.Rule) {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("%d lines say %q of %s:\n%s", lines, verdict, c.ID, output)
	}
}

func TestCasesAreComplete(t *testing.T) {
	known := map[string]bool{}
	for _, c := range cases() {
		if c.Rule == "" || c.Source == "" || c.Run == nil || c.Level != Must && c.Level != Should {
			t.Errorf("%s has no rule, source, level or calls", c.ID)
		}
		if known[c.ID] {
			t.Errorf("two cases have the id %s", c.ID)
		}
		known[c.ID] = true
	}
	found := slices.Concat(slices.Collect(maps.Values(faults))...)
	for _, id := range append(found, slices.Concat(slices.Collect(maps.Values(askingFaults))...)...) {
		if !known[id] {
			t.Errorf("the faults name %s, which is no case", id)
		}
	}
	for _, deviations := range []map[string]string{peerDeviations, greetingDeviations} {
		for id := range deviations {
			if !known[id] {
				t.Errorf("the deviations name %s, which is no case", id)
			}
		}
	}
}

// buildPeer builds the peer with the flags of the benchmarks, whose build Go then has in its cache.
func buildPeer(t *testing.T) string {
	t.Helper()
	return build(t, peerSource, "-trimpath", "-ldflags", "-s -w")
}

// build builds the program in a folder.
func build(t *testing.T, folder string, flags ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	command := exec.Command("go", slices.Concat([]string{"build", "-buildvcs=false", "-o", binary}, flags, []string{"."})...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s does not build: %v\n%s", folder, err, output)
	}
	return binary
}

// noProvider is the path of a shell script that does not serve.
func noProvider(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pulumi-resource-none")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// providerUnderTest is the path of the binary that PROVIDER names.
func providerUnderTest(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PROVIDER")
	if path == "" {
		t.Fatal("PROVIDER does not name a provider's binary: run `make conformance`")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// runSuite is deviate for a provider and its file.
func runSuite(t *testing.T, path, file string, deviations map[string]string) map[string]bool {
	t.Helper()
	return load(t, path, file).deviate(t, deviations)
}

func load(t *testing.T, path, file string) *Suite {
	t.Helper()
	suite, err := newSuite(path, file)
	if err != nil {
		t.Fatal(err)
	}
	return suite
}

// deviate runs all cases, prints the report, and wants exactly the deviations. It returns which RPCs were called.
func (suite *Suite) deviate(t *testing.T, deviations map[string]string) map[string]bool {
	t.Helper()
	report, called := newReport(os.Stdout), map[string]bool{}
	suite.run(cases(), 4, func(result Result) {
		for _, rpc := range result.Called {
			called[rpc] = true
		}
		why, deviates := deviations[result.ID]
		switch {
		case result.Verdict == Broken && !deviates:
			t.Errorf("%s is broken", result.ID)
		case result.Verdict != Broken && deviates:
			t.Errorf("%s is %s; it was to be broken, since %s", result.ID, result.Verdict, why)
		case deviates:
			result.Reason, result.Log = result.Reason+"; known: "+why, ""
		}
		report.add(result)
	})
	report.summarise()
	return called
}
