//! CycloneDX bills of materials in JSON, 1.4 to 1.7 (ECMA-424); other versions are read with a problem that says so.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::Os;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::sbom::{Bill, Gatherer, Loose, NESTING_MAX, SourceHint, elements, json_text, named_os, shaped};
use super::text::Notes;

/// Versions of the standard this reader was written against.
const KNOWN: [&str; 4] = ["1.4", "1.5", "1.6", "1.7"];
/// Property of a component in documents of ours: the package that it is built from, as advisories name it.
pub(crate) const SOURCE: &str = "patchwright:source";
/// The same: the version of that package.
pub(crate) const SOURCE_VERSION: &str = "patchwright:source:version";
/// Most properties looked at of one component; image labels can bring hundreds.
const PROPERTIES_MAX: usize = 10_000;

#[derive(Default, Deserialize)]
struct Document<'a> {
    #[serde(default, rename = "specVersion")]
    spec_version: Loose,
    #[serde(default, rename = "bomFormat")]
    bom_format: Loose,
    #[serde(default, borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(default, borrow)]
    components: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Metadata<'a> {
    #[serde(default, borrow)]
    component: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Component<'a> {
    #[serde(default, rename = "type")]
    kind: Loose,
    #[serde(default)]
    name: Loose,
    #[serde(default)]
    version: Loose,
    #[serde(default)]
    description: Loose,
    #[serde(default)]
    purl: Loose,
    #[serde(default, borrow)]
    properties: Option<&'a RawValue>,
    #[serde(default, borrow)]
    components: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Property {
    #[serde(default)]
    name: Loose,
    #[serde(default)]
    value: Loose,
}

/// What properties of the two common generators, and of our own documents, say; anything else is ignored.
#[derive(Default)]
struct Properties {
    source: SourceHint,
    source_release: Option<String>,
    source_epoch: Option<String>,
    os: Os,
    /// The component stands for a whole list (a lock file, the operating system's packages), not for a package.
    is_target: bool,
}

/// Reads a document. Components are read one by one, nested ones too: a broken one is a problem and costs only itself.
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
    if document.bom_format.as_str() != Some("CycloneDX") {
        gatherer.notes.add("/bomFormat", "the format is not `CycloneDX`; read all the same", b"");
    }
    let version = document.spec_version.as_str().unwrap_or_default();
    if !KNOWN.contains(&version) {
        gatherer.notes.add(
            "/specVersion",
            "the version is not one of 1.4 to 1.7; read all the same",
            version.as_bytes(),
        );
    }
    if let Some(raw) = document.metadata {
        let metadata: Metadata<'_> = shaped("/metadata", raw, &mut gatherer.notes);
        if let Some(raw) = metadata.component {
            subject(raw, &mut gatherer);
        }
    }
    let mut queue: Vec<(String, &RawValue, usize)> = Vec::new();
    enqueue("/components", document.components, 0, &mut queue, &mut gatherer.notes);
    while let Some((at, raw, depth)) = queue.pop() {
        let component: Component<'_> = shaped(&at, raw, &mut gatherer.notes);
        take(&at, &component, &mut gatherer);
        let below = format!("{at}/components");
        if component.components.is_some() && depth + 1 >= NESTING_MAX {
            gatherer.notes.add(below, format!("components are nested deeper than {NESTING_MAX}; not read"), b"");
        } else {
            enqueue(&below, component.components, depth + 1, &mut queue, &mut gatherer.notes);
        }
    }
    gatherer.finish()
}

fn enqueue<'a>(
    at: &str,
    raw: Option<&'a RawValue>,
    depth: usize,
    queue: &mut Vec<(String, &'a RawValue, usize)>,
    notes: &mut Notes,
) {
    // Reversed, so that the queue's end gives them in the document's order.
    let found = elements(at, raw, notes);
    queue.extend(found.into_iter().enumerate().rev().map(|(n, raw)| (format!("{at}/{n}"), raw, depth)));
}

/// What the document describes. Only an operating system says something about the host; the rest is a name.
fn subject(raw: &RawValue, gatherer: &mut Gatherer) {
    let component: Component<'_> = shaped("/metadata/component", raw, &mut gatherer.notes);
    gatherer.subject = component.name.as_str().map(str::to_owned);
    if component.kind.as_str() == Some("operating-system") {
        take("/metadata/component", &component, gatherer);
    }
}

