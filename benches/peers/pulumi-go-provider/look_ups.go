package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// page is the most that Amazon ECR returns at once.
const page = 1000

func (c *clients) getImages(ctx context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
	client, err := c.ecr(ctx)
	if err != nil {
		return p.InvokeResponse{}, err
	}
	name := text(request.Args.Get("repositoryName"))
	input := &ecr.ListImagesInput{RepositoryName: &name, MaxResults: aws.Int32(page)}
	var ids []property.Value
	for pages := ecr.NewListImagesPaginator(client, input); pages.HasMorePages(); {
		output, err := pages.NextPage(ctx)
		if err != nil {
			return p.InvokeResponse{}, err
		}
		for _, id := range output.ImageIds {
			ids = append(ids, object(map[string]property.Value{
				"imageDigest": optional(id.ImageDigest), "imageTag": optional(id.ImageTag),
			}))
		}
	}
	return answer(map[string]property.Value{
		"imageIds": property.New(ids), "region": property.New(client.Options().Region), "repositoryName": property.New(name),
	}), nil
}

func (c *clients) getRepository(ctx context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
	client, err := c.ecr(ctx)
	if err != nil {
		return p.InvokeResponse{}, err
	}
	name := text(request.Args.Get("name"))
	found, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return p.InvokeResponse{}, err
	}
	if len(found.Repositories) == 0 {
		return p.InvokeResponse{}, errors.New("Amazon ECR returned no repository")
	}
	repository := found.Repositories[0]
	tags, err := client.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: repository.RepositoryArn})
	if err != nil {
		return p.InvokeResponse{}, err
	}
	latest, err := latestImage(ctx, client, repository)
	if err != nil {
		return p.InvokeResponse{}, err
	}
	return answer(repositoryValues(repository, tags.Tags, latest, client.Options().Region)), nil
}

// latestImage is the image that was pushed last.
func latestImage(ctx context.Context, client *ecr.Client, repository types.Repository) (types.ImageDetail, error) {
	var latest types.ImageDetail
	input := &ecr.DescribeImagesInput{
		RepositoryName: repository.RepositoryName, RegistryId: repository.RegistryId, MaxResults: aws.Int32(page),
	}
	for pages := ecr.NewDescribeImagesPaginator(client, input); pages.HasMorePages(); {
		output, err := pages.NextPage(ctx)
		if err != nil {
			return latest, err
		}
		for _, image := range output.ImageDetails {
			if aws.ToTime(image.ImagePushedAt).After(aws.ToTime(latest.ImagePushedAt)) {
				latest = image
			}
		}
	}
	return latest, nil
}

func repositoryValues(
	repository types.Repository, tags []types.Tag, latest types.ImageDetail, region string,
) map[string]property.Value {
	encryption, scanning, filters, latestTags := []property.Value{}, []property.Value{}, []property.Value{}, []property.Value{}
	if configuration := repository.EncryptionConfiguration; configuration != nil {
		encryption = append(encryption, object(map[string]property.Value{
			"encryptionType": property.New(string(configuration.EncryptionType)),
			"kmsKey":         property.New(aws.ToString(configuration.KmsKey)),
		}))
	}
	if configuration := repository.ImageScanningConfiguration; configuration != nil {
		scanning = append(scanning, object(map[string]property.Value{"scanOnPush": property.New(configuration.ScanOnPush)}))
	}
	for _, filter := range repository.ImageTagMutabilityExclusionFilters {
		filters = append(filters, object(map[string]property.Value{
			"filter": optional(filter.Filter), "filterType": property.New(string(filter.FilterType)),
		}))
	}
	for _, tag := range latest.ImageTags {
		latestTags = append(latestTags, property.New(tag))
	}
	byKey := map[string]property.Value{}
	for _, tag := range tags {
		byKey[aws.ToString(tag.Key)] = optional(tag.Value)
	}
	return map[string]property.Value{
		"arn":                                optional(repository.RepositoryArn),
		"encryptionConfigurations":           property.New(encryption),
		"id":                                 optional(repository.RepositoryName),
		"imageScanningConfigurations":        property.New(scanning),
		"imageTagMutability":                 property.New(string(repository.ImageTagMutability)),
		"imageTagMutabilityExclusionFilters": property.New(filters),
		"mostRecentImageTags":                property.New(latestTags),
		"name":                               optional(repository.RepositoryName),
		"region":                             property.New(region),
		"registryId":                         optional(repository.RegistryId),
		"repositoryUrl":                      optional(repository.RepositoryUri),
		"tags":                               object(byKey),
	}
}

func answer(results map[string]property.Value) p.InvokeResponse {
	return p.InvokeResponse{Return: property.NewMap(results)}
}

func object(values map[string]property.Value) property.Value {
	return property.New(property.NewMap(values))
}

func optional(text *string) property.Value {
	if text == nil {
		return property.New(property.Null)
	}
	return property.New(*text)
}
