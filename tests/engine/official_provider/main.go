// Command pulumi-resource-aws stands in for the official provider in tests that run both: it has a resource, a function
// that this repository's plugin does not serve, and getCredentials, whose answer tells who gave it. It calls nobody.
//
// It takes its version from the folder that it is installed in, since each official SDK asks for its own version.
// Every call of a function and every operation on a resource is a line in $PULUMI_HOME/official-provider.log.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	name           = "aws"
	getCredentials = "aws:ecr/getCredentials:getCredentials"
	getRepository  = "aws:ecr/getRepository:getRepository"
	registryID     = "012345678901"
	registry       = registryID + ".dkr.ecr.eu-central-1.amazonaws.com"
)

//go:embed schema.json
var schema string

func main() {
	if err := provider().Run(context.Background(), name, installedVersion()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// installedVersion is X in resource-aws-vX/pulumi-resource-aws.
func installedVersion() string {
	folder := filepath.Base(filepath.Dir(os.Args[0]))
	return strings.TrimPrefix(folder, "resource-aws-v")
}

func provider() p.Provider {
	return p.Provider{
		GetSchema: func(context.Context, p.GetSchemaRequest) (p.GetSchemaResponse, error) {
			return p.GetSchemaResponse{Schema: schema}, nil
		},
		CheckConfig: func(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: request.Inputs}, nil
		},
		DiffConfig: func(context.Context, p.DiffRequest) (p.DiffResponse, error) { return p.DiffResponse{}, nil },
		Configure:  func(context.Context, p.ConfigureRequest) error { return nil },
		Cancel:     func(context.Context) error { return nil },
		Invoke:     invoke,
		Check: func(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{Inputs: request.Inputs}, record("Check", string(request.Urn.Type()))
		},
		Create: create,
		Diff: func(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
			return p.DiffResponse{}, record("Diff", string(request.Urn.Type()))
		},
		Delete: func(_ context.Context, request p.DeleteRequest) error {
			return record("Delete", string(request.Urn.Type()))
		},
	}
}

func create(_ context.Context, request p.CreateRequest) (p.CreateResponse, error) {
	name := request.Properties.Get("name").AsString()
	results := repositoryOf(name)
	if request.DryRun {
		name = ""
		for key := range results {
			results[key] = property.New(property.Computed)
		}
	}
	created := p.CreateResponse{ID: name, Properties: property.NewMap(results)}
	return created, record("Create", string(request.Urn.Type()))
}

func invoke(_ context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
	var results map[string]property.Value
	switch request.Token {
	case getRepository:
		results = repositoryOf(request.Args.Get("name").AsString())
	case getCredentials:
		results = texts(map[string]string{
			"authorizationToken": "b2ZmaWNpYWw6b2ZmaWNpYWw=",
			"expiresAt":          "2015-01-01T00:00:00Z",
			"id":                 registryID,
			"password":           "official",
			"proxyEndpoint":      "https://" + registry,
			"registryId":         registryID,
			"userName":           "official",
		})
	default:
		return p.InvokeResponse{}, status.Errorf(codes.NotFound, "the stand-in has no function %s", request.Token)
	}
	return p.InvokeResponse{Return: property.NewMap(results)}, record("Invoke", string(request.Token))
}

func repositoryOf(name string) map[string]property.Value {
	return texts(map[string]string{
		"name":          name,
		"registryId":    registryID,
		"repositoryUrl": registry + "/" + name,
	})
}

func texts(values map[string]string) map[string]property.Value {
	properties := map[string]property.Value{}
	for key, value := range values {
		properties[key] = property.New(value)
	}
	return properties
}

func record(call, token string) error {
	path := filepath.Join(os.Getenv("PULUMI_HOME"), "official-provider.log")
	log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = fmt.Fprintln(log, call, token)
	return err
}
