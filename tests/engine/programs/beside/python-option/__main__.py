import pulumi
import pulumi_aws as aws

repository = aws.ecr.Repository("my-app", name="my-app")
registry_id = repository.registry_id

credentials = aws.ecr.get_credentials_output(
    registry_id=registry_id, opts=pulumi.InvokeOptions(version="7.999.1-ecr")
)
official = aws.ecr.get_credentials_output(registry_id=registry_id)
found = aws.ecr.get_repository_output(name=repository.name)

pulumi.export("password", pulumi.Output.secret(credentials.password))
pulumi.export("passwordOfOfficialProvider", pulumi.Output.secret(official.password))
pulumi.export("repositoryUrl", found.repository_url)
