import pulumi
import pulumi_aws as aws

repository = aws.ecr.Repository("my-app", name="my-app")
pulumi.export("repositoryUrl", repository.repository_url)

