package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// configuration holds the keys of the aws: namespace that matter to Amazon ECR. What is empty comes from the
// environment and the files of the AWS SDKs.
type configuration struct {
	region, accessKey, secretKey, token, endpoint string
}

func parseConfiguration(request p.ConfigureRequest) (configuration, error) {
	values := request.Args
	if values.Len() == 0 {
		values = fromVariables(request.Variables)
	}
	endpoint, err := ecrEndpoint(values.Get("endpoints"))
	return configuration{
		region:    text(values.Get("region")),
		accessKey: text(values.Get("accessKey")),
		secretKey: text(values.Get("secretKey")),
		token:     text(values.Get("token")),
		endpoint:  endpoint,
	}, err
}

// fromVariables reads the form that engines sent before ConfigureRequest.args.
func fromVariables(variables map[string]string) property.Map {
	values := map[string]property.Value{}
	for key, value := range variables {
		values[strings.TrimPrefix(key, name+":config:")] = property.New(value)
	}
	return property.NewMap(values)
}

func text(value property.Value) string {
	if value.IsString() {
		return value.AsString()
	}
	return ""
}

// ecrEndpoint finds the URL for ecr in a list of {service: url}, typed or as JSON text.
func ecrEndpoint(value property.Value) (string, error) {
	if value.IsString() && value.AsString() != "" {
		var endpoints []map[string]string
		if err := json.Unmarshal([]byte(value.AsString()), &endpoints); err != nil {
			return "", fmt.Errorf("aws:endpoints is not a JSON list of {service: url}: %w", err)
		}
		for _, services := range endpoints {
			if url := services["ecr"]; url != "" {
				return url, nil
			}
		}
		return "", nil
	}
	if value.IsArray() {
		for _, services := range value.AsArray().All {
			if services.IsMap() {
				if url := text(services.AsMap().Get("ecr")); url != "" {
					return url, nil
				}
			}
		}
	}
	return "", nil
}

func (c configuration) client(ctx context.Context) (*ecr.Client, error) {
	var options []func(*config.LoadOptions) error
	if c.region != "" {
		options = append(options, config.WithRegion(c.region))
	}
	if c.accessKey != "" {
		provider := credentials.NewStaticCredentialsProvider(c.accessKey, c.secretKey, c.token)
		options = append(options, config.WithCredentialsProvider(provider))
	}
	if os.Getenv("PEER_TRY_AS_OFFICIAL") == "true" {
		options = append(options, config.WithRetryer(officialTries))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	return ecr.NewFromConfig(loaded, func(options *ecr.Options) {
		if c.endpoint != "" {
			options.BaseEndpoint = aws.String(c.endpoint)
		}
	}), nil
}

// officialTries tries again as the official provider does where nothing is configured (aws-sdk-go-base).
func officialTries() aws.Retryer {
	return retry.NewStandard(func(options *retry.StandardOptions) {
		options.MaxAttempts = 25
		options.MaxBackoff = 300 * time.Second
		options.RateLimiter = ratelimit.None
	})
}
