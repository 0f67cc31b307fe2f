//! What `apt-cache policy` prints: with package names their versions and where these come from, without names every source.

use patchwright_domain::intel::Problem;

use super::text::{Lines, Notes, PACKAGES_MAX, is_token};

/// One version of a package with the places that offer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Version.
    pub version: String,
    /// Pin priority of the version; some apt releases print none for versions that cannot be fetched.
    pub priority: Option<i32>,
    /// Marked `***`: installed.
    pub installed: bool,
    /// Share of hosts that phasing offers it to, in percent, where apt prints one.
    pub phased: Option<u8>,
    /// Where it comes from.
    pub sources: Vec<PolicySource>,
}

/// A place that offers a version, or a line of the list of all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySource {
    /// Pin priority of the source.
    pub priority: i32,
    /// `http://…/debian-security`, or the path of the status file.
    pub location: String,
    /// `bookworm-security`, where the source is a repository.
    pub suite: Option<String>,
    /// `main`, where the source is a repository.
    pub component: Option<String>,
    /// The `release` line, `o=`, `a=`, `n=`, `l=`, `v=` in the order printed; only in the list of all sources.
    pub release: Vec<(String, String)>,
}

impl PolicySource {
    /// A value of the `release` line (`o` origin, `a` archive, `n` code name, `l` label, `v` version).
    #[must_use]
    pub fn release_value(&self, key: &str) -> Option<&str> {
        self.release.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// What apt knows about one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackagePolicy {
    /// Package as asked, with `:arch` for a foreign architecture.
    pub name: String,
    /// Installed version.
    pub installed: Option<String>,
    /// Version apt would take.
    pub candidate: Option<String>,
    /// All versions, best first.
    pub versions: Vec<PolicyVersion>,
}

/// The whole output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// One block per package asked for.
    pub packages: Vec<PackagePolicy>,
    /// The list under `Package files:`, printed when no package is named.
    pub sources: Vec<PolicySource>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Files,
    Pinned,
    Package,
}

/// Reads the output of `LC_ALL=C apt-cache policy [package…]`.
#[must_use]
pub fn parse(bytes: &[u8]) -> (Policy, Vec<Problem>) {
    let mut notes = Notes::default();
    let mut policy = Policy::default();
    let mut part = Part::Package;
    for line in Lines::new(bytes) {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        if !text.starts_with(' ') {
            part = match text.trim_end() {
                "Package files:" => Part::Files,
                "Pinned packages:" => Part::Pinned,
                other => {
                    let Some(name) = other.strip_suffix(':').filter(|n| is_token(n)) else {
                        notes.line(line.number, "reading a block: no `package:` line", line.bytes);
                        continue;
                    };
                    if policy.packages.len() >= PACKAGES_MAX {
                        notes.line(
                            line.number,
                            format!("more than {PACKAGES_MAX} packages; the rest was not read"),
                            b"",
                        );
                        break;
                    }
                    policy.packages.push(PackagePolicy { name: name.to_owned(), ..PackagePolicy::default() });
                    Part::Package
                }
            };
            continue;
        }
        let read = match part {
            Part::Files => file_line(&text, &mut policy.sources),
            Part::Pinned => Some(()),
            Part::Package => policy.packages.last_mut().and_then(|block| package_line(&text, block)),
        };
        if read.is_none() {
            notes.line(line.number, "reading a line of apt-cache policy: unknown shape", line.bytes);
        }
    }
    (policy, notes.finish())
}

/// ` 500 http://archive.example.org/debian bookworm/main amd64 Packages`
fn source(text: &str) -> Option<PolicySource> {
    let mut words = text.split_ascii_whitespace();
    let priority = words.next()?.parse().ok()?;
    let location = words.next()?.to_owned();
    let place = words.next().and_then(|p| p.rsplit_once('/'));
    Some(PolicySource {
        priority,
        location,
        suite: place.map(|(suite, _)| suite.to_owned()),
        component: place.map(|(_, component)| component.to_owned()),
        release: Vec::new(),
    })
}

fn file_line(text: &str, sources: &mut Vec<PolicySource>) -> Option<()> {
    let text = text.trim();
    if let Some(release) = text.strip_prefix("release ") {
        let last = sources.last_mut()?;
        for pair in release.split(',') {
            match pair.split_once('=') {
                Some((key, value)) => last.release.push((key.trim().to_owned(), value.to_owned())),
                // A value may contain a comma (`l=Packages, signed`): what has no key belongs to the value before.
                None => {
                    let value = &mut last.release.last_mut()?.1;
                    value.push(',');
                    value.push_str(pair);
                }
            }
        }
        return Some(());
    }
    if text.starts_with("origin ") {
        return sources.last().map(|_| ());
    }
    if sources.len() >= PACKAGES_MAX {
        return None;
    }
    sources.push(source(text)?);
    Some(())
}

fn package_line(text: &str, block: &mut PackagePolicy) -> Option<()> {
    let trimmed = text.trim();
    let known = |v: &str| Some(v.trim().to_owned()).filter(|v| v != "(none)" && !v.is_empty());
    if let Some(version) = trimmed.strip_prefix("Installed:") {
        block.installed = known(version);
    } else if let Some(version) = trimmed.strip_prefix("Candidate:") {
        block.candidate = known(version);
    } else if trimmed == "Version table:" || trimmed.starts_with("Package pin:") {
        // Nothing to keep: pins show in the priorities.
    } else if text.starts_with("        ") {
        let version = block.versions.last_mut()?;
        version.sources.push(source(trimmed)?);
    } else {
        let (installed, rest) = match trimmed.strip_prefix("***") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        let mut words = rest.split_ascii_whitespace();
        let version = words.next()?;
        let priority = words.next().and_then(|p| p.parse().ok());
        let phased = words.find(|w| w.ends_with("%)")).and_then(|w| w.trim_end_matches("%)").parse().ok());
        block.versions.push(PolicyVersion {
            version: version.to_owned(),
            priority,
            installed,
            phased,
            sources: Vec::new(),
        });
    }
    Some(())
}
