"use strict";

const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const registryId = new pulumi.Config().require("registryId");

module.exports = async () => {
    // The Output form also takes Outputs, such as `repository.registryId`.
    const credentials = aws.ecr.getCredentialsOutput({ registryId });

    // What an image build takes to push, such as `registries` of a docker-build Image.
    const registry = {
        address: credentials.proxyEndpoint,
        username: credentials.userName,
        password: pulumi.secret(credentials.password),
    };

    // The direct form gives plain values, here for the config.json of a pull secret.
    const { authorizationToken, expiresAt, proxyEndpoint } = await aws.ecr.getCredentials({ registryId });
    const dockerConfig = pulumi.secret(
        JSON.stringify({ auths: { [proxyEndpoint]: { auth: authorizationToken } } }),
    );

    return { registry, dockerConfig, expiresAt };
};
