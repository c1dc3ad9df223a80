package main

import (
	"fmt"

	"example.com/pulumi-aws-ecr/sdk/go/awsecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// beside calls the functions of the added package in their direct form.
func beside(ctx *pulumi.Context) error {
	repositories, err := awsecr.GetRepositories(ctx, nil)
	if err != nil {
		return err
	}
	_, err = awsecr.GetCredentials(ctx, &awsecr.GetCredentialsArgs{RegistryId: "123456789012"})

	ctx.Export("repositoriesOfDirectForm", pulumi.ToStringArray(repositories.Names))
	ctx.Export("credentialsOfDirectForm", pulumi.String(fmt.Sprint(err)))
	return repository(ctx)
}
