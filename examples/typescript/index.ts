import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const registryId = new pulumi.Config().require("registryId");

// The Output form also takes Outputs, such as `repository.registryId`.
const credentials = aws.ecr.getCredentialsOutput({ registryId });

// What an image build takes to push, such as `registries` of a docker-build Image.
export const registry = {
    address: credentials.proxyEndpoint,
    username: credentials.userName,
    password: pulumi.secret(credentials.password),
};

// The direct form gives plain values, here for the config.json of a pull secret.
const login = aws.ecr.getCredentials({ registryId });
export const dockerConfig = pulumi.secret(
    login.then(({ authorizationToken, proxyEndpoint }) =>
        JSON.stringify({ auths: { [proxyEndpoint]: { auth: authorizationToken } } }),
    ),
);

export const expiresAt = credentials.expiresAt;
