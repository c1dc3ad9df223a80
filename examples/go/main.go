package main

import (
	"encoding/json"

	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		registryID := config.New(ctx, "").Require("registryId")

		// The Output form also takes Outputs, such as repository.RegistryId.
		credentials := ecr.GetCredentialsOutput(ctx, ecr.GetCredentialsOutputArgs{
			RegistryId: pulumi.String(registryID),
		})

		// What an image build takes to push, such as Registries of a docker-build Image.
		ctx.Export("registry", pulumi.Map{
			"address":  credentials.ProxyEndpoint(),
			"username": credentials.UserName(),
			"password": pulumi.ToSecret(credentials.Password()),
		})

		// The direct form gives plain values, here for the config.json of a pull secret.
		login, err := ecr.GetCredentials(ctx, &ecr.GetCredentialsArgs{RegistryId: registryID})
		if err != nil {
			return err
		}
		dockerConfig, err := json.Marshal(map[string]any{
			"auths": map[string]any{
				login.ProxyEndpoint: map[string]string{"auth": login.AuthorizationToken},
			},
		})
		if err != nil {
			return err
		}
		ctx.Export("dockerConfig", pulumi.ToSecret(string(dockerConfig)))
		ctx.Export("expiresAt", pulumi.String(login.ExpiresAt))
		return nil
	})
}
