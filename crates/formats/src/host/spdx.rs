//! SPDX documents in JSON: 2.2 and 2.3 (ISO/IEC 5962 and successor), and 3.0 JSON-LD with its elements in `@graph`.

use patchwright_domain::intel::Problem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::sbom::{Bill, Gatherer, Loose, SourceHint, elements, json_text, named_os, shaped};

/// Most references looked at of one package; CPE guesses of scanners can be dozens.
const REFERENCES_MAX: usize = 10_000;

#[derive(Default, Deserialize)]
struct Document<'a> {
    #[serde(default, rename = "spdxVersion")]
    spdx_version: Loose,
    #[serde(default)]
    name: Loose,
    #[serde(default, borrow)]
    packages: Option<&'a RawValue>,
    #[serde(default, borrow, rename = "@graph")]
    graph: Option<&'a RawValue>,
}

/// A package of SPDX 2.
#[derive(Default, Deserialize)]
struct Package2<'a> {
    #[serde(default)]
    name: Loose,
    #[serde(default, rename = "versionInfo")]
    version: Loose,
    #[serde(default, rename = "primaryPackagePurpose")]
    purpose: Loose,
    #[serde(default, rename = "sourceInfo")]
    source_info: Loose,
    #[serde(default, borrow, rename = "externalRefs")]
    references: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Reference2 {
    #[serde(default, rename = "referenceType")]
    kind: Loose,
    #[serde(default, rename = "referenceLocator")]
    locator: Loose,
}

/// An element of SPDX 3; fields of classes other than `software_Package` are not looked at.
#[derive(Default, Deserialize)]
struct Element3<'a> {
    #[serde(default, rename = "type", alias = "@type")]
    kind: Loose,
    #[serde(default)]
    name: Loose,
    #[serde(default, rename = "software_packageVersion")]
    version: Loose,
    #[serde(default, rename = "software_packageUrl")]
    url: Loose,
    #[serde(default, rename = "software_primaryPurpose")]
    purpose: Loose,
    #[serde(default, rename = "software_sourceInfo")]
    source_info: Loose,
    #[serde(default, borrow, rename = "externalIdentifier")]
    identifiers: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Identifier3 {
    #[serde(default, rename = "externalIdentifierType")]
    kind: Loose,
    #[serde(default)]
    identifier: Loose,
}

/// Reads a document of either generation. Packages are read one by one: a broken one is a problem and costs only itself.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Bill, Vec<Problem>) {
    let mut gatherer = Gatherer::default();
    let text = json_text(bytes, &mut gatherer.notes);
    let document: Document<'_> = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(err) => {
            gatherer.notes.add("document", format!("reading JSON: {err}"), text.as_bytes());
            return gatherer.finish();
        }
    };
    if let Some(graph) = document.graph {
        for (n, raw) in elements("/@graph", Some(graph), &mut gatherer.notes).into_iter().enumerate() {
            element3(&format!("/@graph/{n}"), raw, &mut gatherer);
        }
        return gatherer.finish();
    }
    let version = document.spdx_version.as_str().unwrap_or_default();
    if !matches!(version, "SPDX-2.2" | "SPDX-2.3") {
        gatherer.notes.add(
            "/spdxVersion",
            "the version is neither 2.2, 2.3 nor 3.0; read all the same",
            version.as_bytes(),
        );
    }
    gatherer.subject = document.name.as_str().map(str::to_owned);
    for (n, raw) in elements("/packages", document.packages, &mut gatherer.notes).into_iter().enumerate() {
        package2(&format!("/packages/{n}"), raw, &mut gatherer);
    }
    gatherer.finish()
}

fn package2(at: &str, raw: &RawValue, gatherer: &mut Gatherer) {
    let package: Package2<'_> = shaped(at, raw, &mut gatherer.notes);
    let references = elements(&format!("{at}/externalRefs"), package.references, &mut gatherer.notes);
    let url = references.into_iter().take(REFERENCES_MAX).find_map(|raw| {
        let reference: Reference2 = shaped(at, raw, &mut gatherer.notes);
        if reference.kind.as_str() == Some("purl") { reference.locator.0 } else { None }
    });
    let found = Found {
        name: package.name.as_str(),
        version: package.version.as_str(),
        url: url.as_deref(),
        is_os: package.purpose.as_str().is_some_and(|p| p.eq_ignore_ascii_case("OPERATING-SYSTEM")),
        // A purpose other than these (container, file, source, device) never was an installed package.
        is_package: matches!(
            package.purpose.as_str(),
            None | Some("LIBRARY" | "APPLICATION" | "FRAMEWORK" | "INSTALL" | "OTHER")
        ),
        source_info: package.source_info.as_str(),
    };
    take(at, &found, gatherer);
}

fn element3(at: &str, raw: &RawValue, gatherer: &mut Gatherer) {
    let element: Element3<'_> = shaped(at, raw, &mut gatherer.notes);
    let kind = element.kind.as_str().unwrap_or_default();
    if kind == "SpdxDocument" {
        gatherer.subject = element.name.as_str().map(str::to_owned);
    }
    if !matches!(kind, "software_Package" | "software:Package" | "Package") {
        return;
    }
    let identifiers = elements(&format!("{at}/externalIdentifier"), element.identifiers, &mut gatherer.notes);
    let identified = identifiers.into_iter().take(REFERENCES_MAX).find_map(|raw| {
        let identifier: Identifier3 = shaped(at, raw, &mut gatherer.notes);
        if identifier.kind.as_str() == Some("packageUrl") { identifier.identifier.0 } else { None }
    });
    let found = Found {
        name: element.name.as_str(),
        version: element.version.as_str(),
        url: element.url.as_str().or(identified.as_deref()),
        is_os: element.purpose.as_str() == Some("operatingSystem"),
        is_package: matches!(
            element.purpose.as_str(),
            None | Some("library" | "application" | "framework" | "install" | "other")
        ),
        source_info: element.source_info.as_str(),
    };
    take(at, &found, gatherer);
}

/// What both generations say about a package.
struct Found<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    url: Option<&'a str>,
    is_os: bool,
    is_package: bool,
    source_info: Option<&'a str>,
}

fn take(at: &str, found: &Found<'_>, gatherer: &mut Gatherer) {
    let name = found.name.unwrap_or_default();
    if found.is_os {
        let os = found.version.and_then(|version| named_os(name, version));
        match (os, &gatherer.os) {
            (Some(os), None) => gatherer.os = Some(os),
            (Some(os), Some(first)) if os.id != first.id || os.version_id != first.version_id => {
                gatherer.notes.add(at, "a second operating system; the first is kept", os.pretty.as_bytes());
            }
            (Some(_), Some(_)) => {}
            (None, _) => gatherer.notes.add(at, "the operating system has no name or no version", name.as_bytes()),
        }
        return;
    }
    match found.url {
        Some(url) => gatherer.component(at, url, found.version, &built_from(found.source_info)),
        None if found.is_package => {
            gatherer.notes.add(at, "the package has no package URL and cannot be matched", name.as_bytes())
        }
        None => {}
    }
}

/// Trivy writes the source into the free-text field: `built package from: openssl 3.0.11-1~deb12u2`.
fn built_from(source_info: Option<&str>) -> SourceHint {
    let words = source_info.and_then(|s| s.strip_prefix("built package from: ")).unwrap_or_default();
    let (name, version) = words.trim().split_once(' ').map_or((words.trim(), None), |(n, v)| (n, Some(v.trim())));
    SourceHint {
        name: Some(name.to_owned()).filter(|n| !n.is_empty()),
        version: version.map(str::to_owned),
        ..SourceHint::default()
    }
}
