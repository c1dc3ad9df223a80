import * as aws from "@pulumi/aws";

const repository = new aws.ecr.Repository("my-app", { name: "my-app" });
export const repositoryUrl = repository.repositoryUrl;

