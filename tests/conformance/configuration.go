package main

import (
	"context"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	checkConfigSource = "pkg/resource/plugin/provider_plugin.go: CheckConfig"
	diffConfigSource  = "pkg/resource/plugin/provider_plugin.go: DiffConfig"
	configureSource   = "pkg/resource/plugin/provider_plugin.go: Configure"
)

var configurationCases = []Case{
	{
		ID: "check-config.version", Level: Must,
		Rule:   "CheckConfig does not change `version`; it may leave it out.",
		Source: "pkg/resource/deploy/providers/registry.go: Check",
		Run: func(t *T) {
			session := t.start(Setup{})
			news := structOf(withKeys(session.configuration(), map[string]any{"version": "1.2.3"}))
			version, has := session.checkConfig(news).GetFields()["version"]
			if has && version.GetStringValue() != "1.2.3" {
				t.brokenf("1.2.3 became %v", version)
			}
		},
	},
	{
		ID: "check-config.echo", Level: Should,
		Rule:   "CheckConfig returns good inputs as they were written, of whatever type, keys that it does not know included.",
		Source: "proto/pulumi/provider.proto: CheckConfig (as a rule …)",
		Run: func(t *T) {
			session := t.start(Setup{})
			typed := withKeys(session.configuration(), engineKeys())
			session.echoes("typed values", structOf(typed))
			session.echoes("texts", structOf(textual(typed)))
			session.echoes("nothing", structOf(nil))
		},
	},
	{
		ID: "check-config.secrets", Level: Should,
		Rule:   "CheckConfig keeps what is secret wrapped.",
		Source: "proto/pulumi/provider.proto: CheckConfig; its inputs go to the state's file",
		Run: func(t *T) {
			session := t.start(Setup{})
			session.keeps("secrets", structOf(session.configurationWithSecrets()))
		},
	},
	{
		ID: "check-config.unknown", Level: Must,
		Rule:   "CheckConfig bears inputs that are not known yet and returns them.",
		Source: checkConfigSource + " (AllowUnknowns), in previews",
		Run: func(t *T) {
			session := t.start(Setup{})
			configuration := session.configuration()
			for key := range configuration {
				configuration[key] = plugin.UnknownStringValue
			}
			session.keeps("unknowns", structOf(configuration))
		},
	},
	{
		ID: "check-config.environment", Level: Should,
		Rule:   "CheckConfig puts no secret of the environment into the inputs, which go to the state's file.",
		Source: "issue pulumi/pulumi-aws#890",
		Run: func(t *T) {
			if len(t.Provider.SecretEnvironment) == 0 {
				t.notApplicable("the provider's file has no secretEnvironment")
			}
			session := t.start(Setup{Environment: t.Provider.SecretEnvironment})
			inputs := session.checkConfig(structOf(map[string]any{}))
			t.noSecrets("what CheckConfig returned", inputs.String())
		},
	},
	{
		ID: "check-config.failures", Level: Should,
		Rule:   "CheckConfig finds a value of the wrong kind and says so in failures, with the property.",
		Source: "proto/pulumi/provider.proto: CheckConfig, CheckFailure",
		Run:    checkConfigFailures,
	},
	{
		ID: "diff-config.replace", Level: Must,
		Rule:   "DiffConfig asks for no replacement; a provider of functions has nothing to replace.",
		Source: diffConfigSource + "; proto/pulumi/provider.proto: DiffConfig",
		Run:    diffConfigNeverReplaces,
	},
	{
		ID: "diff-config.empty-state", Level: Must,
		Rule:   "DiffConfig bears states without inputs, as old engines wrote them.",
		Source: diffConfigSource,
		Run: func(t *T) {
			session := t.start(Setup{})
			session.diffConfig(&pulumirpc.DiffRequest{News: structOf(session.configuration())})
			session.diffConfig(&pulumirpc.DiffRequest{})
		},
	},
	{
		ID: "configure.quick", Level: Should,
		Rule:   "Configure and what comes before it make no connection, so that a service that hangs does not delay a preview.",
		Source: "issues pulumi/pulumi-aws#3044, pulumi/pulumi#3671",
		Run:    configureWithoutNetwork,
	},
	{
		ID: "configure.args", Level: Must,
		Rule:   "Configure takes `args` alone, typed.",
		Source: "proto/pulumi/provider.proto: ConfigureRequest, where `variables` is deprecated",
		Run:    worksAfter((*Session).configuration, argsAlone),
	},
	{
		ID: "configure.json-text", Level: Must,
		Rule:   "Configure takes `args` whose lists, objects, numbers and booleans are JSON text, as they come from a stack's configuration.",
		Source: configureSource + "; default providers get what `pulumi config set` wrote",
		Run:    worksAfter(func(s *Session) map[string]any { return textual(s.configuration()) }, argsAlone),
	},
	{
		ID: "configure.variables", Level: Should,
		Rule:   "Configure takes `variables` alone.",
		Source: "proto/pulumi/provider.proto: ConfigureRequest.variables",
		Run:    worksAfter((*Session).configuration, variablesAlone),
	},
	{
		ID: "configure.secrets", Level: Must,
		Rule:   "Configure takes secrets in `args`.",
		Source: "proto/pulumi/provider.proto: ConfigureRequest.args (warning)",
		Run:    worksAfter((*Session).configurationWithSecrets, variablesWithoutSecrets),
	},
	{
		ID: "configure.secrets-in-json-text", Level: Should,
		Rule:   "Configure takes secrets inside the JSON text of a list or an object.",
		Source: configureSource + ": `args` keeps secrets, also inside texts",
		Run:    worksAfter(secretsInJSON, argsAlone),
	},
	{
		ID: "configure.other-keys", Level: Must,
		Rule:   "Configure passes over keys that it does not know, and the engine's own.",
		Source: "pkg/resource/deploy/providers/registry.go (version, pluginDownloadURL, __internal)",
		Run:    worksAfter(withEngineKeys),
	},
	{
		ID: "configure.wrong", Level: Must,
		Rule:   "Wrong configuration does not end the process; if Configure refuses it, it names the key.",
		Source: configureSource,
		Run:    configureWrong,
	},
}

