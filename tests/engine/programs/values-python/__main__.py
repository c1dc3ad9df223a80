import pulumi
import pulumi_aws as aws

TOKEN = "aws:ecr/getCredentials:getCredentials"


def problem(arguments):
    try:
        pulumi.runtime.invoke(TOKEN, arguments)
    except Exception as error:
        return str(error)
    return "none"


pulumi.export("number", aws.ecr.get_credentials(registry_id=100000000001).registry_id)
pulumi.export("null", problem({"registryId": None}))
pulumi.export("missing", problem({}))
pulumi.export("list", problem({"registryId": ["100000000001"]}))

secret = aws.ecr.get_credentials_output(registry_id=pulumi.Output.secret("100000000003"))
pulumi.export("secret", secret.authorization_token)
