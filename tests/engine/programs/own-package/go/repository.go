package main

import (
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// repository is a resource of aws.
func repository(ctx *pulumi.Context) error {
	repository, err := ecr.NewRepository(ctx, "my-app", &ecr.RepositoryArgs{Name: pulumi.String("my-app")})
	if err != nil {
		return err
	}
	ctx.Export("repositoryUrl", repository.RepositoryUrl)
	return nil
}
