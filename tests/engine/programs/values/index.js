"use strict";

const aws = require("@pulumi/aws");
const pulumi = require("@pulumi/pulumi");

const { getCredentials, getCredentialsOutput } = aws.ecr;

/** As an aws.ecr.Repository, it knows the id of its registry once it is created. */
class Repository extends pulumi.dynamic.Resource {
    constructor(name, account) {
        const provider = { create: async inputs => ({ id: name, outs: { registryId: inputs.account } }) };
        super(provider, name, { account, registryId: undefined });
    }
}

/** What a call says that fails. */
const problem = call => getCredentials(call).then(() => "none", error => error.message);

module.exports = async () => {
    const plain = getCredentialsOutput({ registryId: "100000000001" });
    const repository = new Repository("repository", "100000000004");
    const equal = await Promise.all(Array.from({ length: 50 }, () => getCredentials({ registryId: "100000000005" })));
    return {
        plain,
        output: getCredentialsOutput({ registryId: pulumi.output("100000000002") }),
        secret: getCredentialsOutput({ registryId: pulumi.secret("100000000003") }),
        unknown: getCredentialsOutput({ registryId: repository.registryId }),
        equal: [...new Set(equal.map(result => result.authorizationToken))],
        dependent: getCredentialsOutput({ registryId: plain.registryId.apply(id => `${Number(id) + 5}`) }),
        number: getCredentialsOutput({ registryId: 100000000007 }),
        null: await problem({ registryId: null }),
        missing: await problem({}),
    };
};
