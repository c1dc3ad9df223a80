package main

import (
	"context"
	"errors"
	"io"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// otherRPCCases are the RPCs that a provider of functions has nothing to say to: one case for each, and what else
// engines depend on there.
var otherRPCCases = append(refusalCases(), []Case{
	{
		ID: "mapping.get", Level: Must,
		Rule:   "GetMapping answers OK or UNIMPLEMENTED, to the engine's blind question too.",
		Source: "pkg/resource/plugin/provider_plugin.go: GetMapping",
		Run: func(t *T) {
			session := t.start(Setup{})
			for _, provider := range []string{"", t.Provider.Package, "conformance"} {
				request := &pulumirpc.GetMappingRequest{Key: "terraform", Provider: provider}
				response, err := session.GetMapping(t.ctx, request)
				if status.Code(err) != codes.Unimplemented {
					t.check("GetMapping", err)
				}
				if len(response.GetData()) > 0 && provider == "conformance" {
					t.brokenf("there is a mapping for a provider named conformance")
				}
			}
		},
	},
	{
		ID: "mapping.list", Level: Must,
		Rule:   "GetMappings answers OK or UNIMPLEMENTED.",
		Source: "pkg/resource/plugin/provider_plugin.go: GetMappings",
		Run: func(t *T) {
			request := &pulumirpc.GetMappingsRequest{Key: "terraform"}
			if _, err := t.start(Setup{}).GetMappings(t.ctx, request); status.Code(err) != codes.Unimplemented {
				t.check("GetMappings", err)
			}
		},
	},
	{
		ID: "rpc.newer", Level: Must,
		Rule:   "RPCs and services that only newer engines know are UNIMPLEMENTED.",
		Source: "grpc: status codes; this is how engines find out what a provider can do",
		Run: func(t *T) {
			session := t.start(Setup{})
			for _, method := range []string{"/pulumirpc.ResourceProvider/Conformance", "/pulumirpc.Conformance/Call"} {
				err := session.Connection.Invoke(t.ctx, method, &structpb.Struct{}, &structpb.Struct{})
				if status.Code(err) != codes.Unimplemented {
					t.brokenf("%s: %s", method, status.Code(err))
				}
			}
			session.alive("after that")
		},
	},
	{
		ID: "rpc.health", Level: Should,
		Rule:   "A health service, if there is one, says that the provider is serving.",
		Source: "sdk/go/common/util/rpcutil/serve.go: serveWithOptions, which has one say so",
		Run:    health,
	},
	{
		ID: "rpc.older-call", Level: Must,
		Rule:   "A Call of an engine that does not speak of output values does not end the process.",
		Source: "proto/pulumi/provider.proto: CallRequest.accepts_output_values, which engine 3.49 does not know",
		Run: func(t *T) {
			session := t.configured(Setup{})
			_, err := session.Call(t.ctx, &pulumirpc.CallRequest{Tok: token(t), Args: structOf(nil)})
			session.alive("after Call")
			if err == nil {
				t.note("OK")
			}
		},
	},
}...)

func health(t *T) {
	session := t.configured(Setup{})
	response, err := healthpb.NewHealthClient(session.Connection).Check(t.ctx, &healthpb.HealthCheckRequest{})
	if status.Code(err) == codes.Unimplemented {
		t.notApplicable("the provider has no health service")
	}
	t.check("the health check", err)
	if response.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.brokenf("it says %s", response.GetStatus())
	}
}

// resourceType is a type that no provider has.
func resourceType(t *T) string {
	return t.Provider.Package + ":conformance/noSuchResource:NoSuchResource"
}

func resourceURN(t *T) string { return "urn:pulumi:dev::conformance::" + resourceType(t) + "::none" }

func token(t *T) string { return resourceType(t) + "/noSuchMethod" }

// refusals are the RPCs of resources and parameters, each called for something that no provider has.
var refusals = []struct {
	name string
	call func(context.Context, *T, *Session) error
}{
	{"Parameterize", func(ctx context.Context, _ *T, s *Session) error {
		arguments := &pulumirpc.ParameterizeRequest_ParametersArgs{Args: []string{"conformance"}}
		_, err := s.Parameterize(ctx, &pulumirpc.ParameterizeRequest{
			Parameters: &pulumirpc.ParameterizeRequest_Args{Args: arguments},
		})
		return err
	}},
	{"Call", func(ctx context.Context, t *T, s *Session) error {
		request := &pulumirpc.CallRequest{Tok: token(t), Args: structOf(nil), AcceptsOutputValues: true}
		_, err := s.Call(ctx, request)
		return err
	}},
	{"Construct", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Construct(ctx, &pulumirpc.ConstructRequest{
			Project: "conformance", Stack: "dev", Type: resourceType(t), Name: "none", Inputs: structOf(nil),
			MonitorEndpoint: t.unusedAddress(), AcceptsOutputValues: true,
		})
		return err
	}},
	{"Check", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Check(ctx, &pulumirpc.CheckRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", News: structOf(nil),
		})
		return err
	}},
	{"Diff", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Diff(ctx, &pulumirpc.DiffRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", Id: "x",
			Olds: structOf(nil), OldInputs: structOf(nil), News: structOf(nil),
		})
		return err
	}},
	{"Create", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Create(ctx, &pulumirpc.CreateRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", Properties: structOf(nil),
		})
		return err
	}},
	{"Read", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Read(ctx, &pulumirpc.ReadRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", Id: "x",
			Properties: structOf(nil), Inputs: structOf(nil),
		})
		return err
	}},
	{"Update", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Update(ctx, &pulumirpc.UpdateRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", Id: "x",
			Olds: structOf(nil), OldInputs: structOf(nil), News: structOf(nil),
		})
		return err
	}},
	{"Delete", func(ctx context.Context, t *T, s *Session) error {
		_, err := s.Delete(ctx, &pulumirpc.DeleteRequest{
			Urn: resourceURN(t), Type: resourceType(t), Name: "none", Id: "x", Properties: structOf(nil),
		})
		return err
	}},
	{"List", func(ctx context.Context, t *T, s *Session) error {
		stream, err := s.List(ctx, &pulumirpc.ListRequest{Token: resourceType(t), Query: structOf(nil)})
		if err != nil {
			return err
		}
		if _, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}},
}

// refusalCases hold these RPCs to UNIMPLEMENTED, which engines understand and which tells users most.
func refusalCases() []Case {
	var cases []Case
	for _, rpc := range refusals {
		cases = append(cases, Case{
			ID: "refusal." + rpc.name, Level: Must,
			Rule:   rpc.name + " of what the provider does not have is an error, UNIMPLEMENTED where it has none of the kind.",
			Source: "proto/pulumi/provider.proto: " + rpc.name,
			Run: func(t *T) {
				session := t.configured(Setup{})
				err := rpc.call(t.ctx, t, session)
				session.alive("after " + rpc.name)
				switch status.Code(err) {
				case codes.OK:
					t.brokenf("%s of nothing answered OK", rpc.name)
				case codes.Unavailable, codes.DeadlineExceeded:
					t.brokenf("%s: %v", rpc.name, err)
				case codes.Unimplemented:
				default:
					t.note(status.Code(err).String())
				}
			},
		})
	}
	return cases
}
