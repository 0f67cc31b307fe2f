//! YAML as advisory databases write it, into JSON values, with bounds.
//!
//! Read event by event, so that a limit holds before anything is built. Anchors may be written but not referred to: no
//! advisory does, and a few lines of aliases can stand for more values than memory holds.
//! Plain scalars stay text (`1.10` is a version, not a number; `no` is a word), only the ways to write null are null.
//! Source: YAML 1.2.2, sections 3.2.1 and 10.2.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Deepest nesting. Advisories use six levels.
const DEPTH_MAX: usize = 64;
/// Most values in one document. The largest advisory measured lists 3,000 versions.
const VALUES_MAX: usize = 500_000;

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// The documents of a text, or what is wrong with it and where.
///
/// # Errors
/// A short text with line and column: a fault of syntax, an alias, a key that is not a scalar or is there twice, too deep, too many values.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut done = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut values = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|err| {
            format!("line {} column {}: {}", err.marker().line(), err.marker().col().saturating_add(1), err.info())
        })?;
        let fail = |what: &str| Err(format!("line {}: {what}", span.start.line()));
        let value = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
            Event::Alias(_) => return fail("an alias (`*name`) is not accepted"),
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH_MAX => {
                return fail("nesting is too deep");
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::Scalar(text, style, _, _) => {
                let null = style == ScalarStyle::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                if null { Value::Null } else { Value::String(text.into_owned()) }
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(list)) => Value::Array(list),
                Some(Open::Map(map, _)) => Value::Object(map),
                None => return fail("an end without its beginning"),
            },
        };
        values = values.saturating_add(1);
        if values > VALUES_MAX {
            return fail("the document holds too many values");
        }
        match open.last_mut() {
            None => done.push(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => match (key.take(), value) {
                (None, Value::String(name)) if map.contains_key(&name) => {
                    return fail(&format!("key `{name}` is there twice"));
                }
                (None, Value::String(name)) => *key = Some(name),
                (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    return fail("a key is not a word");
                }
                (Some(name), value) => {
                    map.insert(name, value);
                }
            },
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_advisories_write() {
        let text = "---\nid: X-1\nversion: 1.10\nnone: ~\nempty:\nquoted: 'null'\nday: 2013-02-12\nlist:\n- \"~> 1.5\"\n- {a: b, c: [d]}\ntext: |\n  two\n  lines\n";
        let read = documents(text).unwrap();
        let want = serde_json::json!({
            "id": "X-1", "version": "1.10", "none": null, "empty": null, "quoted": "null", "day": "2013-02-12",
            "list": ["~> 1.5", {"a": "b", "c": ["d"]}], "text": "two\nlines\n",
        });
        assert_eq!(read, [want]);
        assert_eq!(documents("a: 1\n---\nb: 2\n").unwrap().len(), 2);
        assert!(documents("").unwrap().is_empty());
        assert_eq!(documents("{\"a\": [1, null]}").unwrap(), [serde_json::json!({"a": ["1", null]})]);
    }

    #[test]
    fn bombs_and_oddities_are_refused_with_a_place() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            bomb.push_str(&format!(
                "a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n",
                level - 1
            ));
        }
        assert_eq!(documents(&bomb).unwrap_err(), "line 2: an alias (`*name`) is not accepted");
        // Unclosed brackets are refused by the scanner before the first event.
        assert!(documents(&"[".repeat(100_000)).is_err());
        assert!(documents(&format!("{}{}", "[".repeat(100), "]".repeat(100))).unwrap_err().contains("too deep"));
        assert!(documents(&"- ".repeat(100_000)).unwrap_err().contains("too deep"));
        assert!(documents(&format!("[{}]", "a,".repeat(VALUES_MAX + 1))).unwrap_err().contains("too many"));
        assert_eq!(documents("a: 1\na: 2\n").unwrap_err(), "line 2: key `a` is there twice");
        assert_eq!(documents("? [a]\n: b\n").unwrap_err(), "line 1: a key is not a word");
        assert!(documents("a: [1\nb: 2").unwrap_err().starts_with("line "));
    }
}
