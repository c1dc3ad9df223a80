package main

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

const flagSource = "proto/pulumi/provider.proto: ProviderHandshakeResponse; pkg/resource/plugin/provider_plugin.go: "

var handshakeCases = []Case{
	{
		ID: "handshake.answer", Level: Must,
		Rule:   "Handshake answers OK or UNIMPLEMENTED; anything else keeps the provider from being loaded.",
		Source: "pkg/resource/plugin/provider_plugin.go: handshake",
		Run: func(t *T) {
			if t.start(Setup{}).handshake() == nil {
				t.note("UNIMPLEMENTED")
			}
		},
	},
	{
		ID: "handshake.implemented", Level: Should,
		Rule:   "Handshake is implemented.",
		Source: "proto/pulumi/provider.proto: Handshake, for which Configure's flags are deprecated",
		Run: func(t *T) {
			if t.start(Setup{}).handshake() == nil {
				t.brokenf("UNIMPLEMENTED")
			}
		},
	},
	{
		ID: "handshake.features", Level: Must,
		Rule:   "A provider that shakes hands accepts secrets and resources.",
		Source: "proto/pulumi/provider.proto: Configure (important)",
		Run: func(t *T) {
			response := t.start(Setup{}).needHandshake()
			if !response.GetAcceptSecrets() || !response.GetAcceptResources() {
				t.brokenf("acceptSecrets is %v, acceptResources %v", response.GetAcceptSecrets(), response.GetAcceptResources())
			}
		},
	},
	{
		ID: "handshake.configure-agrees", Level: Must,
		Rule:   "Handshake and Configure answer alike about secrets, resources, outputs and autonaming, and Configure supports previews.",
		Source: "proto/pulumi/provider.proto: ProviderHandshakeResponse, ConfigureResponse",
		Run:    handshakeAndConfigureAgree,
	},
	{
		ID: "handshake.minimal", Level: Must,
		Rule:   "A Handshake that holds an address alone is answered as any other.",
		Source: "proto/pulumi/provider.proto: ProviderHandshakeRequest, whose other fields came later than 3.143",
		Run: func(t *T) {
			session := t.start(Setup{})
			request := &pulumirpc.ProviderHandshakeRequest{EngineAddress: session.Engine.Address}
			if _, err := session.Handshake(t.ctx, request); status.Code(err) != codes.Unimplemented {
				t.check("Handshake", err)
			}
		},
	},
	{
		ID: "handshake.outputs-in-invoke", Level: Must,
		Rule:   "Who does not take part in accepts_outputs_in_invoke gets secrets in place of outputs, and returns no outputs.",
		Source: flagSource + "Invoke",
		Run:    noOutputsFromInvoke,
	},
	{
		ID: "handshake.outputs-in-call", Level: Must,
		Rule:   "Who does not take part in accepts_outputs_in_call gets secrets in place of outputs, and still refuses what it lacks.",
		Source: flagSource + "Call",
		Run:    noOutputsFromCall,
	},
	{
		ID: "handshake.outputs-in-check", Level: Must,
		Rule:   "Who does not take part in accepts_outputs_in_check returns no outputs from CheckConfig, whatever the engine offered.",
		Source: flagSource + "CheckConfig",
		Run:    noOutputsFromCheckConfig,
	},
	{
		ID: "handshake.old-outputs", Level: Must,
		Rule:   "Old outputs in a CheckRequest, of an engine that sends them or of one that does not, change no answer.",
		Source: "proto/pulumi/provider.proto: CheckRequest.old_outputs (must not assume this is populated)",
		Run:    oldOutputsChangeNothing,
	},
	{
		ID: "handshake.newer-engine", Level: Must,
		Rule:   "Fields that only newer engines know are passed over.",
		Source: "protobuf: unknown fields; this is how the protocol grows",
		Run: func(t *T) {
			session := t.start(Setup{})
			request := session.handshakeRequest()
			request.ProtoReflect().SetUnknown(futureField())
			if _, err := session.Handshake(t.ctx, request); status.Code(err) != codes.Unimplemented {
				t.check("Handshake", err)
			}
			configure := session.configureRequest(session.configuration())
			configure.ProtoReflect().SetUnknown(futureField())
			_, err := session.Configure(t.ctx, configure)
			t.check("Configure", err)
			session.works()
		},
	},
	{
		ID: "handshake.older-engine", Level: Must,
		Rule:   "Engines before 3.143 are served: no Handshake, straight to Configure.",
		Source: "sdk/go/common/resource/plugin/provider_plugin.go of v3.142.0: NewProvider",
		Run: func(t *T) {
			session := t.start(Setup{})
			session.configure(session.configuration())
			session.works()
		},
	},
}

