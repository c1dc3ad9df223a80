import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { execFileSync } from "child_process";
import { mkdtempSync, rmSync } from "fs";
import { tmpdir } from "os";
import { join } from "path";

interface ImageInputs {
    context: string;
    tag: string;
    registry: { address: string; username: string; password: string };
}

// Builds and pushes with Docker's command line. The login is this build's alone and is not kept.
async function build({ context, tag, registry }: ImageInputs) {
    const folder = mkdtempSync(join(tmpdir(), "image-build-"));
    const docker = (words: string[], input = "") => execFileSync("docker", ["--config", folder, ...words], { input });
    try {
        const { address, username, password } = registry;
        docker(["login", "--username", username, "--password-stdin", address], password);
        docker(["build", "--tag", tag, context]);
        docker(["push", tag]);
    } finally {
        rmSync(folder, { recursive: true });
    }
    return { id: tag, outs: { tag } };
}

// In its place a program may have an Image of the provider docker-build: its `tags` and `registries` take the same values.
class Image extends pulumi.dynamic.Resource {
    declare readonly tag: pulumi.Output<string>;

    constructor(name: string, inputs: pulumi.Inputs) {
        super({ create: build }, name, inputs);
    }
}

const name = new pulumi.Config().require("repository");
const repository = aws.ecr.getRepositoryOutput({ name });
const credentials = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId });

const image = new Image("image", {
    context: ".",
    tag: pulumi.interpolate`${repository.repositoryUrl}:v1`,
    registry: {
        address: credentials.proxyEndpoint,
        username: credentials.userName,
        password: pulumi.secret(credentials.password),
    },
});

export const pushed = image.tag;
