const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const repository = new aws.ecr.Repository("my-app", { name: "my-app" });

const credentials = aws.ecr.getCredentialsOutput(
    { registryId: repository.registryId },
    { version: "7.999.1-ecr", pluginDownloadURL: "https://example.com/plugins" },
);

exports.password = pulumi.secret(credentials.password);
exports.repositoryUrl = aws.ecr.getRepositoryOutput({ name: repository.name }).repositoryUrl;
