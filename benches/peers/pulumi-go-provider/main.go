// Command pulumi-resource-aws serves getCredentials, getRepository and getImages of aws:ecr as one would write them in Go
// today: the raw layer of pulumi-go-provider and aws-sdk-go-v2. It is what this repository's plugin is measured against and what its
// conformance suite is tried on.
//
// With PEER_ANSWER_FROM_MEMORY=true a registry's credentials are fetched once and then answered from memory; with
// PEER_TRY_AS_OFFICIAL=true calls are tried again as the official provider does.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	name    = "aws"
	version = "7.999.0-peer"
)

//go:embed schema.json
var schema string

func main() {
	if err := provider().Run(context.Background(), name, version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// provider leaves the remaining RPCs to the framework, which answers UNIMPLEMENTED, as engines expect of providers
// that have nothing to say there.
func provider() p.Provider {
	clients := &clients{}
	credentials := newGetCredentials(clients, os.Getenv("PEER_ANSWER_FROM_MEMORY") == "true")
	functions := map[string]invoke{
		"aws:ecr/getCredentials:getCredentials": credentials.invoke,
		"aws:ecr/getImages:getImages":           clients.getImages,
		"aws:ecr/getRepository:getRepository":   clients.getRepository,
	}
	return p.Provider{
		GetSchema: func(context.Context, p.GetSchemaRequest) (p.GetSchemaResponse, error) {
			return p.GetSchemaResponse{Schema: schema}, nil
		},
		Configure: func(_ context.Context, request p.ConfigureRequest) error {
			configuration, err := parseConfiguration(request)
			if err != nil {
				return err
			}
			clients.configure(configuration)
			return nil
		},
		Invoke: func(ctx context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
			invoke, served := functions[string(request.Token)]
			if !served {
				return p.InvokeResponse{}, status.Errorf(codes.NotFound, "%s is not served", request.Token)
			}
			return invoke(ctx, request)
		},
	}
}

type invoke = func(context.Context, p.InvokeRequest) (p.InvokeResponse, error)
