//! Ctrl-K: any host, CVE, package or page.

use std::collections::BTreeSet;

use patchwright_domain::access::{Action, Target};
use patchwright_protocol::fleet::SearchHit;

use super::affected::open;
use super::seen::seen;
use crate::{Ctx, Env, Result};

/// Hits of one kind at most.
const HITS_MAX: usize = 8;

/// Pages that the search knows: title, what they answer, address.
const PAGES: &[(&str, &str, &str)] = &[
    ("Today", "what needs patching first", "/"),
    ("Hosts", "which hosts are at risk", "/hosts"),
    ("Findings", "everything that is open, by patch, vulnerability, host or owner", "/findings"),
    ("Advisories", "which vulnerabilities concern us", "/advisories"),
    ("Exceptions", "what is deferred or not affected, who decided, until when", "/exceptions"),
    ("Sources", "where packages come from and whether that is assessed", "/sources"),
    ("Vulnerability data", "how fresh is what we know", "/data"),
    ("Settings", "password, tokens, policy, audit", "/settings"),
];

fn counted_vulns(n: u64) -> String {
    if n == 1 { "1 vulnerability".to_owned() } else { format!("{n} vulnerabilities") }
}

/// What a text could mean, best first.
///
/// # Errors
/// [`crate::AppError::Forbidden`], or the database.
pub async fn search(env: &Env, ctx: &Ctx, text: &str) -> Result<Vec<SearchHit>> {
    ctx.authorize(Action::ViewFindings, &Target::OwnScope)?;
    let needle = text.trim().to_lowercase();
    if needle.is_empty() {
        return Ok(Vec::new());
    }
    let seen = seen(env, ctx).await?;
    let index = &seen.state.index;
    let mut hits = Vec::new();
    let mut push = |kind: &str, title: &str, detail: String, href: String| {
        hits.push(SearchHit { kind: kind.to_owned(), title: title.to_owned(), detail, href });
    };
    let mut hosts: Vec<_> = seen.hosts().filter(|(_, h, ..)| h.hostname.to_lowercase().contains(&needle)).collect();
    hosts.sort_by(|(_, a, ..), (_, b, ..)| a.hostname.cmp(&b.hostname));
    for (_, host, _, sum) in hosts.into_iter().take(HITS_MAX) {
        let detail = format!("{} · {} findings", host.os_pretty, sum.findings());
        push("host", &host.hostname, detail, format!("/hosts/{}", host.id));
    }
    let ids = seen.census.vulns.iter().map(|v| index.vuln(v.vuln));
    let vulns: BTreeSet<&str> = ids.filter(|v| v.to_lowercase().contains(&needle)).collect();
    for vuln in vulns.iter().take(HITS_MAX) {
        push("advisory", vuln, "open here".to_owned(), format!("/advisories/{vuln}"));
    }
    if vulns.is_empty() && needle.starts_with("cve-") && needle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        let id = needle.to_uppercase();
        push("advisory", &id, "not open on any host here".to_owned(), format!("/advisories/{id}"));
    }
    if vulns.is_empty() {
        let open = open(&seen, text.trim(), 0)?;
        if !open.hosts.is_empty() {
            let vulns = open.vulns.len() as u64;
            let detail = format!("an advisory that fixes {} here", counted_vulns(vulns));
            push("advisory", text.trim(), detail, format!("/advisories/{}", text.trim()));
        }
    }
    // A package is found by its own name and by those of its binaries, where something is open in it.
    let open: BTreeSet<u32> = seen.census.patches.iter().map(|p| p.name).collect();
    let names = open.iter().filter_map(|no| index.name(*no)).map(|n| n.name.as_ref());
    let mut packages: BTreeSet<&str> = names.filter(|p: &&str| p.to_lowercase().contains(&needle)).collect();
    let binaries = index.binaries(|name| name.to_lowercase().contains(&needle));
    packages.extend(binaries.into_iter().filter(|(_, name)| open.contains(name)).map(|(binary, _)| binary));
    for package in packages.into_iter().take(HITS_MAX) {
        push("package", package, "hosts that need it patched".to_owned(), format!("/hosts?q=package:{package}"));
    }
    for (title, detail, href) in
        PAGES.iter().filter(|(t, d, _)| t.to_lowercase().contains(&needle) || d.contains(&needle))
    {
        push("page", title, (*detail).to_owned(), (*href).to_owned());
    }
    Ok(hits)
}
