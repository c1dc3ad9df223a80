package main

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// handshakeRequest is what engines send.
func (s *Session) handshakeRequest() *pulumirpc.ProviderHandshakeRequest {
	directory := s.command.Dir
	request := &pulumirpc.ProviderHandshakeRequest{
		RootDirectory: &directory, ProgramDirectory: &directory,
		ConfigureWithUrn: true, SupportsViews: true, SupportsRefreshBeforeUpdate: true,
		InvokeWithPreview: true, AcceptsByteString: true, SendsOldOutputsToCheck: true,
		AcceptsOutputsInInvoke: true, AcceptsOutputsInCall: true,
	}
	if s.Engine != nil {
		request.EngineAddress = s.Engine.Address
	}
	return request
}

// handshake shakes hands as engines do, which take UNIMPLEMENTED for an answer (nil).
func (s *Session) handshake() *pulumirpc.ProviderHandshakeResponse {
	response, err := s.Handshake(s.t.ctx, s.handshakeRequest())
	if status.Code(err) == codes.Unimplemented {
		return nil
	}
	s.t.check("Handshake", err)
	return response
}

// configuration is the provider's, leading to the session's stand-in.
func (s *Session) configuration() map[string]any {
	url := ""
	if s.Service != nil {
		url = s.Service.URL
	}
	return expand(s.t.Provider.Configuration, "${service}", url).(map[string]any)
}

// configureRequest is what engines send for a configuration.
func (s *Session) configureRequest(configuration map[string]any) *pulumirpc.ConfigureRequest {
	name := "default"
	kind := "pulumi:providers:" + s.t.Provider.Package
	urn := fmt.Sprintf("urn:pulumi:dev::conformance::%s::%s", kind, name)
	id := "b0a1f1a4-4f1c-4c5e-9d0e-2f5c1d9a7b10"
	return &pulumirpc.ConfigureRequest{
		Args: structOf(configuration), Variables: s.variables(configuration),
		AcceptSecrets: true, AcceptResources: true, SendsOldInputs: true, SendsOldInputsToDelete: true,
		Id: &id, Urn: &urn, Name: &name, Type: &kind,
	}
}

// variables is the older form of a configuration: texts, what is not a string as JSON.
func (s *Session) variables(configuration map[string]any) map[string]string {
	variables := map[string]string{}
	for key, value := range textual(configuration) {
		if key != "version" {
			variables[s.t.Provider.Package+":config:"+key] = value.(string)
		}
	}
	return variables
}

// textual is a configuration as it comes from a stack's file: all values texts, what is not a string as JSON.
func textual(configuration map[string]any) map[string]any {
	texts := map[string]any{}
	for key, value := range configuration {
		if text, isText := value.(string); isText {
			texts[key] = text
		} else {
			texts[key] = jsonText(value)
		}
	}
	return texts
}

// configure configures with a configuration as it is.
func (s *Session) configure(configuration map[string]any) *pulumirpc.ConfigureResponse {
	response, err := s.Configure(s.t.ctx, s.configureRequest(configuration))
	s.t.check("Configure", err)
	return response
}

// configured starts a process and leads it through an engine's calls up to Configure.
func (t *T) configured(setup Setup) *Session {
	session := t.start(setup)
	session.handshake()
	session.configure(session.configuration())
	return session
}

// Answer is what an Invoke came to, read as engines read it.
type Answer struct {
	Results  resource.PropertyMap
	Failures []*pulumirpc.CheckFailure
	Err      error

	unreadable error
}

// invoke invokes the provider's function.
func (s *Session) invoke(arguments map[string]any) Answer {
	return s.invokeRequest(s.t.ctx, s.invokeRequestFor(arguments))
}

// invokeRequest ends the case if there are results that an engine cannot read.
func (s *Session) invokeRequest(ctx context.Context, request *pulumirpc.InvokeRequest) Answer {
	return s.readable(s.call(ctx, request))
}

func (s *Session) readable(answer Answer) Answer {
	if answer.unreadable != nil {
		s.t.brokenf("an engine cannot read the results: %v", answer.unreadable)
	}
	return answer
}

func (s *Session) invokeRequestFor(arguments map[string]any) *pulumirpc.InvokeRequest {
	return &pulumirpc.InvokeRequest{Tok: s.t.Provider.Function.Token, Args: structOf(arguments)}
}

