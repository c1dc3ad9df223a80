"use strict";

const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const registryId = new pulumi.Config().require("registryId");

// These SDKs do not know the results userName and password.
function decode({ authorizationToken, proxyEndpoint }) {
    const [username, password] = Buffer.from(authorizationToken, "base64").toString().split(":");
    return { address: proxyEndpoint, username, password };
}

module.exports = async () => {
    const registry = pulumi.secret(aws.ecr.getCredentialsOutput({ registryId }).apply(decode));
    const { authorizationToken, expiresAt, proxyEndpoint } = await aws.ecr.getCredentials({ registryId });
    const dockerConfig = pulumi.secret(
        JSON.stringify({ auths: { [proxyEndpoint]: { auth: authorizationToken } } }),
    );
    return { registry, dockerConfig, expiresAt };
};
