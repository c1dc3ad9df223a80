package main

import (
	"fmt"

	"example.com/pulumi-aws-ecr/sdk/go/awsecr"
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// beside has a resource of aws, and calls the functions of the other package in their direct form.
func beside(ctx *pulumi.Context) error {
	repository, err := ecr.NewRepository(ctx, "my-app", &ecr.RepositoryArgs{Name: pulumi.String("my-app")})
	if err != nil {
		return err
	}
	repositories, err := awsecr.GetRepositories(ctx, nil)
	if err != nil {
		return err
	}
	_, err = awsecr.GetCredentials(ctx, &awsecr.GetCredentialsArgs{RegistryId: "123456789012"})

	ctx.Export("repositoryUrl", repository.RepositoryUrl)
	ctx.Export("repositoriesOfDirectForm", pulumi.ToStringArray(repositories.Names))
	ctx.Export("credentialsOfDirectForm", pulumi.String(fmt.Sprint(err)))
	return nil
}
