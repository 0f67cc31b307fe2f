//! Statements against findings: what applies, what does not and why, and what comes back.

use patchwright_domain::exposure::cpe::Cpe;
use patchwright_domain::exposure::runtime::EvidenceKind;
use patchwright_domain::exposure::vex::{
    Applied, Component, HostIdentity, Identity, Justification, NotApplied, Product, Purl, Source, Standing, Statement,
    Subject, VexStatus, apply, source_purl,
};
use patchwright_domain::exposure::{AffectedBinary, Finding, FindingState};
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::time::Timestamp;

const NOW: Timestamp = Timestamp(1_000_000);
/// What this program calls the host in documents.
const IRI: &str = "urn:patchwright:host:web-01";

fn binary(name: &str) -> AffectedBinary {
    AffectedBinary { name: name.to_owned(), version: "3.0.15-1".to_owned(), arch: "amd64".to_owned() }
}

fn finding(vuln: &str, binaries: &[&str]) -> Finding {
    Finding {
        vuln: vuln.to_owned(),
        ecosystem: "Debian:12".to_owned(),
        package: "openssl".to_owned(),
        installed: "3.0.15-1".to_owned(),
        fixed: Some("3.0.16-1".to_owned()),
        status: Status::Fixed,
        state: FindingState::FixAvailable,
        advisories: vec!["DSA-5000-1".to_owned()],
        vendor: VendorWords::default(),
        binaries: binaries.iter().map(|name| binary(name)).collect(),
        evidence: Vec::new(),
    }
}

/// `type/namespace/name@version?key=value&…`; a name without a namespace begins with `/`.
fn purl(text: &str) -> Identity {
    let (path, qualifiers) = text.split_once('?').unwrap_or((text, ""));
    let (path, version) = path.split_once('@').map_or((path, None), |(p, v)| (p, Some(v.to_owned())));
    let parts: Vec<&str> = path.split('/').collect();
    Identity::Purl(Purl {
        kind: parts[0].to_owned(),
        namespace: Some(parts[1].to_owned()).filter(|n| !n.is_empty()),
        name: parts[2].to_owned(),
        version,
        qualifiers: qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
        subpath: None,
    })
}

fn name(text: &str) -> Identity {
    Identity::Name { name: text.to_owned() }
}

fn product(ids: &[Identity], parts: &[Identity]) -> Product {
    Product { ids: ids.to_vec(), subcomponents: parts.iter().map(|id| Component { ids: vec![id.clone()] }).collect() }
}

fn statement(status: VexStatus, products: Vec<Product>) -> Statement {
    Statement {
        vulnerability: "CVE-2026-1".to_owned(),
        aliases: vec!["GHSA-x".to_owned()],
        products,
        status,
        justification: Some(Justification::VulnerableCodeNotInExecutePath),
        own_word: None,
        impact: None,
        action: None,
        author: "Example".to_owned(),
        issued: Timestamp(500_000),
        expires: None,
        standing: Standing::Final,
        source: Source::Document { id: "doc".to_owned(), place: "OpenVEX, statement 1".to_owned() },
    }
}

fn not_affected(products: Vec<Product>) -> Statement {
    statement(VexStatus::NotAffected, products)
}

fn host() -> HostIdentity {
    HostIdentity {
        ids: vec![IRI.to_owned()],
        names: vec!["web-01".to_owned()],
        cpes: vec![Cpe::parse("cpe:/o:debian:debian_linux:12").unwrap()],
        purls: Vec::new(),
        hashes: vec![("sha256".to_owned(), "ab".repeat(32))],
    }
}

fn run(statements: &[Statement], findings: &[Finding]) -> Applied {
    apply(statements, &Subject { host: &host(), findings }, NOW)
}

/// Whether one statement sets the one finding aside, else why not.
fn outcome(statement: Statement) -> String {
    let applied = run(&[statement], &[finding("CVE-2026-1", &["libssl3", "openssl"])]);
    assert_eq!(applied.findings, applied.left().len() + applied.set_aside.len());
    match (applied.set_aside.as_slice(), applied.untouched.as_slice()) {
        ([_], _) => "aside".to_owned(),
        (_, [u]) => format!("{:?}: {}", u.why, u.text),
        (_, _) => "silent".to_owned(),
    }
}

