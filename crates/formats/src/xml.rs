//! XML documents read record by record: a record is an element with a known name, built as a small tree; the document is never
//! held as a whole.
//!
//! Names are local names, without their prefix: publishers write `linux-def:rpminfo_test` and `rpminfo_test xmlns=…` for the same
//! thing. Entities that a document defines itself are not expanded: they stay as written, so none can grow.
//! Source: XML 1.0 (fifth edition), Namespaces in XML 1.0.

use std::io::{BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::bounded::{Limits, LossyUtf8, Watch};

/// Deepest nesting. OVAL criteria use a dozen levels.
const DEPTH_MAX: usize = 100;

/// An element with everything in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// Local name.
    pub(crate) name: String,
    /// Attributes by local name, in their order.
    pub(crate) attributes: Vec<(String, String)>,
    /// Elements inside.
    pub(crate) children: Vec<Element>,
    /// Text directly inside, joined.
    pub(crate) text: String,
}

impl Element {
    /// An attribute's value, without blanks around it; nothing when it is absent or empty.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }

    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    /// The children of a name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of the first child of a name; nothing when it is absent or empty.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.trim()).filter(|t| !t.is_empty())
    }

    /// Every element inside, at any depth, in the order of the document.
    pub(crate) fn visit<'e>(&'e self, each: &mut dyn FnMut(&'e Element)) {
        for child in &self.children {
            each(child);
            child.visit(each);
        }
    }
}

/// How a document ended.
pub(crate) enum Ended {
    /// As XML should.
    Whole,
    /// In the middle: what is missing.
    Early(String),
    /// With something that is not XML, or too deep.
    Broken(String),
    /// The reader failed; its watch knows whether a limit was the reason.
    Failed(std::io::Error),
}

/// What was seen besides the records.
pub(crate) struct Seen {
    /// Local name of the outermost element.
    pub(crate) root: Option<String>,
    /// A record was open when the document ended.
    pub(crate) cut_record: bool,
    /// How it ended.
    pub(crate) ended: Ended,
}

/// Reads the document, giving each element whose name `wanted` accepts to `each`. Records do not nest: what is inside one
/// belongs to it.
pub(crate) fn read<R: Read>(
    reader: R,
    watch: &Watch,
    limits: &Limits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(Element),
) -> Seen {
    let text = BufReader::with_capacity(64 << 10, LossyUtf8::new(reader, watch.clone(), limits));
    let mut xml = Reader::from_reader(text);
    xml.config_mut().expand_empty_elements = true;
    let mut seen = Seen { root: None, cut_record: false, ended: Ended::Whole };
    // Open elements: those of the record that is being built, and how many there are outside of it.
    let mut open: Vec<Element> = Vec::new();
    let mut outside = 0_usize;
    let mut buffer = Vec::new();
    seen.ended = loop {
        buffer.clear();
        let event = match xml.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(err)) => {
                break Ended::Failed(std::io::Error::new(err.kind(), err));
            }
            Err(quick_xml::Error::Syntax(err)) => break Ended::Early(err.to_string()),
            Err(err) => break Ended::Broken(err.to_string()),
        };
        match event {
            Event::Eof if outside > 0 || !open.is_empty() => {
                break Ended::Early("its last elements are not closed".to_owned());
            }
            Event::Eof => break Ended::Whole,
            Event::Start(start) | Event::Empty(start) => {
                let element = match element(&start) {
                    Ok(element) => element,
                    Err(why) => break Ended::Broken(why),
                };
                if seen.root.is_none() {
                    seen.root = Some(element.name.clone());
                }
                if open.len().saturating_add(outside) >= DEPTH_MAX {
                    break Ended::Broken("elements are nested too deep".to_owned());
                }
                if open.is_empty() && !wanted(&element.name) {
                    outside = outside.saturating_add(1);
                } else {
                    open.push(element);
                }
            }
            Event::End(_) => match open.pop() {
                None => outside = outside.saturating_sub(1),
                Some(done) => match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => {
                        watch.record_done();
                        each(done);
                    }
                },
            },
            Event::Text(part) => {
                if let Some(inner) = open.last_mut() {
                    inner.text.push_str(&part.xml10_content());
                } else {
                    watch.record_done();
                }
            }
            Event::CData(part) => {
                if let Some(inner) = open.last_mut() {
                    inner.text.push_str(&part.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(inner) = open.last_mut() {
                    resolve(&reference, &mut inner.text);
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    };
    seen.cut_record = !open.is_empty();
    seen
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for found in start.attributes() {
        let found = found.map_err(|err| err.to_string())?;
        // A reference that is not one of XML's own five stays as it is written.
        let value = match quick_xml::escape::unescape(&found.value) {
            Ok(value) => value.into_owned(),
            Err(_unknown) => found.value.to_string(),
        };
        attributes.push((found.key.local_name().as_ref().to_owned(), value));
    }
    Ok(Element { name: start.local_name().as_ref().to_owned(), attributes, ..Element::default() })
}

fn resolve(reference: &BytesRef<'_>, text: &mut String) {
    let written = format!("&{};", reference.xml10_content());
    match quick_xml::escape::unescape(&written) {
        Ok(meant) => text.push_str(&meant),
        Err(_unknown) => text.push_str(&written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounded::open;

    fn run(text: &[u8]) -> (Vec<Element>, Seen) {
        let limits = Limits::default();
        let intake = open(text, &limits).unwrap();
        let watch = intake.watch();
        let mut records = Vec::new();
        let seen = read(intake, &watch, &limits, &|name| name == "r", &mut |r| records.push(r));
        (records, seen)
    }

    #[test]
    fn records_are_trees_and_prefixes_do_not_matter() {
        let text = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><!-- <r/> --><p:a xmlns:p='u'>\n<p:r n='1 &amp; &quot;2' m=''>a<b>c &lt; &#100;&x;</b><![CDATA[<e>]]> f</p:r><q><r/></q></p:a>";
        let (records, seen) = run(text.as_bytes());
        assert!(matches!(seen.ended, Ended::Whole));
        assert_eq!(seen.root.as_deref(), Some("a"));
        assert_eq!(records.len(), 2, "the one in the comment is none");
        assert_eq!(records[0].attribute("n"), Some("1 & \"2"));
        assert_eq!(records[0].attribute("m"), None);
        assert_eq!(records[0].text, "a<e> f");
        assert_eq!(records[0].text_of("b"), Some("c < d&x;"), "an entity of the document's own is not expanded");
    }

    #[test]
    fn an_early_or_broken_end_keeps_what_was_whole() {
        for (text, cut) in [("<a><r>1</r><r>2", true), ("<a><r>1</r><r", false), ("<a><r>1</r>", false)] {
            let (records, seen) = run(text.as_bytes());
            assert_eq!((records.len(), seen.cut_record), (1, cut), "{text}");
            assert!(matches!(seen.ended, Ended::Early(_)), "{text}");
        }
        for text in ["<a><r>1</r></b>", "<a><r>1</r><r n=1></a>", "<a><r>1</r><r n='1' n='2'/></a>"] {
            let (records, seen) = run(text.as_bytes());
            assert_eq!(records.len(), 1, "{text}");
            assert!(matches!(seen.ended, Ended::Broken(_)), "{text}");
        }
        let deep = format!("<r>{}", "<a>".repeat(200));
        assert!(matches!(run(deep.as_bytes()).1.ended, Ended::Broken(_)));
        assert!(run(b"{}").1.root.is_none());
    }
}
