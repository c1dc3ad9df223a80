package main

import (
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

var handshakeCases = []Case{
	{
		ID: "handshake.answer", Level: Must,
		Rule:   "Handshake answers OK or UNIMPLEMENTED; anything else keeps the provider from being loaded.",
		Source: "sdk/go/common/resource/plugin/provider_plugin.go: handshake",
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

// futureField is a field with a number that no message of the protocol uses.
func futureField() []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 12345, protowire.BytesType), "from the future")
}
