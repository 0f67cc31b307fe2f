//! One line of the cases: read, and put before the matcher. The head of the file says what the words mean.

use patchwright_domain::exposure::components::match_components;
use patchwright_domain::exposure::kernel::rpm_kernels;
use patchwright_domain::exposure::matching::{ProviderChunk, match_host};
use patchwright_domain::exposure::vex::{
    Component as VexComponent, HostIdentity, Identity, Product, Purl, Source, Standing, Statement, Subject, VexStatus,
    apply,
};
use patchwright_domain::exposure::{Finding, FindingState};
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected, Event, Range, RangeKind, Status, VendorWords};
use patchwright_domain::inventory::{
    Component, HistoryEntry, HostFacts, InstalledKernel, Package, PackageState, StaleFile, StaleProcess,
};
use patchwright_domain::time::Timestamp;

/// A labelled case.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) class: String,
    ecosystem: String,
    pub(super) host: String,
    pub(super) statements: String,
    pub(super) wanted: Vec<String>,
    pub(super) why: String,
}

fn parts(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split("; ").map(|part| part.split_whitespace().collect())
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

impl Case {
    pub(super) fn read(line: &str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, class, ecosystem, host, statements, verdict, why] = fields.as_slice() else {
            panic!("not seven columns: {line}");
        };
        let wanted: Vec<String> = verdict.split(' ').filter(|word| *word != "none").map(str::to_owned).collect();
        for word in &wanted {
            let state = word.split('@').next().unwrap();
            assert!(["fix", "restart", "reboot", "nofix"].contains(&state), "{id}: {verdict}");
        }
        assert!(!why.is_empty(), "{id} says not why");
        Self {
            id: (*id).to_owned(),
            class: (*class).to_owned(),
            ecosystem: (*ecosystem).to_owned(),
            host: (*host).to_owned(),
            statements: (*statements).to_owned(),
            wanted,
            why: (*why).to_owned(),
        }
    }

    /// Installed and fixed version, where nothing but their order decides.
    pub(super) fn plain(&self, tool: &str) -> Option<(String, String)> {
        let family = self.ecosystem.split(':').next()?;
        let fits = match tool {
            "dpkg" => matches!(family, "Debian" | "Ubuntu"),
            _ => family == "AlmaLinux",
        };
        let (host, said): (Vec<_>, Vec<_>) = (parts(&self.host).collect(), parts(&self.statements).collect());
        let ([host], [said]) = (host.as_slice(), said.as_slice()) else {
            return None;
        };
        let kernel = self.class.contains("kernel");
        if !fits || kernel || host[0] != "pkg" || host.len() > 4 || host.contains(&"config") || said.len() != 4 {
            return None;
        }
        let fixed = said[3].strip_prefix('<').filter(|v| v.starts_with(|c: char| c.is_ascii_digit()))?;
        Some((option(host, "src").unwrap_or(host[2]).to_owned(), fixed.to_owned()))
    }

    /// What the matcher finds, in the words of a verdict.
    pub(super) fn found(&self) -> Vec<String> {
        let host = facts(&self.host, &self.ecosystem);
        let mut providers: Vec<(&str, Vec<Advisory>)> = Vec::new();
        let mut statements = Vec::new();
        for words in parts(&self.statements) {
            if words[0] == "vex" {
                statements.push(vex(&words));
                continue;
            }
            let advisory = advisory(&words, &self.ecosystem);
            match providers.iter_mut().find(|(name, _)| *name == words[0]) {
                Some((_, list)) => list.push(advisory),
                None => providers.push((words[0], vec![advisory])),
            }
        }
        let chunks: Vec<(&str, AdvisoryChunk)> = providers
            .iter()
            .flat_map(|(name, list)| {
                let of = compile_advisories(list).into_iter().filter(|(found, _, _)| *found == self.ecosystem);
                of.map(|(_, _, bytes)| (*name, AdvisoryChunk::open(bytes).unwrap()))
            })
            .collect();
        let chunks: Vec<ProviderChunk<'_>> =
            chunks.iter().map(|(provider, chunk)| ProviderChunk { provider, chunk, subscription: false }).collect();
        let findings = if host.components.is_empty() {
            match_host(&host, &self.ecosystem, &chunks)
        } else {
            match_components(&host, &self.ecosystem, &chunks)
        };
        let left = self.after_vex(&statements, &findings);
        let with_version = self.wanted.iter().any(|word| word.contains('@'));
        left.into_iter().map(|finding| word(finding, with_version)).collect()
    }

    fn after_vex<'f>(&self, statements: &[Statement], findings: &'f [Finding]) -> Vec<&'f Finding> {
        let identity = HostIdentity {
            ids: vec!["urn:patchwright:host:web-01".to_owned()],
            names: vec!["web-01".to_owned()],
            ..HostIdentity::default()
        };
        let applied = apply(statements, &Subject { host: &identity, findings }, Timestamp(1_000));
        assert_eq!(applied.left().len() + applied.set_aside.len(), findings.len(), "{}", self.id);
        applied.left().into_iter().map(|place| &findings[place]).collect()
    }
}

