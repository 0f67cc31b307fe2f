//! Repositories of apk: what is configured, which key signed the index that the host holds, and what was installed from which.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use patchwright_domain::inventory::source::ConfiguredSource;
use patchwright_domain::inventory::source::tie::{CameFrom, Content, Evidence, Held, tie};
use patchwright_domain::inventory::{HostFacts, Package, Tri};
use patchwright_formats::host::apk_repositories::{self as reader, ApkRepository};
use patchwright_trust::apk::{IndexSignature, cached_names, check_index};
use patchwright_versions::Scheme;

use crate::look::Look;
use crate::tar;

/// Files of repositories, and bytes of each.
const FILES_MAX: usize = 1_000;
const FILE_MAX: u64 = 1 << 20;
/// Database of installed packages.
const DATABASE_MAX: u64 = 256 << 20;
/// Index as it is kept, and after unpacking; Alpine's largest have 2 MB and 10 MB.
const INDEX_MAX: u64 = 64 << 20;
const UNPACKED_MAX: u64 = 256 << 20;
/// Where apk keeps what it fetched: by default, and where an administrator turned on its cache.
const CACHES: [&str; 2] = ["etc/apk/cache", "var/cache/apk"];
const KEYS: [&str; 2] = ["etc/apk/keys", "usr/share/apk/keys"];

/// Everything that apk is set up with.
pub(super) fn collect(look: &mut Look<'_>, facts: &HostFacts) -> Vec<ConfiguredSource> {
    let mut text = Vec::new();
    let parts = look.root.names("etc/apk/repositories.d", FILES_MAX);
    let parts =
        parts.iter().filter(|name| name.ends_with(".list")).map(|name| format!("etc/apk/repositories.d/{name}"));
    for path in ["etc/apk/repositories".to_owned()].into_iter().chain(parts) {
        match look.root.read(&path, FILE_MAX) {
            Ok(bytes) => {
                text.extend(bytes);
                text.push(b'\n');
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => look.unseen("a file of repositories", format!("/{path}: {error}"), "make it readable"),
        }
    }
    let (repositories, problems) = reader::parse(&text);
    for problem in problems {
        look.unseen(
            "an apk repository",
            format!("{}: {}", problem.at, problem.what),
            "correct the file; apk reads it too",
        );
    }
    let mut found: Vec<(ApkRepository, ConfiguredSource)> = Vec::new();
    for repository in repositories {
        let source = repository.source();
        if !found.iter().any(|(_, known)| known.key == source.key) {
            found.push((repository, source));
        }
    }
    let contents: Vec<Content> =
        found.iter_mut().map(|(repository, source)| look_at(look, repository, source)).collect();
    let database = look.root.read("lib/apk/db/installed", DATABASE_MAX).unwrap_or_default();
    let builds = reader::builds(&database);
    let (repositories, mut sources): (Vec<ApkRepository>, Vec<ConfiguredSource>) = found.into_iter().unzip();
    let build_of = |p: &Package| builds.iter().find(|b| b.offer.name == p.name && b.offer.version == p.version);
    let came_from: Vec<CameFrom> = facts
        .packages
        .iter()
        .map(|p| reader::by_tag(build_of(p).and_then(|b| b.tag.as_deref()), &repositories))
        .collect();
    let held: Vec<Held<'_>> = facts
        .packages
        .iter()
        .zip(&came_from)
        .map(|(package, came_from)| Held {
            package,
            came_from,
            build: build_of(package).and_then(|b| b.offer.build.as_deref()),
        })
        .collect();
    let evidence = Evidence {
        os: &facts.os,
        scheme: Scheme::Apk,
        contents: &contents,
        held: &held,
        pending: &facts.pending,
        no_records: Some(reader::NO_RECORDS),
    };
    tie(&mut sources, &evidence);
    sources
}

/// Reads the index that the host holds of a repository, with the key that signed it.
fn look_at(look: &Look<'_>, repository: &ApkRepository, source: &mut ConfiguredSource) -> Content {
    if look.deadline.passed() {
        return Content::Unread("there was no time left to read it".to_owned());
    }
    let names = cached_names(&repository.line);
    let mut places: Vec<String> =
        CACHES.iter().flat_map(|dir| names.iter().map(move |name| format!("{dir}/{name}"))).collect();
    if let Some(path) = repository.line.strip_prefix('/') {
        // A folder of this host: its index lies below the architecture.
        let arch = look.root.read_text("etc/apk/arch", FILE_MAX).unwrap_or_else(|_| std::env::consts::ARCH.to_owned());
        places.push(format!("{path}/{}/APKINDEX.tar.gz", arch.trim()));
    }
    let Some(bytes) = places.iter().find_map(|place| look.root.read(place, INDEX_MAX).ok()) else {
        return Content::Unread("the host has fetched no index of it".to_owned());
    };
    let key = |name: &str| KEYS.iter().find_map(|dir| look.root.read(format!("{dir}/{name}"), FILE_MAX).ok());
    match check_index(&bytes, &key) {
        IndexSignature::Holds(key) => {
            source.verified = Tri::Yes;
            source.keys = vec![key.clone()];
            source.signed_by = Some(key);
        }
        IndexSignature::Refused { key, why } => {
            source.verified = Tri::No;
            source.untold.push(format!("whose index it is: `{key}` is named as its key, but {why}"));
            source.keys = vec![key];
        }
        IndexSignature::Missing => {
            source.verified = Tri::No;
            source.unchecked = true;
        }
    }
    match index(&bytes) {
        Ok((text, description)) => {
            source.label = description;
            Content::Offers(reader::builds(&text).into_iter().map(|build| build.offer).collect())
        }
        Err(error) => Content::Unread(format!("its index cannot be read: {error}")),
    }
}

/// The list in an index and the description beside it.
fn index(bytes: &[u8]) -> std::io::Result<(Vec<u8>, Option<String>)> {
    let (mut text, mut description) = (None, None);
    tar::each_file(
        MultiGzDecoder::new(bytes).take(UNPACKED_MAX),
        UNPACKED_MAX,
        |path| matches!(path, "APKINDEX" | "DESCRIPTION"),
        |path, body| {
            if path == "APKINDEX" {
                text = Some(body);
            } else {
                description = Some(String::from_utf8_lossy(&body).trim().chars().take(200).collect::<String>());
            }
            text.is_none()
        },
    )?;
    let text = text.ok_or_else(|| std::io::Error::other("there is no list of packages in it"))?;
    Ok((text, description.filter(|d| !d.is_empty())))
}
