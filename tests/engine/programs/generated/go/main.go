package main

import (
	"example.com/pulumi-aws-ecr/sdk/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		registryID := config.New(ctx, "").Require("registryId")

		credentials := ecr.GetCredentialsOutput(ctx, ecr.GetCredentialsOutputArgs{
			RegistryId: pulumi.String(registryID),
			Region:     pulumi.String("us-west-2"),
		})
		region := "us-west-2"
		login, err := ecr.GetCredentials(ctx, &ecr.GetCredentialsArgs{RegistryId: registryID, Region: &region})
		if err != nil {
			return err
		}

		ctx.Export("proxyEndpoint", credentials.ProxyEndpoint())
		ctx.Export("password", pulumi.ToSecret(login.Password))
		return nil
	})
}
