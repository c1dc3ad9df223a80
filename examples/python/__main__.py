import json

import pulumi
import pulumi_aws as aws

registry_id = pulumi.Config().require("registryId")

# The output form also takes outputs, such as `repository.registry_id`.
credentials = aws.ecr.get_credentials_output(registry_id=registry_id)

# What an image build takes to push, such as `registries` of a docker_build.Image.
pulumi.export("registry", {
    "address": credentials.proxy_endpoint,
    "username": credentials.user_name,
    "password": pulumi.Output.secret(credentials.password),
})

# The direct form gives plain values, here for the config.json of a pull secret.
login = aws.ecr.get_credentials(registry_id=registry_id)
docker_config = {"auths": {login.proxy_endpoint: {"auth": login.authorization_token}}}
pulumi.export("dockerConfig", pulumi.Output.secret(json.dumps(docker_config)))
pulumi.export("expiresAt", login.expires_at)
