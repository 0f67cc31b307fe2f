//! The API for people: the endpoints, read from the same OpenAPI document that machines get.

use askama::Template;
use serde_json::Value;

use crate::view::frame::Frame;
use crate::view::link::{Link, segment};
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
    /// Reads only: a form can ask for it.
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
    /// Field that names the endpoint of a form.
    path_field: &'static str,
}

/// Field of a form that names its endpoint; no parameter is called like this.
pub const PATH_FIELD: &str = "_endpoint";

/// Address of an endpoint with the fields of its form: parts of the path are put into it, empty fields are left out. Nothing when
/// the document has no such endpoint to read from, or a part of its path is empty.
#[must_use]
pub fn ask(document: &Value, fields: &[(String, String)]) -> Option<String> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    let template = field(PATH_FIELD)?;
    document.get("paths")?.get(template)?.get("get")?;
    let mut path = String::new();
    let mut inside = Vec::new();
    for (place, part) in template.split(['{', '}']).enumerate() {
        if place % 2 == 0 {
            path.push_str(part);
        } else {
            path.push_str(&segment(field(part).filter(|value| !value.is_empty())?));
            inside.push(part);
        }
    }
    let rest = fields.iter().filter(|(key, _)| key != PATH_FIELD && !inside.contains(&key.as_str()));
    Some(rest.fold(Link::to(&path), |link, (key, value)| link.with(key, value.trim())).href())
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
            path_field: PATH_FIELD,
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
        out.push_str(" -H 'If-Match: ETAG'");
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
        askable: upper == "GET",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Option<String> {
        let fields: Vec<_> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ask(&crate::api::document(), &fields)
    }

    #[test]
    fn a_form_asks_only_what_the_document_has() {
        let findings = (PATH_FIELD, "/api/v1/findings");
        let host = (PATH_FIELD, "/api/v1/hosts/{id}");
        assert_eq!(
            asked(&[findings, ("q", " tier:T1 "), ("limit", ""), ("after", "")]).as_deref(),
            Some("/api/v1/findings?q=tier:T1")
        );
        assert_eq!(asked(&[host, ("id", "../x?y")]).as_deref(), Some("/api/v1/hosts/..%2Fx%3Fy"));
        assert_eq!(asked(&[host, ("id", "")]), None);
        for bad in ["https://evil.example/", "//evil.example", "/settings", ""] {
            assert_eq!(asked(&[(PATH_FIELD, bad)]), None, "{bad}");
        }
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn every_shape_that_is_named_is_there() {
        let document = crate::api::document();
        let shapes = shapes(&document);
        let has = |name: &str| shapes.iter().any(|s| s.name == name);
        let members = shapes.iter().flat_map(|s| &s.members).filter_map(|m| m.shape.as_ref());
        assert!(members.clone().count() > 30);
        for name in members {
            assert!(has(name), "{name}");
        }
        for endpoint in groups(&document).iter().flat_map(|g| &g.endpoints) {
            for name in endpoint.takes.iter().chain(&endpoint.gives) {
                assert!(has(name), "{} {}", endpoint.method, endpoint.path);
            }
        }
        let row = shapes.iter().find(|s| s.name == "FindingsAnswer").unwrap();
        let member = |name: &str| row.members.iter().find(|m| m.name == name).unwrap();
        assert_eq!(
            (member("items").kind.as_str(), member("items").shape.as_deref()),
            ("list of objects", Some("FindingGroup"))
        );
        assert_eq!((member("next").kind.as_str(), member("next").required), ("string or null", false));
    }
}
