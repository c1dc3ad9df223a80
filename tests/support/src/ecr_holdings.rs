//! What the registries of the stand-in hold, and what its operations that look things up make of it.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

/// The entries that a page has if the request does not say.
const PAGE: usize = 100;

/// Things by their kind: `repositories`, `images`, `tags`, `rules`, `templates`, `publicRepositories`, `publicImages`.
/// Each is an object as AWS's API has it; an image has its `repositoryName`, tags their `resourceArn`.
pub(crate) type Holdings = HashMap<&'static str, Vec<Json>>;

/// An error of the service: code and message.
pub(crate) type Refusal = (&'static str, String);

/// The answer to an operation; `None`: there is no such one.
pub(crate) fn answer(
    holdings: &Holdings,
    service: &str,
    operation: &str,
    body: &Json,
) -> Option<Result<Json, Refusal>> {
    let request = Request { holdings, body };
    Some(match (service, operation) {
        ("ecr", "DescribeRepositories") => request.repositories(),
        ("ecr", "ListTagsForResource") => Ok(request.tags()),
        ("ecr", "DescribeImages") => request.images("repositories", "images"),
        ("ecr", "ListImages") => request.image_ids(),
        ("ecr", "DescribePullThroughCacheRules") => request.by_prefix(
            ("rules", "ecrRepositoryPrefix", "ecrRepositoryPrefixes"),
            "pullThroughCacheRules",
            "PullThroughCacheRuleNotFoundException",
        ),
        ("ecr", "DescribeRepositoryCreationTemplates") => request
            .by_prefix(("templates", "prefix", "prefixes"), "repositoryCreationTemplates", "TemplateNotFoundException")
            .map(|mut answer| {
                answer["registryId"] = super::ecr::OWN_REGISTRY.into();
                answer
            }),
        ("ecr-public", "DescribeImages") => request.images("publicRepositories", "publicImages"),
        _ => return None,
    })
}

struct Request<'a> {
    holdings: &'a Holdings,
    body: &'a Json,
}

impl<'a> Request<'a> {
    fn all(&self, kind: &str) -> impl Iterator<Item = &'a Json> {
        self.holdings.get(kind).into_iter().flatten()
    }

    /// Those of a kind in the registry that is asked for.
    fn of_registry(&self, kind: &str) -> impl Iterator<Item = &'a Json> {
        let registry = self.body["registryId"].as_str().unwrap_or(super::ecr::OWN_REGISTRY);
        self.all(kind).filter(move |thing| thing["registryId"] == registry)
    }

    fn repository(&self, kind: &str) -> Result<&'a Json, Refusal> {
        let name = &self.body["repositoryName"];
        let found = self.of_registry(kind).find(|repository| repository["repositoryName"] == *name);
        found.ok_or_else(|| not_found(name))
    }

    fn repositories(&self) -> Result<Json, Refusal> {
        let all = self.of_registry("repositories");
        let Some(names) = self.body["repositoryNames"].as_array() else {
            return self.page("repositories", all.cloned().collect());
        };
        let found: Vec<_> = all.filter(|repository| names.contains(&repository["repositoryName"])).cloned().collect();
        match found[..] {
            [] => Err(not_found(&names[0])),
            _ => self.page("repositories", found),
        }
    }

    fn tags(&self) -> Json {
        let mut tags = self.all("tags").filter(|tags| tags["resourceArn"] == self.body["resourceArn"]);
        json!({"tags": tags.next().map_or(json!([]), |tags| tags["tags"].clone())})
    }

    fn images_of(&self, repositories: &str, images: &'a str) -> Result<impl Iterator<Item = &'a Json>, Refusal> {
        let repository = self.repository(repositories)?;
        let (name, registry) = (&repository["repositoryName"], &repository["registryId"]);
        Ok(self.all(images).filter(move |image| image["repositoryName"] == *name && image["registryId"] == *registry))
    }

    fn images(&self, repositories: &str, images: &'a str) -> Result<Json, Refusal> {
        let all = self.images_of(repositories, images)?;
        let Some(ids) = self.body["imageIds"].as_array() else {
            return self.page("imageDetails", all.cloned().collect());
        };
        let is = |id: &Json, image: &Json| {
            let tags = image["imageTags"].as_array().into_iter().flatten();
            (id["imageDigest"].is_null() || id["imageDigest"] == image["imageDigest"])
                && (id["imageTag"].is_null() || tags.clone().any(|tag| *tag == id["imageTag"]))
        };
        let found: Vec<_> = all.filter(|image| ids.iter().any(|id| is(id, image))).cloned().collect();
        match found[..] {
            [] => Err(("ImageNotFoundException", format!("The image with imageId {} does not exist", ids[0]))),
            _ => self.page("imageDetails", found),
        }
    }

    fn image_ids(&self) -> Result<Json, Refusal> {
        let ids = self.images_of("repositories", "images")?.flat_map(|image| {
            let digest = &image["imageDigest"];
            match image["imageTags"].as_array() {
                Some(tags) => tags.iter().map(|tag| json!({"imageDigest": digest, "imageTag": tag})).collect(),
                None => vec![json!({"imageDigest": digest})],
            }
        });
        self.page("imageIds", ids.collect())
    }

    fn by_prefix(
        &self,
        (kind, key, keys): (&str, &str, &str),
        name: &str,
        code: &'static str,
    ) -> Result<Json, Refusal> {
        let prefixes = self.body[keys].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = self.all(kind).filter(|thing| prefixes.contains(&thing[key])).cloned().collect();
        match found[..] {
            [] => Err((code, format!("There is none for {}", prefixes[0]))),
            _ => self.page(name, found),
        }
    }

    /// A page of entries under `name`. The token is the number of those before it.
    fn page(&self, name: &str, all: Vec<Json>) -> Result<Json, Refusal> {
        let selects = ["repositoryNames", "imageIds"].iter().any(|ids| self.body[ids].is_array());
        if selects && !self.body["maxResults"].is_null() {
            return Err(("InvalidParameterException", "maxResults goes with no selection".to_owned()));
        }
        let start = self.body["nextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let size = self.body["maxResults"].as_u64().map_or(PAGE, |size| usize::try_from(size).expect("a size"));
        let end = all.len().min(start + size);
        let next = (end < all.len()).then(|| end.to_string());
        Ok(json!({name: all[start..end], "nextToken": next}))
    }
}

fn not_found(name: &Json) -> Refusal {
    ("RepositoryNotFoundException", format!("The repository with name {name} does not exist in the registry"))
}
