//! OVAL 5 definitions of packages: Debian, AlmaLinux, Red Hat, Oracle Linux, SUSE and Azure Linux.
//!
//! A definition is a tree of AND and OR over tests; tests stand after all definitions and point to objects (package names) and
//! states (versions). The document is streamed (files have 100 MB and more): of a definition its head and tree are kept, the
//! rest is resolved when the last state was read. [`criteria`] turns a tree into rows of (package, version, module, release).
//! A definition that is no statement about versions of single packages is lost with a problem that says why.
//!
//! Debian's object names are source packages; version `0` means never affected. Source: OVAL 5.11 definitions schema.

mod criteria;

use std::collections::HashMap;
use std::io::{Read, Seek};

use patchwright_domain::intel::{Advisory, VendorWords};

use super::rpm_update::time;
use super::scalar::cve_id;
use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::Limits;
use crate::xml::{self, Element};

use criteria::{Facts, Node, State, Test};

/// Reads the definitions of a document.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    let format = FeedFormat::Oval;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut tally = Tally::new();
    let mut heads = Vec::new();
    let mut names = Names::default();
    let mut facts = Facts::default();
    let wanted =
        |name: &str| name == "definition" || ["_test", "_object", "_state"].iter().any(|end| name.ends_with(end));
    let seen = xml::read(intake, &watch, limits, &wanted, &mut |element| {
        let Some(id) = element.attribute("id") else {
            if element.name == "definition" {
                tally.seen();
                tally.lose(format!("definition {}", tally.read), "definition has no id", "");
            }
            return;
        };
        match element.name.as_str() {
            "definition" => {
                tally.seen();
                match head(id, &element, &mut names) {
                    Ok(head) => heads.push(head),
                    Err(why) => tally.lose(id, why, ""),
                }
            }
            name if name.ends_with("_test") => {
                facts.tests.insert(names.number(id), test(&element, &mut names));
            }
            name if name.ends_with("_object") => {
                let package = element.text_of("name").unwrap_or_default();
                facts.objects.insert(names.number(id), package.to_owned());
            }
            _state => {
                facts.states.insert(names.number(id), state(&element));
            }
        }
    });
    super::xml_ended(
        format,
        seen,
        &["oval_definitions"],
        "there is no element `oval_definitions`",
        &watch,
        &mut tally,
    )?;
    facts.texts = names.list;
    let mut records = Vec::with_capacity(heads.len());
    for head in heads {
        match finish(head, &facts, &mut tally) {
            Ok(advisory) => records.push(advisory),
            Err((id, why)) => tally.lose(id, why, ""),
        }
    }
    Ok(tally.finish(records))
}

/// Ids and comments, each text once.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    place: HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.place.get(text) {
            return *number;
        }
        // Four billion texts do not fit under the limits of an input.
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(text.to_owned());
        self.place.insert(text.to_owned(), number);
        number
    }
}

/// What is kept of a definition until its tests are known.
struct Head {
    id: String,
    title: String,
    cves: Vec<String>,
    /// Update advisory that it is, where one is named.
    advisory: Option<String>,
    severity: Option<String>,
    issued: Option<String>,
    updated: Option<String>,
    platforms: Vec<String>,
    tree: Node,
}

fn head(id: &str, element: &Element, names: &mut Names) -> Result<Head, String> {
    let metadata = element.child("metadata").ok_or("definition has no metadata")?;
    let tree = element.child("criteria").ok_or("definition has no criteria")?;
    let mut cves = Vec::new();
    let mut advisory = None;
    for reference in metadata.all("reference") {
        let Some(name) = reference.attribute("ref_id") else { continue };
        match cve_id(name) {
            Some(cve) => cves.push(cve),
            None if advisory.is_none() => advisory = Some(name.to_owned()),
            None => {}
        }
    }
    let (mut severity, mut issued, mut updated) = (None, None, None);
    metadata.visit(&mut |inner| {
        let text = || inner.attribute("date").unwrap_or(inner.text.trim()).to_owned();
        match inner.name.as_str() {
            "severity" if severity.is_none() => severity = Some(inner.text.trim().to_owned()),
            "issued" | "date" | "advisory_date" | "public_date" if issued.is_none() => issued = Some(text()),
            "updated" if updated.is_none() => updated = Some(text()),
            // Oracle and SUSE name some CVE ids here only.
            "cve" => cves.extend(inner.text.split_whitespace().next().and_then(cve_id)),
            _other => {}
        }
    });
    cves.sort_unstable();
    cves.dedup();
    let title = metadata.text_of("title").unwrap_or_default().to_owned();
    let first = title.split([' ', ':']).next().unwrap_or_default();
    // Debian's updates are named in the title only: `DSA-5179-1 php7.4`.
    if advisory.is_none() && ["DSA-", "DLA-"].iter().any(|start| first.starts_with(start)) {
        advisory = Some(first.to_owned());
    }
    let affected = metadata.all("affected").flat_map(|affected| affected.all("platform"));
    Ok(Head {
        id: id.to_owned(),
        title,
        cves,
        advisory,
        severity: severity.filter(|word| !word.is_empty()),
        issued,
        updated,
        platforms: affected.map(|platform| platform.text.trim().to_owned()).collect(),
        tree: node(tree, names)?,
    })
}

