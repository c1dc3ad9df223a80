package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// fault names what the provider is to do wrong; empty: nothing.
var fault = os.Getenv("GREETING_FAULT")

// processFaults are done once the port is said.
var processFaults = map[string]func(){
	"listens everywhere": func() {
		if _, err := net.Listen("tcp", ":0"); err != nil {
			panic(err)
		}
	},
	"ignores signals": func() { signal.Ignore(os.Interrupt, syscall.SIGTERM) },
	"talks":           func() { fmt.Println("Welcome!") },
}

// serves says of how many Invokes at a time answers are made, by those who do not serve all.
var serves = map[string]chan struct{}{
	"serves one Invoke at a time":   make(chan struct{}, 1),
	"serves some Invokes at a time": make(chan struct{}, 4),
}

// faults stand between requests and good answers.
var faults = map[string]func(method string, request, good any, err error) (any, error){
	"accepts no secrets":        instead("Handshake", &pulumirpc.ProviderHandshakeResponse{}),
	"asks for replacement":      instead("DiffConfig", &pulumirpc.DiffResponse{Replaces: []string{"name"}}),
	"changes configuration":     instead("CheckConfig", &pulumirpc.CheckResponse{Inputs: texts("version", "3.2.1")}),
	"greets Ada only":           instead("Invoke", &pulumirpc.InvokeResponse{Return: texts("greeting", "Hello, Ada!")}),
	"has a bad version":         instead("GetPluginInfo", &pulumirpc.PluginInfo{Version: "first"}),
	"has an empty schema":       instead("GetSchema", &pulumirpc.GetSchemaResponse{Schema: "{}"}),
	"answers secrets":           instead("Invoke", &pulumirpc.InvokeResponse{Return: secretGreeting()}),
	"creates what it lacks":     instead("Create", &pulumirpc.CreateResponse{Id: "none"}),
	"fails to attach":           fails("Attach"),
	"fails to cancel":           fails("Cancel"),
	"fails to configure":        fails("Configure"),
	"fails to map":              fails("GetMapping"),
	"fails to shake hands":      fails("Handshake"),
	"answers outputs":           instead("Invoke", &pulumirpc.InvokeResponse{Return: output("greeting", "Hello, Ada!")}),
	"configures outputs":        instead("CheckConfig", &pulumirpc.CheckResponse{Inputs: output("language", "English")}),
	"calls what it lacks":       instead("Call", &pulumirpc.CallResponse{}),
	"checks with old outputs":   checksWithOldOutputs,
	"ends soon after Cancel":    endsSoonAfterCancel,
	"ends with its operation":   ends(func(method string, _ any) bool { return method == "Cancel" }),
	"ends with bad arguments":   ends(func(_ string, good any) bool { return len(failuresOf(good)) > 0 }),
	"has no word for arguments": refusesSilently,
	"logs what it says":         logs,
	"reads 4 MiB":               readsLittle,
}

// options are those of a server that does what it is to do wrong.
func options() []grpc.ServerOption {
	if served, limited := serves[fault]; limited {
		return []grpc.ServerOption{grpc.UnaryInterceptor(limit(served))}
	}
	interfere, known := faults[fault]
	if !known {
		return nil
	}
	return []grpc.ServerOption{grpc.UnaryInterceptor(
		func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			good, err := handler(ctx, request)
			return interfere(path.Base(info.FullMethod), request, good, err)
		},
	)}
}

// limit lets so many Invokes wait for their answers as the channel holds.
func limit(served chan struct{}) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if path.Base(info.FullMethod) == "Invoke" {
			served <- struct{}{}
			defer func() { <-served }()
		}
		return handler(ctx, request)
	}
}

func checksWithOldOutputs(method string, request, good any, err error) (any, error) {
	check, is := request.(*pulumirpc.CheckRequest)
	if !is || method != "CheckConfig" {
		return good, err
	}
	if check.GetOldOutputs() != nil {
		return nil, status.Error(codes.InvalidArgument, "what is this?")
	}
	return &pulumirpc.CheckResponse{Inputs: check.GetNews()}, nil
}

func endsSoonAfterCancel(method string, _, good any, err error) (any, error) {
	if method == "Cancel" {
		time.AfterFunc(time.Second, func() { os.Exit(0) })
	}
	return good, err
}

func instead(method string, answer any) func(string, any, any, error) (any, error) {
	return func(called string, _, good any, err error) (any, error) {
		if called == method {
			return answer, nil
		}
		return good, err
	}
}

func fails(method string) func(string, any, any, error) (any, error) {
	return func(called string, _, good any, err error) (any, error) {
		if called == method {
			return nil, status.Error(codes.Internal, method+" fails")
		}
		return good, err
	}
}

func ends(when func(method string, good any) bool) func(string, any, any, error) (any, error) {
	return func(called string, _, good any, err error) (any, error) {
		if when(called, good) {
			os.Exit(2)
		}
		return good, err
	}
}

func refusesSilently(_ string, _, good any, err error) (any, error) {
	if len(failuresOf(good)) > 0 {
		return &pulumirpc.InvokeResponse{}, nil
	}
	return good, err
}

func logs(_ string, _, good any, err error) (any, error) {
	fmt.Fprintln(os.Stderr, good)
	return good, err
}

func readsLittle(_ string, request, good any, err error) (any, error) {
	if proto.Size(request.(proto.Message)) > 4<<20 {
		return nil, status.Error(codes.ResourceExhausted, "too much")
	}
	return good, err
}

func failuresOf(answer any) []*pulumirpc.CheckFailure {
	response, _ := answer.(*pulumirpc.InvokeResponse)
	return response.GetFailures()
}

func texts(key, value string) *structpb.Struct {
	return &structpb.Struct{Fields: map[string]*structpb.Value{key: structpb.NewStringValue(value)}}
}

func output(key, value string) *structpb.Struct {
	output := resource.NewProperty(resource.Output{Element: resource.NewProperty(value), Known: true})
	properties := resource.PropertyMap{resource.PropertyKey(key): output}
	message, err := plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepOutputValues: true})
	if err != nil {
		panic(err)
	}
	return message
}

func secretGreeting() *structpb.Struct {
	results, err := plugin.MarshalProperties(greeting("Ada", true), plugin.MarshalOptions{KeepSecrets: true})
	if err != nil {
		panic(err)
	}
	return results
}
