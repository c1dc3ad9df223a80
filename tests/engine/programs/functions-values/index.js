"use strict";

const { ecr, ecrpublic } = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

/** What it is given, it knows once it is created. */
class Later extends pulumi.dynamic.Resource {
    constructor(name, values) {
        const provider = { create: async ({ values }) => ({ id: name, outs: values }) };
        const unknown = Object.fromEntries(Object.keys(values).map(key => [key, undefined]));
        super(provider, name, { values, ...unknown });
    }
}

/** All functions that have an argument of those that SDKs know, each given one. */
const calls = ({ name, description, prefix, registryId, root, tool }) => ({
    authorizationToken: ecr.getAuthorizationTokenOutput({ registryId }),
    document: ecr.getLifecyclePolicyDocumentOutput({
        rules: [
            {
                priority: 1,
                description,
                selection: {
                    tagStatus: "tagged",
                    tagPrefixLists: ["v"],
                    countType: "imageCountMoreThan",
                    countNumber: 3,
                },
            },
        ],
    }),
    image: ecr.getImageOutput({ repositoryName: name, mostRecent: true }),
    images: ecr.getImagesOutput({ repositoryName: name }),
    publicImages: ecrpublic.getImagesOutput({ repositoryName: tool, imageIds: [{ imageTag: "v1" }] }),
    repository: ecr.getRepositoryOutput({ name }),
    rule: ecr.getPullThroughCacheRuleOutput({ ecrRepositoryPrefix: prefix }),
    template: ecr.getRepositoryCreationTemplateOutput({ prefix: root }),
});

const values = {
    description: "<old>",
    name: "team/app",
    prefix: "docker-hub",
    registryId: "444455556666",
    root: "ROOT",
    tool: "tool",
};
const secrets = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, pulumi.secret(value)]));
const named = (start, results) => Object.entries(results).map(([key, value]) => [`${start}.${key}`, value]);

module.exports = Object.fromEntries([
    ...named("secret", calls(secrets)),
    ...named("unknown", calls(new Later("later", values))),
]);
