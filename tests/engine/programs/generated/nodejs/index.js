const pulumi = require("@pulumi/pulumi");
const { ecr } = require("pulumi-aws-ecr");

const call = { registryId: new pulumi.Config().require("registryId"), region: "us-west-2" };

exports.proxyEndpoint = ecr.getCredentialsOutput(call).proxyEndpoint;
exports.password = pulumi.secret(ecr.getCredentials(call).then(({ password }) => password));