#[test]
fn package_urls_with_and_without_version_and_qualifiers() {
    for (id, want) in [
        ("deb/debian/openssl?arch=source", "aside"),
        ("deb/debian/openssl@3.0.15-1?arch=source", "aside"),
        ("deb/debian/openssl@3.0.15-1?arch=source&distro=debian-12", "aside"),
        ("deb/debian/openssl?arch=source&distro=bookworm", "aside"),
        ("deb/debian/openssl@3.0.14-1?arch=source", "NearMiss: is about version 3.0.14-1, installed is 3.0.15-1"),
        (
            "deb/debian/openssl?arch=source&distro=debian-11",
            "NearMiss: is about distro=debian-11, which does not hold here",
        ),
        (
            "deb/debian/openssl?arch=source&repository_url=x",
            "NearMiss: is about repository_url=x, which does not hold here",
        ),
        ("deb/debian/openssl?arch=source&vers=vers:deb/>=3.0.15", "aside"),
        ("deb/debian/openssl?arch=source&vers=vers:deb/>=3.0&vers-except=vers:deb/<3.0.15", "aside"),
        (
            "deb/debian/openssl?arch=source&vers=vers:deb/>=3.0.18",
            "NearMiss: is about vers=vers:deb/>=3.0.18, which does not hold here",
        ),
        (
            "deb/debian/openssl?arch=source&vers=vers:deb/>=3.0&vers-except=vers:deb/<3.0.18",
            "NearMiss: is about vers-except=vers:deb/<3.0.18, which does not hold here",
        ),
        (
            "deb/debian/openssl?arch=source&vers=vers:rpm/>=3",
            "NearMiss: is about vers=vers:rpm/>=3, which does not hold here",
        ),
        ("deb/ubuntu/openssl?arch=source", "NearMiss: is about the package of `ubuntu`"),
        ("rpm/redhat/openssl?arch=src", "OtherProduct: names another product"),
        ("deb/debian/curl?arch=source", "OtherProduct: names another product"),
        // One of two binary packages.
        ("deb/debian/openssl", "Partly: covers 1 of 2 binary packages that carry the finding"),
        ("deb/debian/libssl3@3.0.15-1?arch=amd64", "Partly: covers 1 of 2 binary packages that carry the finding"),
    ] {
        assert_eq!(outcome(not_affected(vec![product(&[purl(id)], &[])])), want, "{id}");
    }
    let both =
        not_affected(vec![product(&[purl("deb/debian/openssl")], &[]), product(&[purl("deb/debian/libssl3")], &[])]);
    assert_eq!(outcome(both), "aside", "two products that together cover every binary package");
}

/// Findings name a package of a language as advisories do; a statement may spell it otherwise.
#[test]
fn packages_of_languages_are_compared_as_their_ecosystem_does() {
    for (ecosystem, package, id, aside) in [
        ("PyPI", "zope-interface", "pypi//Zope.Interface@5.0", true),
        ("PyPI", "zope-interface", "pypi//zope-interface@5.1", false),
        ("PyPI", "zope-interface", "npm//zope-interface@5.0", false),
        ("Maven", "org.slf4j:slf4j-api", "maven/org.slf4j/slf4j-api@5.0", true),
        ("Maven", "org.slf4j:slf4j-api", "maven/org.other/slf4j-api@5.0", false),
        ("Maven", "org.slf4j:slf4j-api", "maven//slf4j-api@5.0", false),
        ("npm", "@babel/core", "npm//core@5.0", false),
        ("NuGet", "newtonsoft.json", "nuget//Newtonsoft.Json@5.0", true),
    ] {
        let found = [Finding {
            ecosystem: ecosystem.to_owned(),
            package: package.to_owned(),
            installed: "5.0".to_owned(),
            ..finding("CVE-2026-1", &[])
        }];
        let of = |part: Identity| run(&[not_affected(vec![product(&[name("web-01")], &[part])])], &found);
        assert_eq!(of(purl(id)).set_aside.len(), usize::from(aside), "{id}");
        // What a decision writes about it comes back as the same package.
        let own = Identity::Purl(source_purl(ecosystem, package, Some("5.0")).unwrap());
        assert_eq!(of(own).set_aside.len(), 1, "{ecosystem}");
    }
}

