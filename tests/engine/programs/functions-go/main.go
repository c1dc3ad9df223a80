package main

import (
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v7/go/aws/ecrpublic"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const name = "team/app"

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		if err := direct(ctx); err != nil {
			return err
		}
		output(ctx)
		return nil
	})
}

func direct(ctx *pulumi.Context) error {
	mostRecent, tag, text := true, "v1", "<old>"
	token, err := ecr.GetAuthorizationToken(ctx, nil)
	if err != nil {
		return err
	}
	publicToken, err := ecrpublic.GetAuthorizationToken(ctx, nil)
	if err != nil {
		return err
	}
	repository, err := ecr.LookupRepository(ctx, &ecr.LookupRepositoryArgs{Name: name})
	if err != nil {
		return err
	}
	image, err := ecr.GetImage(ctx, &ecr.GetImageArgs{RepositoryName: name, MostRecent: &mostRecent})
	if err != nil {
		return err
	}
	images, err := ecr.GetImages(ctx, &ecr.GetImagesArgs{RepositoryName: name})
	if err != nil {
		return err
	}
	publicImages, err := ecrpublic.GetImages(ctx, &ecrpublic.GetImagesArgs{
		RepositoryName: "tool", ImageIds: []ecrpublic.GetImagesImageId{{ImageTag: &tag}},
	})
	if err != nil {
		return err
	}
	template, err := ecr.LookupRepositoryCreationTemplate(ctx, &ecr.LookupRepositoryCreationTemplateArgs{Prefix: "ROOT"})
	if err != nil {
		return err
	}
	rule, err := ecr.LookupPullThroughCacheRule(ctx, &ecr.LookupPullThroughCacheRuleArgs{EcrRepositoryPrefix: "docker-hub"})
	if err != nil {
		return err
	}
	document, err := ecr.GetLifecyclePolicyDocument(ctx, &ecr.GetLifecyclePolicyDocumentArgs{
		Rules: []ecr.GetLifecyclePolicyDocumentRule{{
			Priority: 1, Description: &text,
			Selection: ecr.GetLifecyclePolicyDocumentRuleSelection{
				TagStatus: "tagged", TagPrefixLists: []string{"v"}, CountType: "imageCountMoreThan", CountNumber: 3,
			},
		}},
	})
	if err != nil {
		return err
	}
	export := func(name string, values ...any) { ctx.Export(name, pulumi.ToArray(values)) }
	export("tokens", token.UserName, publicToken.UserName)
	export("repository", repository.Arn, repository.Tags, repository.ImageScanningConfigurations[0].ScanOnPush)
	export("image", image.ImageUri, image.ImageTags, image.ImagePushedAt, image.ImageSizeInBytes)
	ids := make([]any, len(images.ImageIds))
	for i, id := range images.ImageIds {
		ids[i] = []any{id.ImageDigest, id.ImageTag}
	}
	export("images", ids...)
	export("publicImages", []any{publicImages.Images[0].ImagePushedAt, publicImages.Images[0].ImageTags})
	export("template", template.AppliedFors, template.EncryptionConfigurations[0].EncryptionType)
	export("rule", rule.Id, rule.UpstreamRegistryUrl)
	ctx.Export("document", pulumi.String(document.Json))
	return nil
}

func output(ctx *pulumi.Context) {
	repository := ecr.LookupRepositoryOutput(ctx, ecr.LookupRepositoryOutputArgs{
		Name: pulumi.ToSecret(pulumi.String(name)).(pulumi.StringOutput),
	})
	ctx.Export("secret", repository.Arn())
	ctx.Export("names", ecr.GetRepositoriesOutput(ctx, ecr.GetRepositoriesOutputArgs{}).Names())
	credentials := ecr.GetCredentialsOutput(ctx, ecr.GetCredentialsOutputArgs{RegistryId: pulumi.String("444455556666")})
	ctx.Export("credentials", credentials.UserName())
}