// needHandshake is the answer of a provider that shakes hands.
func (s *Session) needHandshake() *pulumirpc.ProviderHandshakeResponse {
	response := s.handshake()
	if response == nil {
		s.t.notApplicable("Handshake is UNIMPLEMENTED")
	}
	return response
}

func handshakeAndConfigureAgree(t *T) {
	session := t.start(Setup{})
	handshake := session.needHandshake()
	configure := session.configure(session.configuration())
	for _, feature := range []struct {
		name                 string
		handshake, configure bool
	}{
		{"acceptSecrets", handshake.GetAcceptSecrets(), configure.GetAcceptSecrets()},
		{"acceptResources", handshake.GetAcceptResources(), configure.GetAcceptResources()},
		{"acceptOutputs", handshake.GetAcceptOutputs(), configure.GetAcceptOutputs()},
		{
			"supportsAutonamingConfiguration",
			handshake.GetSupportsAutonamingConfiguration(), configure.GetSupportsAutonamingConfiguration(),
		},
		{"supportsPreview", true, configure.GetSupportsPreview()},
	} {
		if feature.handshake != feature.configure {
			t.brokenf("%s is %v in Handshake and %v in Configure", feature.name, feature.handshake, feature.configure)
		}
	}
}

func noOutputsFromInvoke(t *T) {
	session := t.start(Setup{})
	takesPart := session.handshake().GetAcceptsOutputsInInvoke()
	session.configure(session.configuration())
	argument := t.Provider.Function.goodArgument()
	values := []any{argument}
	if session.handshake().GetAcceptSecrets() {
		values = append(values, secret(argument))
	}
	if takesPart {
		values = append(values, special(sig.OutputValue, map[string]any{"value": argument, "dependencies": []any{urn}}))
	}
	for _, value := range values {
		request := session.invokeRequestFor(t.Provider.Function.with(value))
		response, err := session.Invoke(t.ctx, request)
		t.check("Invoke", err)
		if !takesPart && hasOutputs(structpb.NewStructValue(response.GetReturn())) {
			t.brokenf("there are output values among the results")
		}
		session.good(session.invokeRequest(t.ctx, request), argument)
	}
}

func noOutputsFromCall(t *T) {
	session := t.configured(Setup{})
	for _, value := range []any{"plain", secret("conformance")} {
		request := &pulumirpc.CallRequest{
			Tok: token(t), Args: structOf(map[string]any{"argument": value}), AcceptsOutputValues: true,
		}
		response, err := session.Call(t.ctx, request)
		session.alive("after Call")
		if err == nil && len(response.GetFailures()) == 0 {
			t.brokenf("Call of what the provider does not have answered OK")
		}
	}
}

func noOutputsFromCheckConfig(t *T) {
	session := t.start(Setup{})
	if session.handshake().GetAcceptsOutputsInCheck() {
		t.notApplicable("the provider takes part")
	}
	configuration := session.configuration()
	for _, key := range t.Provider.SecretConfiguration {
		configuration[key] = secret(configuration[key])
	}
	inputs := session.checkConfig(structOf(configuration))
	if hasOutputs(structpb.NewStructValue(inputs)) {
		t.brokenf("there are output values among the inputs")
	}
}

func oldOutputsChangeNothing(t *T) {
	for _, sends := range []bool{true, false} {
		session := t.start(Setup{})
		handshake := session.handshakeRequest()
		handshake.SendsOldOutputsToCheck = sends
		if _, err := session.Handshake(t.ctx, handshake); status.Code(err) != codes.Unimplemented {
			t.check("Handshake", err)
		}
		request := session.checkConfigRequest(structOf(session.configuration()))
		request.Olds = request.News
		without, err := session.CheckConfig(t.ctx, request)
		if status.Code(err) == codes.Unimplemented {
			t.notApplicable("CheckConfig is UNIMPLEMENTED")
		}
		t.check("CheckConfig", err)
		request.OldOutputs = request.News
		with, err := session.CheckConfig(t.ctx, request)
		t.check("CheckConfig with old outputs", err)
		if !proto.Equal(with, without) {
			t.brokenf("CheckConfig answers otherwise with old outputs")
		}
	}
}

// hasOutputs tells whether there is an output value in a value.
func hasOutputs(value *structpb.Value) bool {
	fields := value.GetStructValue().GetFields()
	inner := append(slices.Collect(maps.Values(fields)), value.GetListValue().GetValues()...)
	return fields[sig.Key].GetStringValue() == sig.OutputValue || slices.ContainsFunc(inner, hasOutputs)
}

// futureField is a field with a number that no message of the protocol uses.
func futureField() []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 12345, protowire.BytesType), "from the future")
}
