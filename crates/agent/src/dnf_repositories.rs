//! dnf's configuration: enabled repositories, what they need to be opened, module streams, locked packages.

use patchwright_domain::inventory::{Entitlement, EntitlementState, Package};
use patchwright_domain::time::Timestamp;
use patchwright_formats::host::certificate;
use patchwright_formats::host::dnf::{self as reader, ConfigSection};
use patchwright_formats::host::rpm_list::Nevra;

use crate::clock;
use crate::look::Look;
use crate::root::Root;

/// Configuration files are short; a generated `redhat.repo` with all repositories of a vendor has some 300 KiB.
const FILE_MAX: u64 = 16 << 20;

/// Files in a directory of configuration.
const FILES_MAX: usize = 10_000;

/// Where subscription-manager keeps certificates (and, beside them, private keys, which are not read).
const ENTITLEMENTS: &str = "etc/pki/entitlement";

/// What is configured.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    /// Enabled ones: id, and the certificate that opens it.
    pub(crate) enabled: Vec<(String, Option<String>)>,
}

/// Enabled repositories from all `*.repo` files.
pub(crate) fn read(root: &Root) -> Repositories {
    let mut out = Repositories::default();
    for dir in ["etc/yum.repos.d", "etc/dnf/repos.d"] {
        for name in root.names(dir, FILES_MAX).iter().filter(|name| name.ends_with(".repo")) {
            let Ok(bytes) = root.read(format!("{dir}/{name}"), FILE_MAX) else {
                continue;
            };
            let found = reader::sections(&bytes).into_iter().filter(|s| s.name != "main" && s.is_on("enabled", true));
            out.enabled.extend(found.map(|s| {
                let certificate = s.get("sslclientcert").filter(|path| !path.is_empty()).map(str::to_owned);
                (s.name, certificate)
            }));
        }
    }
    out.enabled.sort();
    out.enabled.dedup();
    out
}

/// What the enabled repositories' certificates are worth now.
pub(crate) fn entitlements(look: &mut Look<'_>, repositories: &Repositories) -> Vec<Entitlement> {
    let now = clock::now();
    let mut found: Vec<Entitlement> = Vec::new();
    for (id, path) in &repositories.enabled {
        let Some(path) = path else {
            continue;
        };
        let (state, until, evidence) = worth(look, path, now);
        match found.iter_mut().find(|e| e.evidence.contains(&evidence)) {
            Some(entitlement) => entitlement.repositories.push(id.clone()),
            None => {
                found.push(Entitlement { state, repositories: vec![id.clone()], until, evidence: vec![evidence] });
            }
        }
    }
    found.extend(unregistered(look.root, repositories));
    found
}

/// One certificate. Red Hat's tools remove it when the subscription ends, so a missing file is an answer too.
fn worth(look: &mut Look<'_>, path: &str, now: Timestamp) -> (EntitlementState, Option<Timestamp>, String) {
    match look.root.read(path.trim_start_matches('/'), FILE_MAX) {
        Ok(pem) => match certificate::not_after(&pem) {
            Some(until) if until < now => {
                (EntitlementState::Lapsed, Some(until), format!("{path} was valid until {until}"))
            }
            Some(until) => (EntitlementState::Valid, Some(until), format!("{path} is valid until {until}")),
            None => (EntitlementState::Unknown, None, format!("{path} is not a certificate that can be read")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (EntitlementState::Missing, None, format!("{path} does not exist"))
        }
        Err(error) => {
            look.unseen("a subscription's certificate", format!("{path}: {error}"), "run with sudo");
            (EntitlementState::Unknown, None, format!("{path} cannot be read"))
        }
    }
}

/// A host of a vendor that sells its repositories, with subscription-manager, without any repository or certificate: it was
/// unregistered, or never registered.
fn unregistered(root: &Root, repositories: &Repositories) -> Option<Entitlement> {
    let manager = root.exists("etc/rhsm/rhsm.conf");
    let certificates = root.names(ENTITLEMENTS, FILES_MAX);
    let identity = root.exists("etc/pki/consumer/cert.pem");
    (manager && repositories.enabled.is_empty() && certificates.is_empty() && !identity).then(|| Entitlement {
        state: EntitlementState::Missing,
        repositories: Vec::new(),
        until: None,
        evidence: vec![
            "/etc/rhsm/rhsm.conf exists, /etc/pki/consumer and /etc/pki/entitlement are empty, no repository is enabled".to_owned(),
        ],
    })
}

/// Streams that are enabled, sorted.
pub(crate) fn modules(root: &Root) -> Vec<String> {
    const DIR: &str = "etc/dnf/modules.d";
    let names = root.names(DIR, FILES_MAX);
    let files = names.iter().filter(|name| name.ends_with(".module"));
    let mut found: Vec<String> = files
        .filter_map(|name| root.read(format!("{DIR}/{name}"), FILE_MAX).ok())
        .flat_map(|bytes| reader::enabled_modules(&bytes))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Gives modular packages without a label (rpm of Oracle Linux 8 writes none) the enabled stream of a module of their own or
/// their source's name; others stay without.
pub(crate) fn label(packages: &mut [Package], modules: &[String]) {
    let unlabelled =
        |p: &&mut Package| p.module.is_none() && patchwright_domain::intel::modules::is_modular(&p.version);
    for package in packages.iter_mut().filter(unlabelled) {
        let of = |name: &str| modules.iter().find(|m| m.split(':').next() == Some(name)).cloned();
        package.module = of(&package.source).or_else(|| of(&package.name));
    }
}

/// Marks packages that the configuration keeps from upgrades: `exclude` of `dnf.conf` and of the version lock plugin.
pub(crate) fn mark_held(root: &Root, packages: &mut [Package]) {
    let main = ["etc/dnf/dnf.conf", "etc/yum.conf"].iter().find_map(|path| root.read(path, FILE_MAX).ok());
    let sections = main.map(|bytes| reader::sections(&bytes)).unwrap_or_default();
    let main: Option<&ConfigSection> = sections.iter().find(|section| section.name == "main");
    let mut patterns: Vec<String> = ["exclude", "excludepkgs"]
        .iter()
        .filter_map(|key| main?.get(key))
        .flat_map(|text| text.split([',', ' ']).filter(|word| !word.is_empty()))
        // A full name-version-release locks out that version only; the name is what is compared here.
        .map(|word| Nevra::parse(word).filter(|_| !word.contains(['*', '?'])).map_or(word, |n| n.name).to_owned())
        .collect();
    for path in ["etc/dnf/plugins/versionlock.list", "etc/yum/pluginconf.d/versionlock.list"] {
        if let Ok(bytes) = root.read(path, FILE_MAX) {
            patterns.extend(reader::locked_names(&bytes));
        }
    }
    for package in packages {
        package.held |= patterns.iter().any(|pattern| reader::glob_matches(pattern, &package.name));
    }
}
