import pulumi
from pulumi_aws import ecr, ecrpublic

NAME = "team/app"
RULES = [
    ecr.GetLifecyclePolicyDocumentRuleArgs(
        priority=1,
        description="<old>",
        selection=ecr.GetLifecyclePolicyDocumentRuleSelectionArgs(
            tag_status="tagged", tag_prefix_lists=["v"], count_type="imageCountMoreThan", count_number=3
        ),
    )
]

repository = ecr.get_repository(name=NAME)
image = ecr.get_image(repository_name=NAME, most_recent=True)
images = ecr.get_images(repository_name=NAME)
public_images = ecrpublic.get_images(
    repository_name="tool", image_ids=[ecrpublic.GetImagesImageIdArgs(image_tag="v1")]
)
template = ecr.get_repository_creation_template(prefix="ROOT")
rule = ecr.get_pull_through_cache_rule(ecr_repository_prefix="docker-hub")

pulumi.export("tokens", [ecr.get_authorization_token().user_name, ecrpublic.get_authorization_token().user_name])
pulumi.export("repository", [repository.arn, repository.tags, repository.image_scanning_configurations[0].scan_on_push])
pulumi.export("image", [image.image_uri, image.image_tags, image.image_pushed_at, image.image_size_in_bytes])
pulumi.export("images", [[image.image_digest, image.image_tag] for image in images.image_ids])
pulumi.export("publicImages", [[image.image_pushed_at, image.image_tags] for image in public_images.images])
pulumi.export("template", [template.applied_fors, template.encryption_configurations[0].encryption_type])
pulumi.export("rule", [rule.id, rule.upstream_registry_url])

pulumi.export("names", ecr.get_repositories_output().names)
pulumi.export("credentials", ecr.get_credentials_output(registry_id=repository.registry_id).user_name)
pulumi.export("document", ecr.get_lifecycle_policy_document_output(rules=RULES).json)
pulumi.export("secret", ecr.get_repository_output(name=pulumi.Output.secret(NAME)).arn)
