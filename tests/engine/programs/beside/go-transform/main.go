package main

import (
	"context"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

var routed = []string{
	// the tokens
}

func route(_ context.Context, call *pulumi.InvokeTransformArgs) *pulumi.InvokeTransformResult {
	if slices.Contains(routed, call.Token) {
		call.Opts.Version = "7.999.1-ecr"
	}
	return &pulumi.InvokeTransformResult{Args: call.Args, Opts: call.Opts}
}

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		if err := ctx.RegisterInvokeTransform(route); err != nil {
			return err
		}

		repository, err := ecr.NewRepository(ctx, "my-app", &ecr.RepositoryArgs{Name: pulumi.String("my-app")})
		if err != nil {
			return err
		}
		credentials := ecr.GetCredentialsOutput(ctx, ecr.GetCredentialsOutputArgs{RegistryId: repository.RegistryId})
		login, err := ecr.GetCredentials(ctx, &ecr.GetCredentialsArgs{
			RegistryId: config.New(ctx, "").Require("registryId"),
		})
		if err != nil {
			return err
		}
		found := ecr.LookupRepositoryOutput(ctx, ecr.LookupRepositoryOutputArgs{Name: repository.Name})

		ctx.Export("password", pulumi.ToSecret(credentials.Password()))
		ctx.Export("passwordOfDirectForm", pulumi.ToSecret(login.Password))
		ctx.Export("repositoryUrl", found.RepositoryUrl())
		return nil
	})
}