fn word(finding: &Finding, with_version: bool) -> String {
    let state = match finding.state {
        FindingState::FixAvailable => "fix",
        FindingState::RestartPending => "restart",
        FindingState::RebootPending => "reboot",
        FindingState::NoFix => "nofix",
        FindingState::FixWithSubscription => "subscription",
    };
    if with_version { format!("{state}@{}", finding.installed) } else { state.to_owned() }
}

fn facts(text: &str, ecosystem: &str) -> HostFacts {
    let mut host = HostFacts { schema: 1, ..HostFacts::default() };
    for words in parts(text) {
        match words.as_slice() {
            ["pkg", name, version, options @ ..] => host.packages.push(package(name, version, options)),
            ["comp", name, version, options @ ..] => host.components.push(Component {
                ecosystem: ecosystem.to_owned(),
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                purl: format!("pkg:generic/{name}@{version}"),
                location: None,
                owned_by: option(options, "owner").map(str::to_owned),
            }),
            ["was", name, old] => host.history.push(HistoryEntry {
                at: Timestamp(5),
                name: (*name).to_owned(),
                from: Some((*old).to_owned()),
                to: host.packages.iter().find(|p| p.name == *name).map(|p| p.version.clone()),
                source: "dpkg.log".to_owned(),
            }),
            ["maps", name] => host.stale.push(StaleProcess {
                pid: 77,
                exe: "/usr/sbin/daemon".to_owned(),
                files: vec![StaleFile { path: "/usr/lib/old.so".to_owned(), package: Some((*name).to_owned()) }],
                ..StaleProcess::default()
            }),
            ["runs", release] => host.kernel.running_release = Some((*release).to_owned()),
            ["boots", release] => host.kernel.next_boot = Some((*release).to_owned()),
            ["container"] => host.container = true,
            other => panic!("no fact of a host: {other:?}"),
        }
    }
    // As the agent tells them: a release is the tail of the image's name (dpkg), or what the matcher's own rule says of an rpm.
    let deb = |p: &Package| {
        let release = p.name.strip_prefix("linux-image-")?.trim_start_matches("unsigned-").to_owned();
        Some(InstalledKernel { release, package: p.name.clone(), version: p.version.clone() })
    };
    // The cases have one architecture, in dpkg's word.
    let rpm = |k: InstalledKernel| InstalledKernel { release: k.release.replace(".amd64", ".x86_64"), ..k };
    host.kernel.installed =
        host.packages.iter().filter_map(deb).chain(rpm_kernels(&host.packages).into_iter().map(rpm)).collect();
    let running = host.kernel.running_release.as_ref();
    host.kernel.running_version =
        running.and_then(|r| host.kernel.installed.iter().find(|k| k.release == *r)).map(|k| k.version.clone());
    host
}

