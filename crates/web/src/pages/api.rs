//! The API for people: the endpoints, read from the same OpenAPI document that machines get.

use askama::Template;
use serde_json::Value;

use crate::view::frame::Frame;
use crate::view::{parts, text};

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
    /// The body in words.
    pub body: Option<String>,
    /// Shape of the body.
    pub takes: Option<String>,
    /// Shape of a good answer.
    pub gives: Option<String>,
    /// Place on the page.
    pub anchor: String,
    /// A command that calls it.
    pub curl: String,
    /// Reads only and has no part of its path to fill in: a form can ask for it.
    pub askable: bool,
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

/// One member of a shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Name.
    pub name: String,
    /// Always there.
    pub required: bool,
    /// What it holds, in words.
    pub kind: String,
    /// Shape that it holds, one or many of them.
    pub shape: Option<String>,
    /// Meaning.
    pub description: String,
}

/// A shape of bodies and answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Name.
    pub name: String,
    /// Meaning.
    pub description: String,
    /// Members.
    pub members: Vec<Member>,
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
    shapes: Vec<Shape>,
}

impl ApiPage {
    /// Reads the page out of an OpenAPI document.
    #[must_use]
    pub fn new(frame: Frame, document: &Value) -> Self {
        let info = document.get("info");
        Self {
            frame,
            version: text(info, "version"),
            about: text(info, "description"),
            groups: groups(document),
            shapes: shapes(document),
        }
    }

    fn endpoints(&self) -> usize {
        self.groups.iter().map(|g| g.endpoints.len()).sum()
    }
}

/// The name at the end of a reference, of the schema itself or of what it lists.
fn shape_of(schema: &Value) -> Option<String> {
    let one = |v: &Value| Some(v.get("$ref")?.as_str()?.rsplit('/').next()?.to_owned());
    one(schema)
        .or_else(|| schema.get("items").and_then(shape_of))
        .or_else(|| schema.get("oneOf").and_then(Value::as_array)?.iter().find_map(shape_of))
}

/// What a value holds, in words.
fn kind_of(schema: &Value) -> String {
    if schema.get("$ref").is_some() {
        return "object".to_owned();
    }
    if schema.get("oneOf").is_some() {
        return "object or null".to_owned();
    }
    let word = |v: &Value| v.as_str().unwrap_or("anything").to_owned();
    match schema.get("type") {
        Some(Value::Array(list)) => list.iter().map(word).collect::<Vec<_>>().join(" or "),
        Some(kind) if kind == "array" => {
            let inner = schema.get("items").map_or_else(|| "anything".to_owned(), kind_of);
            format!("list of {inner}s")
        }
        Some(kind) => word(kind),
        None => "anything".to_owned(),
    }
}

fn shapes(document: &Value) -> Vec<Shape> {
    let all = document.pointer("/components/schemas").and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .map(|(name, schema)| {
            let required: Vec<&str> = schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            Shape {
                name: name.clone(),
                description: text(Some(schema), "description"),
                members: members
                    .map(|(member, value)| Member {
                        name: member.clone(),
                        required: required.contains(&member.as_str()),
                        kind: kind_of(value),
                        shape: shape_of(value),
                        description: text(Some(value), "description"),
                    })
                    .collect(),
            }
        })
        .collect()
}

/// A command for a shell; what stands in capitals is to be filled in.
fn curl(method: &str, path: &str, json: bool, matched: bool) -> String {
    let mut out = "curl -H 'Authorization: Bearer TOKEN'".to_owned();
    if method != "GET" {
        out.push_str(&format!(" -X {method}"));
    }
    if matched {
        out.push_str(" -H 'If-Match: \"gGENERATION\"'");
    }
    if json {
        out.push_str(" -H 'Content-Type: application/json' -d @FILE");
    }
    format!("{out} 'ORIGIN{path}'")
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
    let schema_in = |at: Option<&Value>| {
        let content = at.and_then(|v| v.get("content")).and_then(Value::as_object)?;
        content.values().find_map(|media| media.get("schema").and_then(shape_of))
    };
    let answers = operation.get("responses").and_then(Value::as_object);
    let good = answers.into_iter().flatten().find(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer);
    let upper = method.to_uppercase();
    let matched = list("parameters").iter().any(|p| text(Some(p), "name").eq_ignore_ascii_case("if-match"));
    Endpoint {
        takes: schema_in(operation.get("requestBody")),
        gives: schema_in(good),
        anchor: text(Some(operation), "operationId"),
        curl: curl(&upper, path, operation.get("requestBody").is_some(), matched),
        askable: upper == "GET" && !path.contains('{'),
        method: upper,
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
