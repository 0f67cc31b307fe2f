//! `updateinfo.xml` of rpm repositories: AlmaLinux, Rocky Linux, Amazon Linux, Oracle Linux, Fedora and their like.
//!
//! One `update` is one record. The ids of vulnerabilities stand in `reference` elements, the packages in `collection` elements, a
//! module stream in the `module` of a collection. Packages are listed once for each architecture. Amazon writes times without
//! seconds, SUSE in seconds since 1970. `repomd.xml` of the repository says which file it is: [`super::repomd`].

use std::io::{Read, Seek};

use patchwright_domain::intel::Advisory;

use super::rpm_update::{RpmPackage, RpmUpdate, advisory, time};
use super::{FeedError, FeedFormat, Parsed, Tally, open};
use crate::bounded::Limits;
use crate::xml::{self, Element};

/// Reads the updates of a repository.
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Parsed<Vec<Advisory>>, FeedError> {
    let format = FeedFormat::UpdateInfo;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut tally = Tally::new();
    let mut records = Vec::new();
    let seen = xml::read(intake, &watch, limits, &|name| name == "update", &mut |element| {
        tally.seen();
        let at = format!("update {}", tally.read);
        match update(&at, &element, &mut tally) {
            Ok(update) => {
                let (advisory, odd) = advisory(update);
                for what in odd {
                    tally.note(at.as_str(), what, "");
                }
                records.push(advisory);
            }
            Err(why) => tally.lose(at, why, &element.text),
        }
    });
    super::xml_ended(format, seen, &["updates"], "there is no element `updates`", &watch, &mut tally)?;
    Ok(tally.finish(records))
}

fn update(at: &str, element: &Element, tally: &mut Tally) -> Result<RpmUpdate, String> {
    let id = element.text_of("id").ok_or("update has no id")?.to_owned();
    let mut moment = |name: &str| {
        let child = element.child(name)?;
        let text = child.attribute("date").unwrap_or(child.text.trim());
        let moment = time(text);
        if moment.is_none() && !text.is_empty() {
            tally.note(at, format!("time `{name}` of {id} cannot be read"), text);
        }
        moment
    };
    let published = moment("issued");
    let modified = moment("updated");
    let mut fixes = Vec::new();
    for reference in element.all("references").flat_map(|list| list.all("reference")) {
        // A reference of kind `bugzilla` names the CVE in its title only; `self` is the update's own id.
        let named = [reference.attribute("id"), reference.attribute("title")].into_iter().flatten();
        let words =
            named.flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '(' | ')')));
        fixes.extend(
            words.filter(|word| word.get(..4).is_some_and(|b| b.eq_ignore_ascii_case("CVE-"))).map(str::to_owned),
        );
    }
    let mut hints: Vec<String> = element.text_of("release").into_iter().map(str::to_owned).collect();
    let mut packages = Vec::new();
    for collection in element.all("pkglist").flat_map(|list| list.all("collection")) {
        hints.extend(collection.attribute("short").map(str::to_owned));
        hints.extend(collection.text_of("name").map(str::to_owned));
        let module = collection
            .child("module")
            .and_then(|module| Some(format!("{}:{}", module.attribute("name")?, module.attribute("stream")?)));
        packages.extend(collection.all("package").map(|package| {
            let word = |name: &str| package.attribute(name).unwrap_or_default().to_owned();
            RpmPackage {
                name: word("name"),
                epoch: word("epoch"),
                version: word("version"),
                release: word("release"),
                arch: word("arch"),
                module: module.clone(),
                product: None,
            }
        }));
    }
    hints.extend(element.attribute("from").map(str::to_owned));
    Ok(RpmUpdate {
        id,
        kind: element.attribute("type").unwrap_or_default().to_owned(),
        title: element.text_of("title").map(str::to_owned),
        severity: element.text_of("severity").map(str::to_owned),
        published,
        modified,
        fixes,
        packages,
        hints,
    })
}
