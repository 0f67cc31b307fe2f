//! What the readers of YAML advisories share.

use serde_json::Value;

/// The text of a field, without blanks around it; nothing when it is absent, null or empty.
pub(super) fn word<'v>(record: &'v Value, key: &str) -> Option<&'v str> {
    record.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The texts of a field that is a list, or one text.
pub(super) fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.trim().to_owned()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(|word| word.trim().to_owned()).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}
