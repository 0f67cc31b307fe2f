//! The API for people: the endpoints, read from the same OpenAPI document that machines get.

use askama::Template;
use serde_json::Value;

use crate::view::frame::Frame;
use crate::view::parts;

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Method in capitals.
    pub method: String,
    /// Path.
    pub path: String,
    /// First line of its description.
    pub summary: String,
    /// The rest.
    pub description: String,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Name of the body's schema.
    pub body: Option<String>,
    /// Status and meaning.
    pub responses: Vec<(String, String)>,
}

/// One parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// `query`, `path` or `header`.
    pub place: String,
    /// Meaning.
    pub description: String,
    /// Must be given.
    pub required: bool,
}

/// Endpoints of one tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Tag.
    pub name: String,
    /// Endpoints by path.
    pub endpoints: Vec<Endpoint>,
}

/// The page.
#[derive(Template)]
#[template(path = "api.html")]
pub struct ApiPage {
    frame: Frame,
    version: String,
    about: String,
    groups: Vec<Group>,
}

impl ApiPage {
    /// Reads the page out of an OpenAPI document.
    #[must_use]
    pub fn new(frame: Frame, document: &Value) -> Self {
        let info = document.get("info");
        Self { frame, version: text(info, "version"), about: text(info, "description"), groups: groups(document) }
    }
}

fn text(value: Option<&Value>, key: &str) -> String {
    value.and_then(|v| v.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn groups(document: &Value) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag =
                operation.get("tags").and_then(|t| t.get(0)).and_then(Value::as_str).unwrap_or("Other").to_owned();
            let endpoint = endpoint(path, method, operation);
            match groups.iter_mut().find(|g| g.name == tag) {
                Some(group) => group.endpoints.push(endpoint),
                None => groups.push(Group { name: tag, endpoints: vec![endpoint] }),
            }
        }
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

fn endpoint(path: &str, method: &str, operation: &Value) -> Endpoint {
    let list = |key: &str| operation.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let body = operation.get("requestBody").map(|b| {
        let content = b.get("content").and_then(Value::as_object);
        let (kind, schema) = content
            .into_iter()
            .flatten()
            .next()
            .map(|(kind, media)| {
                (kind.clone(), media.pointer("/schema/$ref").and_then(Value::as_str).unwrap_or_default().to_owned())
            })
            .unwrap_or_default();
        let name = schema.rsplit('/').next().unwrap_or_default();
        let description = text(Some(b), "description");
        [kind.as_str(), name, description.as_str()]
            .iter()
            .filter(|s| !s.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(", ")
    });
    Endpoint {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(Some(operation), "summary"),
        description: text(Some(operation), "description"),
        parameters: list("parameters")
            .iter()
            .map(|p| Parameter {
                name: text(Some(p), "name"),
                place: text(Some(p), "in"),
                description: text(Some(p), "description"),
                required: p.get("required").and_then(Value::as_bool).unwrap_or(false),
            })
            .collect(),
        body,
        responses: operation
            .get("responses")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(status, answer)| (status.clone(), text(Some(answer), "description")))
            .collect(),
    }
}