// begin begins an Invoke in the background.
func (s *Session) begin(ctx context.Context, arguments map[string]any) <-chan Answer {
	answers := make(chan Answer, 1)
	request := s.invokeRequestFor(arguments)
	go func() { answers <- s.call(ctx, request) }()
	return answers
}

// call may run beside the case: it never ends it.
func (s *Session) call(ctx context.Context, request *pulumirpc.InvokeRequest) Answer {
	response, err := s.Invoke(ctx, request)
	if err != nil {
		return Answer{Err: err}
	}
	results, err := plugin.UnmarshalProperties(response.GetReturn(), plugin.MarshalOptions{
		RejectUnknowns: true, KeepSecrets: true, KeepResources: true, PropagateNil: true,
	})
	return Answer{Results: results, Failures: response.GetFailures(), unreadable: err}
}

// refused tells whether there is no result but a reason for the user.
func (a Answer) refused() bool {
	return a.Err != nil || len(a.Failures) > 0
}

// message is all that the user gets to read.
func (a Answer) message() string {
	if a.Err != nil {
		return status.Convert(a.Err).Message()
	}
	var lines []string
	for _, failure := range a.Failures {
		lines = append(lines, failure.GetProperty()+": "+failure.GetReason())
	}
	return strings.Join(lines, "; ")
}

// good ends the case unless the answer is the one for a value of the argument, whether secret or not.
func (s *Session) good(answer Answer, argument string) {
	s.readable(answer)
	if answer.refused() {
		s.t.brokenf("no results but %s", describe(answer))
	}
	want := s.t.Provider.Function.resultsFor(argument)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, has := answer.Results[resource.PropertyKey(name)]
		for has && value.IsSecret() {
			value = value.SecretValue().Element
		}
		if !has {
			s.t.brokenf("the result %s is missing", name)
		}
		got, text := value.Mappable(), fmt.Sprint(want[name])
		switch {
		case reflect.DeepEqual(got, want[name]):
		case slices.Contains(s.t.Provider.Secrets, text):
			s.t.brokenf("the result %s is not the one that the service gave", name)
		default:
			s.t.brokenf("the result %s is %q, not %q", name, fmt.Sprint(got), text)
		}
	}
}

// works ends the case unless the function still answers well.
func (s *Session) works() {
	argument := s.t.Provider.Function.goodArgument()
	s.good(s.invoke(s.t.Provider.Function.Arguments), argument)
}

// refuses ends the case if bad arguments brought results, or if the process did not survive them.
func (s *Session) refuses(what string, answer Answer) {
	s.alive(what)
	if !answer.refused() {
		s.t.brokenf("%s: answered with %d results and no word of it", what, len(answer.Results))
	}
	if answer.message() == "" {
		s.t.brokenf("%s: refused without a word", what)
	}
}

// alive ends the case if the process ended or does not answer any more.
func (s *Session) alive(what string) {
	ctx, cancel := context.WithTimeout(s.t.ctx, answerLimit)
	defer cancel()
	_, err := s.GetPluginInfo(ctx, &emptypb.Empty{})
	if err == nil {
		return
	}
	if s.exitsWithin(s.t, time.Second) {
		s.t.brokenf("%s: the process ended (%s)", what, s.command.ProcessState)
	}
	s.t.brokenf("%s: GetPluginInfo was not answered afterwards: %v", what, err)
}

// describe is an answer in a few words, for reports.
func describe(answer Answer) string {
	if answer.Err != nil {
		return fmt.Sprintf("%s: %s", status.Code(answer.Err), answer.message())
	}
	if len(answer.Failures) > 0 {
		return "failures: " + answer.message()
	}
	return fmt.Sprintf("%d results", len(answer.Results))
}

// structOf is a message of values as JSON has them.
func structOf(values map[string]any) *structpb.Struct {
	fields := make(map[string]*structpb.Value, len(values))
	for key, value := range values {
		fields[key] = valueOf(value)
	}
	return &structpb.Struct{Fields: fields}
}

// valueOf is a value as JSON has it, or one that is a message already.
func valueOf(value any) *structpb.Value {
	switch value := value.(type) {
	case *structpb.Value:
		return value
	case map[string]any:
		return structpb.NewStructValue(structOf(value))
	case []any:
		elements := make([]*structpb.Value, len(value))
		for i, element := range value {
			elements[i] = valueOf(element)
		}
		return structpb.NewListValue(&structpb.ListValue{Values: elements})
	}
	message, err := structpb.NewValue(value)
	if err != nil {
		panic(err) // a mistake in the suite
	}
	return message
}
