// The libraries that resolve configuration and credentials in the official provider, asked for what this plugin is asked
// for: one ecr:GetAuthorizationToken. A provider configuration is read from stdin, as JSON with the names of the `aws:`
// namespace; what was found is written to stdout, as JSON. What counts is what AWS saw meanwhile.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/diag"
	"github.com/hashicorp/aws-sdk-go-base/v2/validation"
)

// registry is the one that is asked for.
const registry = "123456789012"

// found is what the libraries made of a configuration: credentials and a Region, or an error.
type found struct {
	AccessKey    string `json:"access_key,omitempty"`
	SecretKey    string `json:"secret_key,omitempty"`
	SessionToken string `json:"session_token,omitempty"`
	Region       string `json:"region,omitempty"`
	Error        string `json:"error,omitempty"`
}

func main() {
	result, err := resolve(context.Background())
	if err != nil {
		result.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func resolve(ctx context.Context) (found, error) {
	var provider Provider
	if err := json.NewDecoder(os.Stdin).Decode(&provider); err != nil {
		return found{}, err
	}
	if err := provider.validate(); err != nil {
		return found{}, err
	}
	config, err := provider.base()
	if err != nil {
		return found{}, err
	}
	client, err := configure(ctx, provider, config)
	if err != nil {
		return found{}, err
	}
	return call(ctx, provider, client)
}

// configure does what the official provider does to be configured. What it asks AWS of the account is asked here only for
// those who want to know.
func configure(ctx context.Context, provider Provider, config *awsbase.Config) (aws.Config, error) {
	wanted := len(config.AllowedAccountIds)+len(config.ForbiddenAccountIds) > 0
	wanted = wanted || isFalse(provider.SkipCredentialsValidation)
	config.SkipCredsValidation, config.SkipRequestingAccountId = true, true
	ctx, client, diags := awsbase.GetAwsConfig(ctx, config)
	if err := failure(diags); err != nil {
		return client, err
	}
	if isFalse(provider.SkipRegionValidation) {
		if err := validation.SupportedRegion(client.Region); err != nil {
			return client, err
		}
	}
	config.SkipCredsValidation = !wanted
	account, _, diags := awsbase.GetAwsAccountIDAndPartition(ctx, client, config)
	if err := failure(diags); err != nil {
		return client, err
	}
	return client, config.VerifyAccountIDAllowed(account)
}

func isFalse(value *bool) bool { return value != nil && !*value }

func failure(diags diag.Diagnostics) error {
	var errs []error
	for _, each := range diags {
		if each.Severity() == diag.SeverityError {
			errs = append(errs, fmt.Errorf("%s: %s", each.Summary(), each.Detail()))
		}
	}
	return errors.Join(errs...)
}

// call asks ECR as the provider's client of it does.
func call(ctx context.Context, provider Provider, config aws.Config) (found, error) {
	client := ecr.NewFromConfig(config, ecr.WithEndpointResolverV2(resolver{ecr.NewDefaultEndpointResolverV2()}),
		func(options *ecr.Options) {
			if url := provider.endpoint("ecr"); url != "" {
				options.BaseEndpoint = aws.String(url)
			}
		})
	credentials, err := config.Credentials.Retrieve(ctx)
	if err != nil {
		return found{}, err
	}
	result := found{
		AccessKey:    credentials.AccessKeyID,
		SecretKey:    credentials.SecretAccessKey,
		SessionToken: credentials.SessionToken,
		Region:       config.Region,
	}
	answer, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{RegistryIds: []string{registry}})
	if err == nil && len(answer.AuthorizationData) == 0 {
		err = errors.New("no authorization data")
	}
	return result, err
}

// resolver is the provider's: an endpoint of one's own wins over FIPS. Where there is none, the provider falls back from
// FIPS if the host's name is not known; here, where no name is, each is as good as known.
type resolver struct{ rules ecr.EndpointResolverV2 }

func (r resolver) ResolveEndpoint(ctx context.Context, p ecr.EndpointParameters) (smithyendpoints.Endpoint, error) {
	p = p.WithDefaults()
	if aws.ToString(p.Endpoint) != "" && aws.ToBool(p.UseFIPS) {
		p.UseFIPS = aws.Bool(false)
	}
	return r.rules.ResolveEndpoint(ctx, p)
}