fn node(element: &Element, names: &mut Names) -> Result<Node, String> {
    if element.attribute("negate") == Some("true") {
        return Err("criteria are negated".to_owned());
    }
    let mut children = Vec::new();
    for child in &element.children {
        match child.name.as_str() {
            "criteria" => children.push(node(child, names)?),
            "criterion" if child.attribute("negate") == Some("true") => return Err("a criterion is negated".to_owned()),
            "criterion" => children.push(Node::Leaf {
                test: names.number(child.attribute("test_ref").unwrap_or_default()),
                comment: names.number(child.attribute("comment").unwrap_or_default()),
            }),
            // Another definition that says which system this is.
            "extend_definition" => children.push(Node::Leaf {
                test: names.number(child.attribute("definition_ref").unwrap_or_default()),
                comment: names.number(child.attribute("comment").unwrap_or_default()),
            }),
            _other => {}
        }
    }
    match element.attribute("operator") {
        Some("OR") => Ok(Node::Any(children)),
        Some("AND") | None => Ok(Node::All(children)),
        Some(other) => Err(format!("criteria are joined with {other}")),
    }
}

fn test(element: &Element, names: &mut Names) -> Test {
    let object = element.child("object").and_then(|o| o.attribute("object_ref")).unwrap_or_default();
    Test {
        of_package: element.name == "rpminfo_test" || element.name == "dpkginfo_test",
        comment: element.attribute("comment").unwrap_or_default().to_owned(),
        never: element.attribute("check") == Some("none satisfy"),
        none_exist: element.attribute("check_existence") == Some("none_exist"),
        object: names.number(object),
        states: element.all("state").filter_map(|s| s.attribute("state_ref")).map(|id| names.number(id)).collect(),
    }
}

fn state(element: &Element) -> State {
    let part = |name: &str| {
        let child = element.child(name)?;
        Some((child.attribute("operation").unwrap_or("equals").to_owned(), child.text.trim().to_owned()))
    };
    State {
        evr: part("evr"),
        version: part("version"),
        arch: part("arch"),
        signed: element.child("signature_keyid").is_some(),
    }
}

fn finish(head: Head, facts: &Facts, tally: &mut Tally) -> Result<Advisory, (String, String)> {
    let (affected, odd) = match criteria::rows(&head.tree, &head.platforms, facts) {
        Ok(found) => found,
        Err(why) => return Err((head.id, why)),
    };
    for what in odd {
        tally.note(head.id.as_str(), what, &head.title);
    }
    let one = match head.cves.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let mut moment = |text: Option<String>| {
        let text = text.filter(|text| !text.is_empty())?;
        let moment = time(&text);
        if moment.is_none() {
            tally.note(head.id.as_str(), "a time cannot be read", &text);
        }
        moment
    };
    Ok(Advisory {
        published: moment(head.issued),
        modified: moment(head.updated),
        id: head.advisory.or(one).unwrap_or(head.id),
        upstream: head.cves,
        title: (!head.title.is_empty()).then(|| head.title.trim().to_owned()),
        affected: affected
            .into_iter()
            .map(|mut affected| {
                affected.vendor = VendorWords { severity: head.severity.clone(), ..affected.vendor };
                affected
            })
            .collect(),
        ..Advisory::default()
    })
}
