"use strict";

const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const config = new pulumi.Config();
const registryId = config.require("registryId");

const one = new aws.Provider("one", {
    region: "eu-west-1",
    accessKey: "AKIDONE",
    secretKey: config.requireSecret("secretKeyOne"),
    endpoints: [{ ecr: config.require("one") }],
});

// What the SDK hands over as JSON text, with an output and a secret inside.
const two = new aws.Provider("two", {
    region: "us-east-2",
    accessKey: "AKIDTWO",
    secretKey: config.requireSecret("secretKeyTwo"),
    endpoints: [{ ecr: pulumi.output(config.require("two")), sts: config.require("sts") }],
    assumeRoles: [
        {
            roleArn: "arn:aws:iam::111122223333:role/R",
            duration: "1h",
            externalId: config.requireSecret("externalId"),
            tags: { Team: "a" },
        },
    ],
    allowedAccountIds: ["111122223333"],
    maxRetries: 2,
    userAgents: ["product/1.0"],
});

module.exports = async () => ({
    one: aws.ecr.getCredentialsOutput({ registryId }, { provider: one }).proxyEndpoint,
    two: (await aws.ecr.getCredentials({ registryId }, { provider: two })).proxyEndpoint,
});
