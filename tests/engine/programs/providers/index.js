"use strict";

const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const config = new pulumi.Config();
const registryId = config.require("registryId");

function provider(name, region, accessKey, secretKey) {
    return new aws.Provider(name, {
        region,
        accessKey,
        secretKey: config.requireSecret(secretKey),
        endpoints: [{ ecr: config.require(name) }],
    });
}

const one = provider("one", "eu-west-1", "AKIDONE", "secretKeyOne");
const two = provider("two", "us-east-2", "AKIDTWO", "secretKeyTwo");

module.exports = async () => ({
    one: aws.ecr.getCredentialsOutput({ registryId }, { provider: one }).proxyEndpoint,
    two: (await aws.ecr.getCredentials({ registryId }, { provider: two })).proxyEndpoint,
});
