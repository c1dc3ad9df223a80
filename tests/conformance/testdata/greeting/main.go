// Command pulumi-resource-greeting serves greeting:index:greet, a function that calls nobody unless told to. It is a provider of another
// package than those that the suite is usually run on, and as small as one gets on Pulumi's SDK for Go. With GREETING_FAULT
// in its environment it does something wrong: see faults.go.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	token   = "greeting:index:greet"
	version = "1.2.3"
	schema  = `{
		"name": "greeting",
		"version": "` + version + `",
		"functions": {
			"` + token + `": {
				"inputs": { "properties": { "name": { "type": "string" } }, "required": ["name"] },
				"outputs": { "properties": { "greeting": { "type": "string" } }, "required": ["greeting"] }
			}
		}
	}`
)

type greeter struct {
	pulumirpc.UnimplementedResourceProviderServer

	// office is whom to ask before a greeting; empty: nobody.
	office atomic.Value
}

func main() {
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Options: options(), Init: func(server *grpc.Server) error {
		pulumirpc.RegisterResourceProviderServer(server, &greeter{})
		return nil
	}})
	if err == nil {
		fmt.Println(handle.Port)
		if do, is := processFaults[fault]; is {
			do()
		}
		err = <-handle.Done
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (*greeter) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (*greeter) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: schema}, nil
}

func (g *greeter) Configure(
	_ context.Context, request *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	g.office.Store(request.GetArgs().GetFields()["office"].GetStringValue())
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, AcceptResources: true, SupportsPreview: true}, nil
}

func (*greeter) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (*greeter) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (g *greeter) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if request.GetTok() != token {
		return nil, status.Errorf(codes.NotFound, "there is no function %s", request.GetTok())
	}
	options := plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}
	arguments, err := plugin.UnmarshalProperties(request.GetArgs(), options)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	name, secret := arguments["name"], false
	for name.IsSecret() {
		name, secret = name.SecretValue().Element, true
	}
	if !name.IsString() || name.StringValue() == "" {
		failure := &pulumirpc.CheckFailure{Property: "name", Reason: "name must be a text"}
		return &pulumirpc.InvokeResponse{Failures: []*pulumirpc.CheckFailure{failure}}, nil
	}
	if err := g.ask(ctx); err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	results, err := plugin.MarshalProperties(greeting(name.StringValue(), secret), options)
	return &pulumirpc.InvokeResponse{Return: results}, err
}

// ask asks the office, where the configuration names one, whether one may greet.
func (g *greeter) ask(ctx context.Context) error {
	office, _ := g.office.Load().(string)
	if office == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, office, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the office says %s", response.Status)
	}
	if err == nil {
		err = response.Body.Close()
	}
	return err
}

func greeting(name string, secret bool) resource.PropertyMap {
	greeting := resource.NewProperty("Hello, " + name + "!")
	if secret {
		greeting = resource.MakeSecret(greeting)
	}
	return resource.PropertyMap{"greeting": greeting}
}
