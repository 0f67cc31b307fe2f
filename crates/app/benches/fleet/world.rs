//! The systems of the simulated fleet, with real packages and advisories: Debian 12 from its own package indexes, AlmaLinux
//! from the packages that its advisories name.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use patchwright_app::intel::Intel;
use patchwright_domain::exposure::kernel::{canonical_source, is_kernel_bystander};
use patchwright_domain::inventory::{Os, PackageFormat};
use patchwright_testkit::fleet::{Binary, Source, System, debian_packages, ladder};
use patchwright_versions::{Scheme, compare_lenient};

/// Versions of one package at most: the newest ones.
const STEPS_MAX: usize = 14;
/// Days over which versions came out.
const YEARS: u16 = 3 * 365;
/// An unpacked package index: bookworm's has 50 MB.
const INDEX_MAX: u64 = 256 << 20;

/// The versions that the chunks of an ecosystem name, by package, oldest first.
fn named(intel: &Intel, ecosystem: &str, scheme: Scheme) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, chunk) in intel.advisories(ecosystem).map_err(|e| e.to_string())? {
        for package in chunk.packages() {
            let list = map.entry(package.to_owned()).or_default();
            list.extend(chunk.rows(package).filter_map(|r| r.fixed().map(str::to_owned)));
        }
    }
    for list in map.values_mut() {
        list.sort_by(|a, b| compare_lenient(scheme, a, b));
        list.dedup();
    }
    Ok(map)
}

fn index(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|e| format!("open {}: {e}", path.display()))?;
    let mut text = String::new();
    zstd::stream::read::Decoder::new(file)
        .and_then(|d| d.take(INDEX_MAX).read_to_string(&mut text))
        .map_err(|e| format!("unpack {}: {e}", path.display()))?;
    Ok(text)
}

/// Debian 12. `feeds` is the folder with the package indexes.
pub(crate) fn debian(intel: &Intel, feeds: &Path, today: u16) -> Result<System, String> {
    let mut packages =
        debian_packages(&index(&feeds.join("debian/bookworm_main_binary-amd64_Packages.2026-11-22.zst"))?);
    packages.extend(debian_packages(&index(
        &feeds.join("debian/bookworm-security_main_binary-amd64_Packages.2026-11-22.zst"),
    )?));
    let fixes = named(intel, "Debian:12", Scheme::Deb)?;
    // The kernels of old releases stay in the index under names of their own; one image is enough.
    let kernel = "linux-image-6.1.0-sim-amd64".to_owned();
    packages.retain(|name, _| !name.starts_with("linux-"));
    let current = fixes.get("linux").and_then(|v| v.last()).cloned().unwrap_or_else(|| "6.1.0-1".to_owned());
    packages.insert(kernel.clone(), ("linux".to_owned(), current));
    let mut system = System {
        ecosystem: "Debian:12".to_owned(),
        os: Os::parse_short("debian:12").unwrap_or_default(),
        format: PackageFormat::Deb,
        sources: Vec::new(),
        binaries: Vec::new(),
        kernel: None,
    };
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    // Packages with advisories first: the draw prefers the front, as real hosts prefer libraries and servers.
    let mut order: Vec<(&String, &(String, String))> = packages.iter().collect();
    order.sort_by_key(|(name, (source, _))| (!fixes.contains_key(canonical_source(source)), (*name).clone()));
    for (name, (source, version)) in order {
        let source = canonical_source(source);
        let place = *places.entry(source.to_owned()).or_insert_with(|| {
            let older = |v: &&String| compare_lenient(Scheme::Deb, v, version).is_lt();
            let mut steps: Vec<String> = fixes.get(source).into_iter().flatten().filter(older).cloned().collect();
            steps.push(version.clone());
            let cut = steps.len().saturating_sub(STEPS_MAX);
            system
                .sources
                .push(Source { name: source.to_owned(), ladder: ladder(source, steps.split_off(cut), today, YEARS) });
            system.sources.len() - 1
        });
        if *name == kernel {
            system.kernel = Some(system.binaries.len());
        }
        system.binaries.push(Binary { name: name.clone(), source: place });
    }
    Ok(system)
}

/// One AlmaLinux release. Module builds are left out: a host has one stream of a module, a ladder would mix them.
pub(crate) fn alma(intel: &Intel, major: &str, today: u16) -> Result<System, String> {
    let ecosystem = format!("AlmaLinux:{major}");
    let mut system = System {
        os: Os::parse_short(&format!("almalinux:{major}")).unwrap_or_default(),
        format: PackageFormat::Rpm,
        sources: Vec::new(),
        binaries: Vec::new(),
        kernel: None,
        ecosystem,
    };
    for (name, mut steps) in named(intel, &system.ecosystem, Scheme::Rpm)? {
        steps.retain(|v| !v.contains(".module"));
        let kernel_family = name == "kernel" || name.starts_with("kernel-") || is_kernel_bystander(&name);
        if steps.is_empty() || (kernel_family && name != "kernel-core") {
            continue;
        }
        let cut = steps.len().saturating_sub(STEPS_MAX);
        if name == "kernel-core" {
            system.kernel = Some(system.binaries.len());
        }
        system.binaries.push(Binary { name: name.clone(), source: system.sources.len() });
        system.sources.push(Source { ladder: ladder(&name, steps.split_off(cut), today, YEARS), name });
    }
    Ok(system)
}
