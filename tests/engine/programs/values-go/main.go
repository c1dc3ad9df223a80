package main

import (
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		plain := credentials(ctx, pulumi.String("100000000001"))
		secret := credentials(ctx, pulumi.ToSecret(pulumi.String("100000000003")).(pulumi.StringOutput))
		ctx.Export("plain", plain.AuthorizationToken())
		ctx.Export("secret", secret.AuthorizationToken())
		ctx.Export("dependent", credentials(ctx, plain.RegistryId()).RegistryId())
		return nil
	})
}

func credentials(ctx *pulumi.Context, registryID pulumi.StringInput) ecr.GetCredentialsResultOutput {
	return ecr.GetCredentialsOutput(ctx, ecr.GetCredentialsOutputArgs{RegistryId: registryID})
}
