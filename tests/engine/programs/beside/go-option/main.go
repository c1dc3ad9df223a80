package main

import (
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		repository, err := ecr.NewRepository(ctx, "my-app", &ecr.RepositoryArgs{Name: pulumi.String("my-app")})
		if err != nil {
			return err
		}
		arguments := ecr.GetCredentialsOutputArgs{RegistryId: repository.RegistryId}

		credentials := ecr.GetCredentialsOutput(ctx, arguments, pulumi.Version("7.999.1-ecr"))
		official := ecr.GetCredentialsOutput(ctx, arguments)
		found := ecr.LookupRepositoryOutput(ctx, ecr.LookupRepositoryOutputArgs{Name: repository.Name})

		ctx.Export("password", pulumi.ToSecret(credentials.Password()))
		ctx.Export("passwordOfOfficialProvider", pulumi.ToSecret(official.Password()))
		ctx.Export("repositoryUrl", found.RepositoryUrl())
		return nil
	})
}
