//! Values that several functions return.

use aws_sdk_ecr::types::ImageTagMutabilityExclusionFilter;

use crate::plugin::property::Value;

/// Text that is empty where there is none.
pub(super) fn text(text: Option<String>) -> Value {
    text.unwrap_or_default().into()
}

/// A list, or nothing where it would be empty.
pub(super) fn unless_empty<T: Into<Value>>(values: Vec<T>) -> Value {
    Some(values).filter(|values| !values.is_empty()).into()
}

/// How images are encrypted.
pub(super) fn encryption(r#type: &str, kms_key: Option<String>) -> Value {
    Value::object([("encryptionType", r#type.into()), ("kmsKey", text(kms_key))])
}

/// Tags to which the mutability does not apply.
pub(super) fn filters(filters: Option<Vec<ImageTagMutabilityExclusionFilter>>) -> Value {
    let filters = filters.into_iter().flatten();
    let filters = filters.map(|filter| [("filter", filter.filter), ("filterType", filter.filter_type.to_string())]);
    filters.map(Value::object).collect::<Vec<_>>().into()
}