fn take(at: &str, component: &Component<'_>, gatherer: &mut Gatherer) {
    let properties = properties(at, component.properties, &mut gatherer.notes);
    let kind = component.kind.as_str().unwrap_or_default();
    if kind == "operating-system" {
        let os = operating_system(component, properties.os);
        match (os, &gatherer.os) {
            (Some(os), None) => gatherer.os = Some(os),
            (Some(os), Some(first)) if os.id != first.id || os.version_id != first.version_id => {
                gatherer.notes.add(at, "a second operating system; the first is kept", os.pretty.as_bytes());
            }
            (Some(_), Some(_)) => {}
            (None, _) => gatherer.notes.add(
                at,
                "the operating system has no name or no version",
                component.name.as_str().unwrap_or_default().as_bytes(),
            ),
        }
        return;
    }
    let name = component.name.as_str().unwrap_or_default();
    match component.purl.as_str() {
        Some(url) => {
            let mut hint = properties.source;
            hint.version = hint
                .version
                .map(|v| rpm_list_evr(properties.source_epoch.as_deref(), &v, properties.source_release.as_deref()));
            gatherer.component(at, url, component.version.as_str(), &hint);
        }
        // Files, containers, data, hardware: nothing that has a version to match.
        None if matches!(kind, "library" | "framework" | "application") && !properties.is_target => {
            gatherer.notes.add(at, "the component has no package URL and cannot be matched", name.as_bytes());
        }
        None => {}
    }
}

fn rpm_list_evr(epoch: Option<&str>, version: &str, release: Option<&str>) -> String {
    super::rpm_list::evr(epoch, version, release.unwrap_or_default())
}

fn operating_system(component: &Component<'_>, told: Os) -> Option<Os> {
    let id = if told.id.is_empty() { component.name.as_str()? } else { &told.id };
    let version = if told.version_id.is_empty() { component.version.as_str()? } else { &told.version_id };
    let mut os = named_os(id, version)?;
    os.codename = told.codename.or(os.codename);
    os.id_like = told.id_like;
    if !told.pretty.is_empty() {
        os.pretty = told.pretty;
    } else if let Some(pretty) = component.description.as_str() {
        pretty.clone_into(&mut os.pretty);
    }
    Some(os)
}

fn properties(at: &str, raw: Option<&RawValue>, notes: &mut Notes) -> Properties {
    let mut found = Properties::default();
    let at = format!("{at}/properties");
    for raw in elements(&at, raw, notes).into_iter().take(PROPERTIES_MAX) {
        let property: Property = shaped(&at, raw, notes);
        let (Some(name), Some(value)) = (property.name.as_str(), property.value.as_str()) else {
            continue;
        };
        let value = value.to_owned();
        match name {
            SOURCE | "syft:metadata:source" | "syft:metadata:originPackage" | "aquasecurity:trivy:SrcName" => {
                found.source.name = Some(value)
            }
            SOURCE_VERSION | "syft:metadata:sourceVersion" | "aquasecurity:trivy:SrcVersion" => {
                found.source.version = Some(value)
            }
            "aquasecurity:trivy:SrcRelease" => found.source_release = Some(value),
            "aquasecurity:trivy:SrcEpoch" => found.source_epoch = Some(value),
            "syft:metadata:sourceRpm" => found.source.file = Some(value),
            "syft:metadata:modularityLabel" | "aquasecurity:trivy:Modularitylabel" => found.source.module = Some(value),
            "syft:location:0:path" | "aquasecurity:trivy:FilePath" => found.source.location = Some(value),
            "aquasecurity:trivy:Class" => found.is_target = true,
            "syft:distro:id" => found.os.id = value,
            "syft:distro:versionID" => found.os.version_id = value,
            "syft:distro:versionCodename" => found.os.codename = Some(value),
            "syft:distro:prettyName" => found.os.pretty = value,
            _ if name.starts_with("syft:distro:idLike:") => found.os.id_like.push(value),
            _ => {}
        }
    }
    found
}
