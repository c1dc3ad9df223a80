import pulumi
import pulumi_aws as aws


ROUTED = [
    # the tokens
]


def route(call: pulumi.InvokeTransformArgs) -> pulumi.InvokeTransformResult | None:
    if call.token not in ROUTED:
        return None
    call.opts.version = "7.999.1-ecr"
    return pulumi.InvokeTransformResult(call.args, call.opts)


pulumi.runtime.register_invoke_transform(route)

repository = aws.ecr.Repository("my-app", name="my-app")
credentials = aws.ecr.get_credentials_output(registry_id=repository.registry_id)
login = aws.ecr.get_credentials(registry_id=pulumi.Config().require("registryId"))
found = aws.ecr.get_repository_output(name=repository.name)

pulumi.export("password", pulumi.Output.secret(credentials.password))
pulumi.export("passwordOfDirectForm", pulumi.Output.secret(login.password))
pulumi.export("repositoryUrl", found.repository_url)
