import pulumi
from pulumi_aws_ecr import ecr

registry_id = pulumi.Config().require("registryId")

credentials = ecr.get_credentials_output(registry_id=registry_id, region="us-west-2")
login = ecr.get_credentials(registry_id=registry_id, region="us-west-2")

pulumi.export("proxyEndpoint", credentials.proxy_endpoint)
pulumi.export("password", pulumi.Output.secret(login.password))