#[test]
fn subcomponents_count_only_inside_of_this_host() {
    let part = purl("deb/debian/openssl?arch=source");
    let image = purl("oci//webapp@sha256:00?repository_url=x");
    let this = [name("WEB-01")];
    assert_eq!(outcome(not_affected(vec![product(&this, std::slice::from_ref(&part))])), "aside");
    assert_eq!(outcome(not_affected(vec![product(&[name(IRI)], &[])])), "aside", "the whole host");
    assert!(
        outcome(not_affected(vec![product(&[image], std::slice::from_ref(&part))]))
            .starts_with("NearMiss: names this package inside of"),
        "a statement about the same package in another product"
    );
    assert!(
        outcome(not_affected(vec![product(&this, &[purl("deb/debian/curl?arch=source")])])).starts_with("OtherProduct")
    );
    // The package as the product, a library in it as the subcomponent: nothing is said about the package itself.
    let inner = product(std::slice::from_ref(&part), &[purl("cargo//ring")]);
    assert!(outcome(not_affected(vec![inner])).starts_with("OtherProduct"));
    let platform = Identity::Cpe { name: Cpe::parse("cpe:/o:debian:debian_linux").unwrap() };
    assert_eq!(outcome(not_affected(vec![product(&[platform], std::slice::from_ref(&part))])), "aside");
    let other = Identity::Cpe { name: Cpe::parse("cpe:/o:debian:debian_linux:11").unwrap() };
    assert!(outcome(not_affected(vec![product(&[other], &[part])])).starts_with("NearMiss"));
    let digest = |value: &str| Identity::Hash { algorithm: "sha256".to_owned(), value: value.to_owned() };
    assert_eq!(
        outcome(not_affected(vec![product(&[digest(&"AB".repeat(32))], &[])])),
        "aside",
        "digest of the scanned file"
    );
    assert!(outcome(not_affected(vec![product(&[digest(&"00".repeat(32))], &[])])).starts_with("OtherProduct"));
}

/// A host is called `jenkins`, `gitlab` or `debian` as often as software is: a name alone is that of the software.
#[test]
fn a_product_with_the_name_of_the_host_is_not_the_whole_host() {
    let part = purl("deb/debian/openssl?arch=source");
    let called = name("Web-01");
    let near = "NearMiss: is about `Web-01`, and software may have the name of this host: a whole host is named by its id, \
                as in `urn:patchwright:host:web-01`";
    assert_eq!(spelled(std::slice::from_ref(&called)), near);
    assert_eq!(spelled(&[called.clone(), name("another name of it")]), near);
    assert_eq!(spelled(&[called.clone(), name(IRI)]), "aside");
    assert_eq!(spelled(&[called.clone(), part.clone()]), "aside", "the package that bears the name");
    assert!(spelled(&[called.clone(), purl("maven/org.jenkins-ci/web-01")]).starts_with("OtherProduct"));
    let inside = |ids: &[Identity]| outcome(not_affected(vec![product(ids, std::slice::from_ref(&part))]));
    assert_eq!(inside(std::slice::from_ref(&called)), "aside", "a package of this host beside the name");
    assert!(
        inside(&[called, purl("oci//web-01@sha256:00")]).contains("which is not this host"),
        "the package URL says what bears the name"
    );
}

