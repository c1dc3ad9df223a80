// Command pulumi-resource-aws serves aws:ecr/getCredentials:getCredentials as one would write it in Go today: the raw
// layer of pulumi-go-provider and aws-sdk-go-v2. It is what this repository's plugin is measured against and what its
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
	function := newGetCredentials(os.Getenv("PEER_ANSWER_FROM_MEMORY") == "true")
	return p.Provider{
		GetSchema: func(context.Context, p.GetSchemaRequest) (p.GetSchemaResponse, error) {
			return p.GetSchemaResponse{Schema: schema}, nil
		},
		Configure: func(_ context.Context, request p.ConfigureRequest) error {
			configuration, err := parseConfiguration(request)
			if err != nil {
				return err
			}
			function.configure(configuration)
			return nil
		},
		Invoke: function.invoke,
	}
}
