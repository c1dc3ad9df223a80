//! Lifecycle policies, with the names of the arguments when they are read and those of Amazon ECR when they are written.
//!
//! The text is Go's JSON of the structs in hashicorp/terraform-provider-aws, `internal/service/ecr/lifecycle_policy.go`, in
//! the order of their fields.

use serde::{Deserialize, Serialize};

use crate::plugin::Failure;

/// The argument of the function, and its result.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    rules: Vec<Rule>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
struct Rule {
    #[serde(rename(deserialize = "priority"))]
    rule_priority: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    selection: Selection,
    #[serde(default)]
    action: Action,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    tag_status: String,
    #[serde(default, rename(deserialize = "tagPatternLists"), skip_serializing_if = "Vec::is_empty")]
    tag_pattern_list: Vec<String>,
    #[serde(default, rename(deserialize = "tagPrefixLists"), skip_serializing_if = "Vec::is_empty")]
    tag_prefix_list: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    count_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_unit: Option<String>,
    count_number: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    #[serde(skip_serializing_if = "Option::is_none")]
    target_storage_class: Option<String>,
    r#type: String,
}

impl Default for Action {
    fn default() -> Self {
        Self { target_storage_class: None, r#type: "expire".to_owned() }
    }
}

const COUNT_TYPES: &[&str] = &["imageCountMoreThan", "sinceImagePulled", "sinceImagePushed", "sinceImageTransitioned"];

impl Document {
    /// What is wrong in the rules, beyond what the schema tells.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let rules = self.rules.iter().enumerate();
        let failures = rules.flat_map(|(index, rule)| {
            rule.failures().map(move |(path, reason)| Failure::new(format!("rules[{index}].{path}"), reason))
        });
        failures.collect()
    }
}

impl Rule {
    /// What is wrong, each with its path in the rule.
    fn failures(&self) -> impl Iterator<Item = (&'static str, String)> {
        let Self { selection, action, .. } = self;
        let from_one = [("priority", self.rule_priority), ("selection.countNumber", selection.count_number)];
        let small = from_one.into_iter().filter(|(_, number)| *number < 1);
        let small = small.map(|(path, number)| (path, format!("must be 1 or more, but is {number}")));
        let words = [
            ("action.type", Some(&action.r#type), &["expire", "transition"][..]),
            ("action.targetStorageClass", action.target_storage_class.as_ref(), &["archive"]),
            ("selection.countType", Some(&selection.count_type), COUNT_TYPES),
            ("selection.storageClass", selection.storage_class.as_ref(), &["archive", "standard"]),
            ("selection.tagStatus", Some(&selection.tag_status), &["any", "tagged", "untagged"]),
        ];
        let unknown = words.into_iter().filter_map(|(path, given, known)| {
            let given = given.filter(|given| !known.contains(&given.as_str()))?;
            Some((path, format!("must be one of {}, but is {given:?}", known.join(", "))))
        });
        small.chain(unknown)
    }
}