/// `arch=arm64` names a binary package. A source package is named by `arch=source` or without an architecture.
#[test]
fn a_statement_about_a_binary_is_not_about_its_siblings() {
    let curl = |binaries: &[&str]| Finding {
        package: "curl".to_owned(),
        installed: "7.88.1-10".to_owned(),
        binaries: binaries
            .iter()
            .map(|name| AffectedBinary { version: "7.88.1-10".to_owned(), ..binary(name) })
            .collect(),
        ..finding("CVE-2026-1", &[])
    };
    let of = |id: &str, binaries: &[&str]| {
        let applied = run(&[not_affected(vec![product(&[purl(id)], &[])])], &[curl(binaries)]);
        match (applied.set_aside.as_slice(), applied.untouched.as_slice()) {
            ([_], _) => "aside".to_owned(),
            (_, [u]) => format!("{:?}: {}", u.why, u.text),
            (_, _) => "silent".to_owned(),
        }
    };
    let sibling = "NearMiss: is about the binary package `curl`, and only others of that source package are installed";
    for (id, binaries, want) in [
        ("deb/debian/curl@7.88.1-10?arch=arm64", &["libcurl4"][..], sibling),
        ("deb/debian/curl@7.88.1-10?arch=amd64", &["libcurl4"], sibling),
        ("deb/debian/curl@7.88.1-10?arch=amd64", &[], sibling),
        ("deb/debian/curl@7.88.1-10?arch=source", &["libcurl4"], "aside"),
        ("deb/debian/curl@7.88.1-10", &["libcurl4"], "aside"),
        ("deb/debian/libcurl4@7.88.1-10?arch=amd64", &["libcurl4"], "aside"),
        (
            "deb/debian/libcurl4@7.88.1-10?arch=arm64",
            &["libcurl4"],
            "NearMiss: is about arch=arm64, which does not hold here",
        ),
        (
            "deb/debian/curl@7.88.1-10?arch=amd64",
            &["libcurl4", "curl"],
            "Partly: covers 1 of 2 binary packages that carry the finding",
        ),
    ] {
        assert_eq!(of(id, binaries), want, "{id} {binaries:?}");
    }
}

#[test]
fn status_names_and_conflicts() {
    let of = |status, issued: i64| Statement {
        issued: Timestamp(issued),
        ..statement(status, vec![product(&[purl("deb/debian/openssl@3.0.15-1?arch=source")], &[])])
    };
    assert_eq!(outcome(of(VexStatus::Fixed, 1)), "aside");
    assert!(outcome(of(VexStatus::Affected, 1)).starts_with("Confirms"));
    assert!(outcome(of(VexStatus::UnderInvestigation, 1)).starts_with("Confirms"));
    assert_eq!(
        outcome(Statement { vulnerability: "CVE-2026-2".to_owned(), aliases: Vec::new(), ..of(VexStatus::Fixed, 1) }),
        "silent"
    );
    assert_eq!(
        outcome(Statement {
            vulnerability: "x".to_owned(),
            aliases: vec!["cve-2026-1".to_owned()],
            ..of(VexStatus::Fixed, 1)
        }),
        "aside"
    );
    let one = [finding("CVE-2026-1", &["openssl"])];
    let later_affected = run(&[of(VexStatus::NotAffected, 1), of(VexStatus::Affected, 2)], &one);
    assert_eq!(later_affected.set_aside.len(), 0, "the latest decides");
    assert_eq!(
        later_affected.untouched.iter().map(|u| u.why).collect::<Vec<_>>(),
        [NotApplied::Overruled, NotApplied::Confirms]
    );
    let later_not = run(&[of(VexStatus::NotAffected, 3), of(VexStatus::Affected, 2)], &one);
    assert_eq!(later_not.set_aside.len(), 1);
    let same_time = run(&[of(VexStatus::Affected, 2), of(VexStatus::NotAffected, 2)], &one);
    assert_eq!(same_time.set_aside.len(), 0, "at the same time the graver decides");
    let of_every = Statement {
        products: vec![product(&[purl("deb/debian/openssl?arch=source")], &[])],
        ..of(VexStatus::Affected, 2)
    };
    assert_eq!(
        run(&[of_every, of(VexStatus::NotAffected, 2)], &one).set_aside.len(),
        1,
        "a statement about this very version"
    );
}