// withKeys is a copy with more keys.
func withKeys(configuration, more map[string]any) map[string]any {
	all := maps.Clone(configuration)
	maps.Copy(all, more)
	return all
}

func withEngineKeys(s *Session) map[string]any { return withKeys(s.configuration(), engineKeys()) }

// engineKeys are keys that engines add to a provider's inputs, and one that nobody knows.
func engineKeys() map[string]any {
	return map[string]any{
		"version": "1.2.3", "pluginDownloadURL": "https://example.com/plugins",
		"__internal":     map[string]any{"pluginChecksums": map[string]any{"linux-amd64": "00"}},
		"conformanceKey": "passed over",
	}
}

// checkConfig is what CheckConfig returns; engines take UNIMPLEMENTED for the inputs as they are.
func (s *Session) checkConfig(news *structpb.Struct) *structpb.Struct {
	response, err := s.CheckConfig(s.t.ctx, s.checkConfigRequest(news))
	if status.Code(err) == codes.Unimplemented {
		s.t.note("UNIMPLEMENTED: engines take the inputs as they are")
		return news
	}
	s.t.check("CheckConfig", err)
	for _, failure := range response.GetFailures() {
		s.t.brokenf("CheckConfig finds fault with %s: %s", failure.GetProperty(), failure.GetReason())
	}
	return response.GetInputs()
}

func (s *Session) checkConfigRequest(news *structpb.Struct) *pulumirpc.CheckRequest {
	configure := s.configureRequest(nil)
	return &pulumirpc.CheckRequest{Urn: *configure.Urn, Name: *configure.Name, Type: *configure.Type, News: news}
}

// keeps ends the case if CheckConfig changes inputs or leaves some out; it is what was returned.
func (s *Session) keeps(what string, news *structpb.Struct) *structpb.Struct {
	inputs := s.checkConfig(news)
	for key, value := range news.GetFields() {
		if !proto.Equal(inputs.GetFields()[key], value) {
			s.t.brokenf("%s: %s was changed", what, key)
		}
	}
	return inputs
}

// echoes ends the case unless CheckConfig returns inputs as they are, with nothing added.
func (s *Session) echoes(what string, news *structpb.Struct) {
	for key := range s.keeps(what, news).GetFields() {
		if _, given := news.GetFields()[key]; !given {
			s.t.brokenf("%s: %s was added", what, key)
		}
	}
}

// configurationWithSecrets is the configuration with what users mark as secret wrapped.
func (s *Session) configurationWithSecrets() map[string]any {
	configuration := s.configuration()
	for _, key := range s.t.Provider.SecretConfiguration {
		configuration[key] = secret(configuration[key])
	}
	return configuration
}

// worksAfter is a case that is over unless the function answers after a Configure in one of its forms.
func worksAfter(configuration func(*Session) map[string]any, forms ...func(*Session, *pulumirpc.ConfigureRequest)) func(*T) {
	return func(t *T) {
		session := t.start(Setup{})
		request := session.configureRequest(configuration(session))
		for _, form := range forms {
			form(session, request)
		}
		session.handshake()
		_, err := session.Configure(t.ctx, request)
		t.check("Configure", err)
		session.works()
	}
}

func argsAlone(_ *Session, request *pulumirpc.ConfigureRequest) { request.Variables = nil }

func variablesAlone(_ *Session, request *pulumirpc.ConfigureRequest) { request.Args = nil }

func variablesWithoutSecrets(s *Session, request *pulumirpc.ConfigureRequest) {
	request.Variables = s.variables(s.configuration())
}

