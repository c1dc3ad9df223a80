package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

type getCredentials struct {
	*clients
	mutex  sync.Mutex
	memory map[string]types.AuthorizationData // nil: not to be used
}

func newGetCredentials(clients *clients, remember bool) *getCredentials {
	function := &getCredentials{clients: clients}
	if remember {
		function.memory = map[string]types.AuthorizationData{}
	}
	return function
}

func (c *getCredentials) invoke(ctx context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
	registryID := request.Args.Get("registryId")
	if !registryID.IsString() {
		failure := p.CheckFailure{Property: "registryId", Reason: "must be a string, the id of a registry"}
		return p.InvokeResponse{Failures: []p.CheckFailure{failure}}, nil
	}
	data, err := c.authorization(ctx, registryID.AsString())
	if err != nil {
		return p.InvokeResponse{}, err
	}
	results, err := results(registryID.AsString(), data)
	if err != nil {
		return p.InvokeResponse{}, err
	}
	values := map[string]property.Value{}
	for name, result := range results {
		values[name] = property.New(result).WithSecret(registryID.Secret())
	}
	return p.InvokeResponse{Return: property.NewMap(values)}, nil
}

func (c *getCredentials) authorization(ctx context.Context, registryID string) (types.AuthorizationData, error) {
	if data, ok := c.remembered(registryID); ok {
		return data, nil
	}
	client, err := c.ecr(ctx)
	if err != nil {
		return types.AuthorizationData{}, err
	}
	//nolint:staticcheck // Deprecated by AWS, but it decides the proxyEndpoint.
	input := &ecr.GetAuthorizationTokenInput{RegistryIds: []string{registryID}}
	output, err := client.GetAuthorizationToken(ctx, input)
	if err != nil {
		return types.AuthorizationData{}, err
	}
	if len(output.AuthorizationData) == 0 {
		return types.AuthorizationData{}, errors.New("Amazon ECR returned no authorization data")
	}
	data := output.AuthorizationData[0]
	c.remember(registryID, data)
	return data, nil
}

func (c *getCredentials) remembered(registryID string) (types.AuthorizationData, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	data, ok := c.memory[registryID]
	return data, ok
}

func (c *getCredentials) remember(registryID string, data types.AuthorizationData) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.memory != nil {
		c.memory[registryID] = data
	}
}

func results(registryID string, data types.AuthorizationData) (map[string]string, error) {
	decoded, err := base64.StdEncoding.DecodeString(aws.ToString(data.AuthorizationToken))
	if err != nil {
		return nil, errors.New("the authorization token is not base64")
	}
	parts := strings.Split(string(decoded), ":")
	if len(parts) != 2 {
		return nil, fmt.Errorf("the authorization token has %d parts, not a user name and a password", len(parts))
	}
	return map[string]string{
		"authorizationToken": aws.ToString(data.AuthorizationToken),
		"expiresAt":          aws.ToTime(data.ExpiresAt).UTC().Format(time.RFC3339),
		"id":                 registryID,
		"password":           parts[1],
		"proxyEndpoint":      aws.ToString(data.ProxyEndpoint),
		"registryId":         registryID,
		"userName":           parts[0],
	}, nil
}