#[test]
fn evidence_lapses_and_its_finding_comes_back() {
    let by_evidence = |expires: i64| Statement {
        source: Source::Evidence {
            host: "web-01".to_owned(),
            evidence: EvidenceKind::NotMapped,
            facts: vec!["no process maps libssl.so.3".to_owned()],
            gathered: Timestamp(500_000),
        },
        expires: Some(Timestamp(expires)),
        ..not_affected(vec![product(&[name("web-01")], &[purl("deb/debian/openssl?arch=source")])])
    };
    let findings = [finding("CVE-2026-1", &["libssl3"]), finding("CVE-2026-2", &["libssl3"])];
    let holds = run(&[by_evidence(1_000_001)], &findings);
    assert_eq!((holds.set_aside.len(), holds.came_back(), holds.left()), (1, 0, vec![1]));
    let aside = &holds.set_aside[0];
    assert!(aside.because[0].contains("no process maps libssl.so.3"), "{:?}", aside.because);
    assert_eq!(aside.until, Some(Timestamp(1_000_001)));
    assert!(!aside.changes_pci_result, "never by a statement alone");
    let lapsed = run(&[by_evidence(1_000_000)], &findings);
    assert_eq!((lapsed.set_aside.len(), lapsed.came_back(), lapsed.left()), (0, 1, vec![0, 1]));
    assert!(lapsed.untouched[0].text.starts_with("lapsed at "));
    let future = Statement { issued: Timestamp(2_000_000), ..by_evidence(3_000_000) };
    assert_eq!(run(&[future], &findings).untouched[0].why, NotApplied::NotYet);
}

#[test]
fn rpm_epochs_and_distributions() {
    let rpm = |version: &str| Finding {
        ecosystem: "Red Hat:9".to_owned(),
        package: "bind".to_owned(),
        installed: version.to_owned(),
        binaries: vec![AffectedBinary {
            name: "bind".to_owned(),
            version: version.to_owned(),
            arch: "x86_64".to_owned(),
        }],
        ..finding("CVE-2026-1", &[])
    };
    for (id, installed, want) in [
        ("rpm/redhat/bind@9.16-1.el9?arch=x86_64&epoch=32", "32:9.16-1.el9", true),
        ("rpm/redhat/bind@9.16-1.el9", "32:9.16-1.el9", true),
        ("rpm/redhat/bind@9.16-1.el9?epoch=31", "32:9.16-1.el9", false),
        ("rpm/redhat/bind?distro=rhel-9.4", "9.16-1.el9", true),
        ("rpm/redhat/bind?distro=rhel-8.10", "9.16-1.el9", false),
        ("rpm/redhat/bind?arch=aarch64", "9.16-1.el9", false),
        ("rpm/almalinux/bind", "9.16-1.el9", false),
    ] {
        let applied = run(&[not_affected(vec![product(&[purl(id)], &[])])], &[rpm(installed)]);
        assert_eq!(applied.set_aside.len() == 1, want, "{id} on {installed}: {:?}", applied.untouched);
    }
}

#[test]
fn words_of_other_formats() {
    for justification in Justification::ALL {
        assert_eq!(Justification::from_word(justification.word()), Some(justification));
        assert!(Justification::from_cyclonedx(justification.cyclonedx()).is_some());
    }
    for word in [
        "code_not_present",
        "code_not_reachable",
        "requires_configuration",
        "requires_dependency",
        "requires_environment",
        "protected_by_compiler",
        "protected_at_runtime",
        "protected_at_perimeter",
        "protected_by_mitigating_control",
    ] {
        assert!(Justification::from_cyclonedx(word).is_some(), "{word}");
    }
    assert_eq!(Justification::from_cyclonedx("because"), None);
}

fn cpe(text: &str) -> Identity {
    Identity::Cpe { name: Cpe::parse(text).unwrap() }
}

/// A statement about the whole source package, under these spellings of one product.
fn spelled(ids: &[Identity]) -> String {
    let applied = run(&[not_affected(vec![product(ids, &[])])], &[finding("CVE-2026-1", &["openssl"])]);
    match (applied.set_aside.as_slice(), applied.untouched.as_slice()) {
        ([_], _) => "aside".to_owned(),
        (_, [u]) => format!("{:?}: {}", u.why, u.text),
        (_, _) => "silent".to_owned(),
    }
}

