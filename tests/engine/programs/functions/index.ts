import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const { ecr, ecrpublic } = aws;
const repositoryName = "team/app";
const rules = [
    {
        priority: 1,
        description: "<old>",
        selection: { tagStatus: "tagged", tagPrefixLists: ["v"], countType: "imageCountMoreThan", countNumber: 3 },
    },
];

// The direct form of each function, then the Output form.
module.exports = async () => {
    const repository = await ecr.getRepository({ name: repositoryName });
    return {
        direct: {
            authorizationToken: await ecr.getAuthorizationToken(),
            credentials: await ecr.getCredentials({ registryId: repository.registryId }),
            document: await ecr.getLifecyclePolicyDocument({ rules }),
            image: await ecr.getImage({ repositoryName, mostRecent: true }),
            images: await ecr.getImages({ repositoryName }),
            publicAuthorizationToken: await ecrpublic.getAuthorizationToken(),
            publicImages: await ecrpublic.getImages({ repositoryName: "tool", imageIds: [{ imageTag: "v1" }] }),
            repositories: await ecr.getRepositories(),
            repository,
            rule: await ecr.getPullThroughCacheRule({ ecrRepositoryPrefix: "docker-hub" }),
            template: await ecr.getRepositoryCreationTemplate({ prefix: "ROOT" }),
        },
        output: {
            authorizationToken: ecr.getAuthorizationTokenOutput(),
            credentials: ecr.getCredentialsOutput({ registryId: pulumi.output(repository.registryId) }),
            document: ecr.getLifecyclePolicyDocumentOutput({ rules: pulumi.output(rules) }),
            image: ecr.getImageOutput({ repositoryName, mostRecent: true }),
            images: ecr.getImagesOutput({ repositoryName: pulumi.output(repositoryName) }),
            publicAuthorizationToken: ecrpublic.getAuthorizationTokenOutput(),
            publicImages: ecrpublic.getImagesOutput({ repositoryName: "tool", imageIds: [{ imageTag: "v1" }] }),
            repositories: ecr.getRepositoriesOutput(),
            repository: ecr.getRepositoryOutput({ name: repositoryName }),
            rule: ecr.getPullThroughCacheRuleOutput({ ecrRepositoryPrefix: "docker-hub" }),
            template: ecr.getRepositoryCreationTemplateOutput({ prefix: "ROOT" }),
        },
        secret: ecr.getRepositoryOutput({ name: pulumi.secret(repositoryName) }),
    };
};
