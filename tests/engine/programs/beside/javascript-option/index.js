const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const repository = new aws.ecr.Repository("my-app", { name: "my-app" });
const { registryId } = repository;

const credentials = aws.ecr.getCredentialsOutput({ registryId }, { version: "7.999.1-ecr" });
const official = aws.ecr.getCredentialsOutput({ registryId });

exports.password = pulumi.secret(credentials.password);
exports.passwordOfOfficialProvider = pulumi.secret(official.password);
exports.repositoryUrl = aws.ecr.getRepositoryOutput({ name: repository.name }).repositoryUrl;