/// CPE names of applications: the vendor must be one that publishes the package, and the build one that a package can be.
#[test]
fn a_cpe_name_needs_a_vendor_and_no_other_build() {
    for (name, want) in [
        ("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*", "aside"),
        ("cpe:2.3:a:debian:openssl:*:*:*:*:*:*:*:*", "aside"),
        ("cpe:2.3:a:*:openssl:*:*:*:*:*:*:*:*", "aside"),
        ("cpe:2.3:a:openssl:openssl:3.0.15-1:-:*:*:*:*:*:*", "aside"),
        (
            "cpe:2.3:a:evil:openssl:*:*:*:*:*:*:*:*",
            "NearMiss: names a product that could not be tied to a package: cpe:2.3:a:evil:openssl:*:*:*:*:*:*:*:*",
        ),
        (
            "cpe:2.3:a:canonical:openssl:*:*:*:*:*:*:*:*",
            "NearMiss: names a product that could not be tied to a package: cpe:2.3:a:canonical:openssl:*:*:*:*:*:*:*:*",
        ),
        (
            "cpe:2.3:a:openssl:openssl:3.0.14-1:*:*:*:*:*:*:*",
            "NearMiss: is about version 3.0.14-1, installed is 3.0.15-1",
        ),
        (
            "cpe:2.3:a:openssl:openssl:3.0.15-1:beta1:*:*:*:*:*:*",
            "NearMiss: is about a build with update `beta1`, and no package is known to be one",
        ),
        (
            "cpe:2.3:a:openssl:openssl:*:*:fips:*:*:*:*:*",
            "NearMiss: is about a build with edition `fips`, and no package is known to be one",
        ),
        (
            "cpe:2.3:a:openssl:openssl:*:*:*:*:*:node.js:*:*",
            "NearMiss: is about a build with target_sw `node.js`, and no package is known to be one",
        ),
        (
            "cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:x64:*",
            "NearMiss: is about a build with target_hw `x64`, and no package is known to be one",
        ),
        ("cpe:2.3:a:openssl:libressl:*:*:*:*:*:*:*:*", "OtherProduct: names another product"),
        ("cpe:2.3:o:openssl:openssl:*:*:*:*:*:*:*:*", "OtherProduct: names another product"),
    ] {
        assert_eq!(spelled(&[cpe(name)]), want, "{name}");
    }
}

/// Spellings of one product are of the same thing: one that contradicts, or that cannot be checked, holds the statement back.
#[test]
fn a_spelling_that_contradicts_wins() {
    let fits = cpe("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*");
    let source = purl("deb/debian/openssl?arch=source");
    assert_eq!(spelled(&[fits.clone(), source.clone()]), "aside");
    assert_eq!(
        spelled(&[cpe("cpe:2.3:a:evil:openssl:*:*:*:*:*:*:*:*"), source.clone()]),
        "aside",
        "the package URL is closer"
    );
    assert_eq!(
        spelled(&[fits.clone(), purl("deb/debian/openssl@3.0.14-1?arch=source")]),
        "NearMiss: calls the product `cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*` also \
         `pkg:deb/debian/openssl@3.0.14-1?arch=source`, which is not this package: it is about version 3.0.14-1, \
         installed is 3.0.15-1"
    );
    assert!(spelled(&[fits, purl("generic//openssl")]).starts_with("NearMiss: calls the product"));
    let digest = Identity::Hash { algorithm: "sha256".to_owned(), value: "00".repeat(32) };
    assert_eq!(
        spelled(&[source.clone(), digest.clone()]),
        format!(
            "NearMiss: is about the build with the digest sha256:{}, and no digest of an installed package is known",
            "00".repeat(32)
        )
    );
    let Identity::Purl(whole) = source else { panic!() };
    let part = Identity::Purl(Purl { subpath: Some("crypto/x509".to_owned()), ..whole });
    assert_eq!(part.to_string(), "pkg:deb/debian/openssl?arch=source#crypto/x509");
    assert_eq!(
        spelled(&[part]),
        "NearMiss: is about the part `crypto/x509` of the package, and no part of a package is known here"
    );
    assert!(
        spelled(&[purl("deb/debian/openssl?arch=source&distro=rhel-12")])
            .starts_with("NearMiss: is about distro=rhel-12"),
        "the number alone is that of another distribution too"
    );
    // The same for the host as a whole.
    let system = cpe("cpe:/o:debian:debian_linux:12");
    assert_eq!(spelled(std::slice::from_ref(&system)), "aside");
    assert!(spelled(&[system, purl("oci//webapp@sha256:00")]).contains("which is not this host"));
    assert!(spelled(&[name("web-01"), digest]).contains("which is not known to be this host's"));
    let own = Identity::Hash { algorithm: "sha256".to_owned(), value: "ab".repeat(32) };
    assert_eq!(spelled(&[name("web-01"), own]), "aside");
}

