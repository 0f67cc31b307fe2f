//! YAML as advisory databases write it, into JSON values, with bounds.
//!
//! Read event by event, so that a limit holds before anything is built. In advisories anchors may be written but not referred to: none
//! does, and a few lines of aliases can stand for more values than memory holds. In inventories people do refer to them, and merge maps
//! by `<<`: there everything that is copied counts against the limits.
//! Plain scalars stay text (`1.10` is a version, not a number; `no` is a word), only the ways to write null are null.
//! Source: YAML 1.2.2, sections 3.2.1 and 10.2.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Deepest nesting. Advisories use six levels.
const DEPTH_MAX: usize = 64;
/// Most values in one document. The largest advisory measured lists 3,000 versions.
const VALUES_MAX: usize = 500_000;

/// Most bytes that aliases stand for in one text: inventories of ten thousand hosts refer to less than a megabyte.
const COPIED_MAX: usize = 16 << 20;
/// The key that merges maps (YAML 1.1, <https://yaml.org/type/merge.html>).
const MERGE: &str = "<<";

enum Open {
    List(Vec<Value>, usize),
    Map(Map<String, Value>, Option<String>, usize),
}

/// What an alias (`*name`) is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aliases {
    Refused,
    Followed,
}

/// What anchors stand for, by the parser's number, with its size.
#[derive(Default)]
struct Anchors {
    values: BTreeMap<usize, (Value, Size)>,
    copied: usize,
}

/// How large a value is.
#[derive(Clone, Copy)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    fn of(value: &Value) -> Self {
        let mut size = Self { values: 1, bytes: size_of::<Value>() };
        let mut add = |part: Self| {
            size.values = size.values.saturating_add(part.values);
            size.bytes = size.bytes.saturating_add(part.bytes);
        };
        match value {
            Value::String(text) => add(Self { values: 0, bytes: text.len() }),
            Value::Array(list) => {
                for part in list {
                    add(Self::of(part));
                }
            }
            Value::Object(map) => {
                for (key, part) in map {
                    add(Self { values: 0, bytes: key.len() });
                    add(Self::of(part));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        size
    }
}

impl Anchors {
    /// Counts a copy.
    fn count(&mut self, size: Size) -> Result<(), &'static str> {
        self.copied = self.copied.saturating_add(size.bytes);
        if self.copied > COPIED_MAX { Err("the aliases stand for too much") } else { Ok(()) }
    }

    /// Keeps what an anchor (0 is none) stands for.
    fn keep(&mut self, anchor: usize, value: &Value) -> Result<(), &'static str> {
        if anchor > 0 {
            let size = Size::of(value);
            self.count(size)?;
            self.values.insert(anchor, (value.clone(), size));
        }
        Ok(())
    }

    /// What an alias stands for. An anchor inside of which the alias stands is not there yet.
    fn follow(&mut self, anchor: usize) -> Result<(Value, usize), &'static str> {
        let missing = "an alias stands inside of what it refers to";
        let size = self.values.get(&anchor).ok_or(missing)?.1;
        self.count(size)?;
        self.values.get(&anchor).map(|(value, _)| (value.clone(), size.values)).ok_or(missing)
    }
}

/// Takes in what `<<` names: what the map says itself stands above it, and of several maps the earlier one.
fn merge(map: &mut Map<String, Value>) -> Result<(), &'static str> {
    let maps = match map.remove(MERGE) {
        None => return Ok(()),
        Some(Value::Object(one)) => vec![Value::Object(one)],
        Some(Value::Array(list)) => list,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return Err("`<<` names no map");
        }
    };
    for one in maps {
        let Value::Object(one) = one else { return Err("`<<` names no map") };
        for (key, value) in one {
            map.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// The documents of a text, or what is wrong with it and where.
///
/// # Errors
/// A short text with line and column: a fault of syntax, an alias, a key that is not a scalar or is there twice, too deep, too many values.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    read(text, Aliases::Refused)
}

/// Like [`documents`], where aliases stand for what they refer to and `<<` merges maps.
///
/// # Errors
/// As [`documents`], and for aliases that stand for too much, or for what they are a part of.
pub(crate) fn documents_with_aliases(text: &str) -> Result<Vec<Value>, String> {
    read(text, Aliases::Followed)
}

fn read(text: &str, aliases: Aliases) -> Result<Vec<Value>, String> {
    let mut done = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut anchors = Anchors::default();
    let mut values = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|err| {
            format!("line {} column {}: {}", err.marker().line(), err.marker().col().saturating_add(1), err.info())
        })?;
        let fail = |what: &str| Err(format!("line {}: {what}", span.start.line()));
        let (value, anchor, size) = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
            Event::Alias(_) if aliases == Aliases::Refused => return fail("an alias (`*name`) is not accepted"),
            Event::Alias(anchor) => match anchors.follow(anchor) {
                Ok((value, size)) => (value, 0, size),
                Err(what) => return fail(what),
            },
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH_MAX => {
                return fail("nesting is too deep");
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open::List(Vec::new(), anchor));
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open::Map(Map::new(), None, anchor));
                continue;
            }
            Event::Scalar(text, style, anchor, _) => {
                let null = style == ScalarStyle::Plain && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                (if null { Value::Null } else { Value::String(text.into_owned()) }, anchor, 1)
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(list, anchor)) => (Value::Array(list), anchor, 1),
                Some(Open::Map(mut map, _, anchor)) => {
                    if aliases == Aliases::Followed
                        && let Err(what) = merge(&mut map)
                    {
                        return fail(what);
                    }
                    (Value::Object(map), anchor, 1)
                }
                None => return fail("an end without its beginning"),
            },
        };
        values = values.saturating_add(size);
        if values > VALUES_MAX {
            return fail("the document holds too many values");
        }
        if aliases == Aliases::Followed
            && let Err(what) = anchors.keep(anchor, &value)
        {
            return fail(what);
        }
        match open.last_mut() {
            None => done.push(value),
            Some(Open::List(list, _)) => list.push(value),
            Some(Open::Map(map, key, _)) => match (key.take(), value) {
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
