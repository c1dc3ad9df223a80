package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
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
		registry := credentials.ApplyT(func(result ecr.GetCredentialsResult) (map[string]string, error) {
			userName, password, err := decode(result.AuthorizationToken)
			return map[string]string{
				"address":  result.ProxyEndpoint,
				"username": userName,
				"password": password,
			}, err
		})
		ctx.Export("registry", pulumi.ToSecret(registry))

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

// This SDK does not know the results userName and password, so a program takes the token apart.
func decode(authorizationToken string) (userName, password string, err error) {
	decoded, err := base64.StdEncoding.DecodeString(authorizationToken)
	if err != nil {
		return "", "", fmt.Errorf("the authorization token is not base64: %w", err)
	}
	userName, password, found := strings.Cut(string(decoded), ":")
	if !found {
		return "", "", fmt.Errorf("the authorization token holds no password")
	}
	return userName, password, nil
}