/// A package URL without a version means every version, and a fix is not in every one.
#[test]
fn fixed_without_a_version_is_not_said_of_what_is_older_than_the_fix() {
    let fixed = |products| statement(VexStatus::Fixed, products);
    let system = Identity::Cpe { name: Cpe::parse("cpe:/o:debian:debian_linux:12").unwrap() };
    let part = purl("deb/debian/openssl?arch=source");
    let near = "NearMiss: says fixed and names no version; 3.0.15-1 is older than 3.0.16-1, which has the fix";
    for (products, want) in [
        (product(std::slice::from_ref(&part), &[]), near),
        (product(std::slice::from_ref(&system), &[]), near),
        (product(&[system], std::slice::from_ref(&part)), near),
        (product(&[purl("deb/debian/openssl@3.0.15-1?arch=source")], &[]), "aside"),
        (product(&[name("web-01")], std::slice::from_ref(&part)), "aside"),
        (product(&[name(IRI)], &[]), "aside"),
    ] {
        assert_eq!(outcome(fixed(vec![products.clone()])), want, "{products:?}");
        assert_eq!(outcome(not_affected(vec![products])), "aside", "not affected may be true of every version");
    }
    let here = |installed: &str, fixed: Option<&str>| {
        let one = Finding {
            installed: installed.to_owned(),
            fixed: fixed.map(str::to_owned),
            ..finding("CVE-2026-1", &["openssl"])
        };
        run(&[statement(VexStatus::Fixed, vec![product(std::slice::from_ref(&part), &[])])], &[one]).set_aside.len()
    };
    assert_eq!(here("3.0.16-1", Some("3.0.16-1")), 1, "installed, and a process runs the old one");
    assert_eq!(here("3.0.15-1", None), 1, "nobody else knows of a fix");
    assert_eq!(here("3.0.15-1", Some("3.0.16-1")), 0);
}

#[test]
fn drafts_do_nothing_and_interim_documents_set_nothing_aside() {
    let of = |standing, status| Statement {
        standing,
        ..statement(status, vec![product(&[purl("deb/debian/openssl@3.0.15-1?arch=source")], &[])])
    };
    assert_eq!(outcome(of(Standing::Final, VexStatus::Fixed)), "aside");
    assert!(outcome(of(Standing::Draft, VexStatus::Fixed)).starts_with("NotFinal: its document is a draft"));
    assert!(outcome(of(Standing::Draft, VexStatus::Affected)).starts_with("NotFinal: its document is a draft"));
    assert!(outcome(of(Standing::Interim, VexStatus::NotAffected)).starts_with("NotFinal: its document is interim"));
    assert!(outcome(of(Standing::Interim, VexStatus::Affected)).starts_with("Confirms"), "the careful side counts");
    let one = [finding("CVE-2026-1", &["openssl"])];
    let both = run(&[of(Standing::Final, VexStatus::NotAffected), of(Standing::Draft, VexStatus::Affected)], &one);
    assert_eq!(both.set_aside.len(), 1, "a draft overrules nothing");
}
