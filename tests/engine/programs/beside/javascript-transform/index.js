const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const routed = new Set([
    // the tokens
]);
pulumi.runtime.registerInvokeTransform(({ token, args, opts }) =>
    routed.has(token) ? { args, opts: { ...opts, version: "7.999.1-ecr" } } : undefined,
);

const repository = new aws.ecr.Repository("my-app", { name: "my-app" });
const credentials = aws.ecr.getCredentialsOutput({ registryId: repository.registryId });
const login = aws.ecr.getCredentials({ registryId: new pulumi.Config().require("registryId") });

exports.password = pulumi.secret(credentials.password);
exports.passwordOfDirectForm = pulumi.secret(login.then(({ password }) => password));
exports.repositoryUrl = aws.ecr.getRepositoryOutput({ name: repository.name }).repositoryUrl;
