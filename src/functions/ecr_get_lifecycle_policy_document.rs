//! `aws:ecr/getLifecyclePolicyDocument:getLifecyclePolicyDocument`: the JSON of a lifecycle policy. Nothing is called.
//!
//! Values are those of hashicorp/terraform-provider-aws, `internal/service/ecr/lifecycle_policy_document_data_source.go`.

use super::{Answer, Function, disagreement, lifecycle_policy::Document, policy, typed};
use crate::plugin::{
    Failure, InvokeError, Json, Results,
    property::{Accepts, Value, from_json},
};

pub(super) const FUNCTION: Function = Function {
    token: "aws:ecr/getLifecyclePolicyDocument:getLifecyclePolicyDocument",
    call: |_, _, arguments| Box::pin(async { document(arguments) }),
};

fn document(arguments: Json) -> Result<Answer, InvokeError> {
    let rules = arguments.get("rules").cloned().unwrap_or_default();
    let rules = from_json(rules, Accepts::default()).map_err(Failure::from)?;
    let document: Document = typed(arguments)?;
    let failures = document.failures();
    if !failures.is_empty() {
        return Err(InvokeError::Arguments(failures));
    }
    let json = serde_json::to_string_pretty(&document).map_err(|error| disagreement(&error))?;
    Ok(Results::new([("json", Value::from(policy::as_go_escapes(&json))), ("rules", rules)]).into())
}