fn package(name: &str, version: &str, options: &[&str]) -> Package {
    let (name, source) = name.split_once('<').unwrap();
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "amd64".to_owned(),
        source: source.to_owned(),
        source_version: option(options, "src").unwrap_or(version).to_owned(),
        state: if options.contains(&"config") { PackageState::ConfigFiles } else { PackageState::default() },
        module: option(options, "module").map(str::to_owned),
        ..Package::default()
    }
}

fn advisory(words: &[&str], ecosystem: &str) -> Advisory {
    let (id, vuln) = words[1].split_once('/').unwrap_or((words[1], words[1]));
    let ecosystem = option(words, "in").unwrap_or(ecosystem);
    let named = |word: &&&str| !["in=", "stream="].iter().any(|p| word.starts_with(p)) && **word != "withdrawn";
    let range: Vec<&str> = words[3..].iter().filter(named).copied().collect();
    let range = range.join(" ");
    let affected = if range.starts_with(['<', '>', '=']) {
        Affected { ranges: range.split('|').map(one_range).collect(), ..Affected::fixed_in(ecosystem, words[2], "0") }
    } else {
        let (status, sub_state) = range.split_once(':').map_or((range.as_str(), None), |(s, sub)| (s, Some(sub)));
        let status = Status::ALL.into_iter().find(|s| s.word() == status).unwrap_or_else(|| panic!("{words:?}"));
        let vendor = VendorWords { sub_state: sub_state.map(str::to_owned), ..VendorWords::default() };
        Affected::stated(ecosystem, words[2], status, vendor)
    };
    Advisory {
        id: id.to_owned(),
        upstream: (id != vuln).then(|| vuln.to_owned()).into_iter().collect(),
        title: option(words, "stream").map(|stream| format!("Important: {stream} security update")),
        withdrawn: words.contains(&"withdrawn").then_some(Timestamp(1)),
        affected: vec![affected],
        ..Advisory::default()
    }
}

fn one_range(text: &str) -> Range {
    let mut events = vec![Event::Introduced("0".to_owned())];
    for bound in text.split_whitespace() {
        if let Some(version) = bound.strip_prefix(">=") {
            events[0] = Event::Introduced(version.to_owned());
        } else if let Some(version) = bound.strip_prefix("<=") {
            events.push(Event::LastAffected(version.to_owned()));
        } else if let Some(version) = bound.strip_prefix('<') {
            events.push(Event::Fixed(version.to_owned()));
        } else {
            panic!("no bound: {bound}");
        }
    }
    Range { kind: RangeKind::Ecosystem, events }
}

fn vex(words: &[&str]) -> Statement {
    let product = match (option(words, "host"), option(words, "purl")) {
        (Some(name), _) => Identity::Name { name: name.to_owned() },
        (None, Some(text)) => purl(text),
        (None, None) => panic!("no product: {words:?}"),
    };
    let subcomponents = option(words, "part").map(|text| VexComponent { ids: vec![purl(text)] });
    Statement {
        vulnerability: "CVE-2026-22796".to_owned(),
        aliases: Vec::new(),
        products: vec![Product { ids: vec![product], subcomponents: subcomponents.into_iter().collect() }],
        status: VexStatus::from_word(words[1]).unwrap(),
        justification: None,
        own_word: None,
        impact: None,
        action: None,
        author: "Example".to_owned(),
        issued: Timestamp(500),
        expires: None,
        standing: Standing::Final,
        source: Source::Document { id: "doc".to_owned(), place: "OpenVEX, statement 1".to_owned() },
    }
}

/// `type/namespace/name@version?key=value&…`; a name without a namespace begins with `/`.
fn purl(text: &str) -> Identity {
    let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
    let (path, version) = path.split_once('@').map_or((path, None), |(p, v)| (p, Some(v.to_owned())));
    let [kind, namespace, name] = path.split('/').collect::<Vec<_>>()[..] else {
        panic!("no package url: {text}");
    };
    Identity::Purl(Purl {
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()).filter(|n| !n.is_empty()),
        name: name.to_owned(),
        version,
        qualifiers: qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        subpath: None,
    })
}
