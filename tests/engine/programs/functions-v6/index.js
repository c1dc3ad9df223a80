"use strict";

const { ecr, ecrpublic } = require("@pulumi/aws");

const repositoryName = "team/app";
const rules = [
    {
        priority: 1,
        description: "<old>",
        selection: { tagStatus: "tagged", tagPrefixLists: ["v"], countType: "imageCountMoreThan", countNumber: 3 },
    },
];

module.exports = async () => {
    const repository = await ecr.getRepository({ name: repositoryName });
    return {
        authorizationToken: await ecr.getAuthorizationToken(),
        credentials: ecr.getCredentialsOutput({ registryId: repository.registryId }),
        document: ecr.getLifecyclePolicyDocumentOutput({ rules }),
        image: await ecr.getImage({ repositoryName, mostRecent: true }),
        publicAuthorizationToken: ecrpublic.getAuthorizationTokenOutput(),
        repositories: await ecr.getRepositories(),
        repository,
        rule: ecr.getPullThroughCacheRuleOutput({ ecrRepositoryPrefix: "docker-hub" }),
        template: ecr.getRepositoryCreationTemplateOutput({ prefix: "ROOT" }),
    };
};