func checkConfigFailures(t *T) {
	if len(t.Provider.WrongConfiguration) == 0 {
		t.notApplicable("the provider's file has no wrongConfiguration")
	}
	session := t.start(Setup{})
	for _, key := range slices.Sorted(maps.Keys(t.Provider.WrongConfiguration)) {
		wrong := withKeys(session.configuration(), map[string]any{key: t.Provider.WrongConfiguration[key]})
		response, err := session.CheckConfig(t.ctx, session.checkConfigRequest(structOf(wrong)))
		t.check("CheckConfig", err)
		if len(response.GetFailures()) == 0 {
			t.brokenf("a wrong %s is not found", key)
		}
		named := func(failure *pulumirpc.CheckFailure) bool { return failure.GetProperty() == key }
		if !slices.ContainsFunc(response.GetFailures(), named) {
			t.brokenf("for a wrong %s, %s is blamed", key, response.GetFailures()[0].GetProperty())
		}
	}
}

// diffConfig is what DiffConfig answers; nil for UNIMPLEMENTED, which engines take for "no replacement".
func (s *Session) diffConfig(request *pulumirpc.DiffRequest) *pulumirpc.DiffResponse {
	configure := s.configureRequest(nil)
	request.Urn, request.Name, request.Type, request.Id = *configure.Urn, *configure.Name, *configure.Type, *configure.Id
	response, err := s.DiffConfig(s.t.ctx, request)
	if status.Code(err) == codes.Unimplemented {
		s.t.note("UNIMPLEMENTED: engines take it for no replacement")
		return nil
	}
	s.t.check("DiffConfig", err)
	return response
}

func diffConfigNeverReplaces(t *T) {
	session := t.start(Setup{})
	olds := structOf(withKeys(session.configuration(), map[string]any{"version": "1.2.3"}))
	changed := withKeys(session.configuration(), t.Provider.OtherConfiguration)
	unknown := withKeys(session.configuration(), nil)
	for key := range unknown {
		unknown[key] = plugin.UnknownStringValue
	}
	for what, news := range map[string]map[string]any{
		"another version":     withKeys(session.configuration(), map[string]any{"version": "1.2.4"}),
		"other configuration": changed,
		"no configuration":    {},
		"an unknown one":      unknown,
	} {
		response := session.diffConfig(&pulumirpc.DiffRequest{OldInputs: olds, Olds: olds, News: structOf(news)})
		if len(response.GetReplaces()) > 0 || response.GetDeleteBeforeReplace() {
			t.brokenf("%s: replacement because of %v", what, response.GetReplaces())
		}
		for property, diff := range response.GetDetailedDiff() {
			switch diff.GetKind() {
			case pulumirpc.PropertyDiff_ADD_REPLACE, pulumirpc.PropertyDiff_UPDATE_REPLACE,
				pulumirpc.PropertyDiff_DELETE_REPLACE:
				t.brokenf("%s: replacement because of %s", what, property)
			}
		}
	}
}

func configureWithoutNetwork(t *T) {
	session := t.start(Setup{Service: t.needService(silent)})
	ctx, cancel := context.WithTimeout(t.ctx, answerLimit)
	defer cancel()
	session.handshake()
	session.checkConfig(structOf(session.configuration()))
	session.diffConfig(&pulumirpc.DiffRequest{News: structOf(session.configuration())})
	_, err := session.Configure(ctx, session.configureRequest(session.configuration()))
	t.check("Configure while the service hangs", err)
	session.alive("while the service hangs")
	if connections := session.Service.Connections.Load(); connections > 0 {
		t.brokenf("%d connections to the service before the first Invoke", connections)
	}
	session.Service.behave(answering)
	session.works()
	if session.Service.Connections.Load() == 0 {
		t.brokenf("the Invoke did not come to the service either, so this shows nothing")
	}
}

// secretsInJSON is the configuration with the texts inside its lists and objects as secrets.
func secretsInJSON(s *Session) map[string]any {
	configuration := textual(s.configuration())
	wrapped := 0
	for key, value := range s.configuration() {
		if list, isList := value.([]any); isList {
			configuration[key] = jsonText(secretLeaves(list))
			wrapped++
		}
	}
	if wrapped == 0 {
		s.t.notApplicable("the provider's configuration has no list")
	}
	return configuration
}

// secretLeaves wraps the texts inside lists and objects.
func secretLeaves(value any) any {
	switch value := value.(type) {
	case []any:
		wrapped := make([]any, len(value))
		for i, element := range value {
			wrapped[i] = secretLeaves(element)
		}
		return wrapped
	case map[string]any:
		wrapped := map[string]any{}
		for key, element := range value {
			wrapped[key] = secretLeaves(element)
		}
		return wrapped
	}
	return secret(value)
}

func configureWrong(t *T) {
	for key, value := range t.Provider.WrongConfiguration {
		session := t.start(Setup{})
		session.handshake()
		wrong := withKeys(session.configuration(), map[string]any{key: value})
		_, err := session.Configure(t.ctx, session.configureRequest(wrong))
		session.alive("after Configure with a wrong " + key)
		if err != nil {
			mentions(t, "Configure's error", status.Convert(err).Message(), key)
		}
	}
}
