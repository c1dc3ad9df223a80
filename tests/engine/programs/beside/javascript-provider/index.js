const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const config = new pulumi.Config("aws");
const settings = {
    region: config.require("region"),
    accessKey: config.requireSecret("accessKey"),
    secretKey: config.requireSecret("secretKey"),
    endpoints: config.requireObject("endpoints"),
};

const official = new aws.Provider("official", settings);
const ecr = new aws.Provider("ecr", settings, { version: "7.999.1-ecr" });

const repository = new aws.ecr.Repository("my-app", { name: "my-app" }, { provider: official });
const found = aws.ecr.getRepositoryOutput({ name: repository.name }, { provider: official });

const credentials = aws.ecr.getCredentialsOutput({ registryId: repository.registryId }, { provider: ecr });

exports.password = pulumi.secret(credentials.password);
exports.repositoryUrl = found.repositoryUrl;
