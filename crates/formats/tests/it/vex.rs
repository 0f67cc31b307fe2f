//! Reading VEX documents: the quirks of three formats, each one case.

use patchwright_domain::exposure::vex::{
    HostIdentity, Identity, Justification, Source, Standing, Subject, VexStatus, apply,
};
use patchwright_domain::exposure::{AffectedBinary, Finding, FindingState};
use patchwright_domain::intel::snapshot::advisories::SCHEMES;
use patchwright_domain::intel::{Status, VendorWords};
use patchwright_domain::time::Timestamp;
use patchwright_formats::bounded::Limits;
use patchwright_formats::vex::{
    Item, Outcome, Report, VexDocument, VexError, VexFormat, cyclonedx, openvex, product_id, purl_text, read,
};
use serde_json::{Value, json};

fn of(value: &Value) -> VexDocument {
    read(value.to_string().as_bytes(), &Limits::default(), Timestamp(7_000)).unwrap()
}

fn ids(document: &VexDocument) -> Vec<String> {
    let products = document.statements.iter().flat_map(|s| &s.products);
    products
        .map(|p| {
            let parts: Vec<String> = p.subcomponents.iter().flat_map(|c| &c.ids).map(ToString::to_string).collect();
            let ids: Vec<String> = p.ids.iter().map(ToString::to_string).collect();
            format!("{} [{}]", ids.join(" = "), parts.join(", "))
        })
        .collect()
}

#[test]
fn openvex_new_and_old() {
    let document = of(
        &json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/1", "author": "A",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [
        {"vulnerability": {"name": "CVE-2026-1", "aliases": ["GHSA-1"]}, "status": "not_affected", "justification": "component_not_present",
         "supplier": "S", "last_updated": "2026-02-01T00:00:00Z",
         "products": [{"@id": "pkg:oci/app@sha256:aa", "identifiers": {"purl": "pkg:oci/app@sha256:aa", "cpe23": "cpe:2.3:a:x:y:1:*:*:*:*:*:*:*"},
                       "hashes": {"sha-256": "AB"}, "subcomponents": [{"@id": "pkg:deb/debian/openssl"}]}]},
        {"vulnerability": "CVE-2026-2", "status": "fixed", "products": ["pkg:deb/debian/bash@5.2"]},
        {"vulnerability": {"@id": "https://nvd.nist.gov/vuln/detail/CVE-2026-3"}, "status": "affected", "products": [{}], "action_statement": "update"},
        {"vulnerability": {"name": "CVE-2026-4"}, "status": "maybe"},
        {"status": "fixed"},
        {"vulnerability": {"name": "CVE-2026-5"}, "status": "not_affected", "justification": "my_own", "status_notes": "n",
         "products": [{"@id": "pkg:deb/debian/bash", "subcomponents": [{}]}]}]}),
    );
    assert_eq!(
        (document.format, document.read, document.lost, document.statements.len()),
        (VexFormat::OpenVex, 6, 2, 4)
    );
    assert_eq!(
        ids(&document),
        [
            "pkg:oci/app@sha256:aa = cpe:2.3:a:x:y:1:*:*:*:*:*:*:* = sha256:ab [pkg:deb/debian/openssl]",
            "pkg:deb/debian/bash@5.2 []",
        ],
        "a subcomponent that cannot be identified does not widen its statement to the whole product"
    );
    let [first, second, third, last] = document.statements.as_slice() else { panic!() };
    assert_eq!((first.author.as_str(), first.issued.to_string().as_str()), ("S", "2026-02-01T00:00:00Z"));
    assert_eq!(first.aliases, ["GHSA-1"]);
    assert_eq!(first.justification, Some(Justification::ComponentNotPresent));
    assert_eq!((second.author.as_str(), second.vulnerability.as_str()), ("A", "CVE-2026-2"));
    assert_eq!(third.vulnerability, "CVE-2026-3");
    assert_eq!(
        (last.justification, last.own_word.as_deref(), last.impact.as_deref()),
        (None, Some("my_own"), Some("n"))
    );
    let nested = of(
        &json!({"metadata": {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "C", "timestamp": "2025-01-10T16:31:43.856389"},
        "statements": [{"vulnerability": {"name": "CVE-2026-1"}, "status": "fixed", "timestamp": "2025-02-05", "products": [{"@id": "pkg:deb/ubuntu/curl?arch=source"}]}]}),
    );
    assert_eq!(nested.statements[0].author, "C");
    assert_eq!(nested.statements[0].issued.to_string(), "2025-02-05T00:00:00Z", "a day alone is a time");
}

#[test]
fn csaf_flags_threats_and_platforms() {
    let helper = |purl: &str| json!({"purl": purl});
    let document = of(&json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "P"},
            "tracking": {"id": "V-1", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [
            {"name": "RHEL 9", "product_id": "os", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"}},
            {"name": "lib", "product_id": "lib", "product_identification_helper": helper("pkg:rpm/redhat/lib?arch=src")},
            {"name": "alone", "product_id": "alone", "product_identification_helper": helper("pkg:rpm/redhat/alone")}],
          "product_groups": [{"group_id": "g", "product_ids": ["os:lib"]}],
          "relationships": [{"category": "default_component_of", "product_reference": "lib", "relates_to_product_reference": "os",
            "full_product_name": {"name": "x", "product_id": "os:lib"}}]},
        "vulnerabilities": [{"cve": "CVE-2026-1", "product_status": {"known_not_affected": ["os:lib", "alone", "nowhere"], "known_affected": ["alone"], "recommended": ["alone"]},
            "flags": [{"label": "vulnerable_code_not_present", "group_ids": ["g"]}],
            "threats": [{"category": "impact", "details": "not built", "product_ids": ["os:lib"]}],
            "remediations": [{"category": "workaround", "details": "turn off", "product_ids": ["alone"]}]},
            {"product_status": {"fixed": ["alone"]}}]}));
    assert_eq!((document.format, document.read, document.lost), (VexFormat::Csaf, 5, 3));
    let lib = document.statements.iter().find(|s| s.justification.is_some()).unwrap();
    assert_eq!(lib.impact.as_deref(), Some("not built"));
    let one = VexDocument { statements: vec![lib.clone()], ..document.clone() };
    assert_eq!(ids(&one), ["cpe:2.3:o:redhat:enterprise_linux:9:*:*:*:*:*:*:* [pkg:rpm/redhat/lib?arch=src]"]);
    let affected = document.statements.iter().find(|s| s.status == VexStatus::Affected).unwrap();
    assert_eq!((affected.action.as_deref(), affected.impact.as_deref()), (Some("turn off"), None));
    assert!(matches!(&affected.source, Source::Document { id, .. } if id == "V-1"));
}

#[test]
fn cyclonedx_references_and_states() {
    let document = of(&json!({"bomFormat": "CycloneDX", "specVersion": "1.4", "serialNumber": "urn:uuid:1",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "component": {"bom-ref": "root", "type": "application", "name": "app", "purl": "pkg:oci/app"}},
        "components": [{"bom-ref": "a", "name": "a", "purl": "pkg:npm/a@1", "components": [{"bom-ref": "b", "name": "b", "purl": "pkg:npm/b"}]}],
        "vulnerabilities": [
            {"id": "CVE-2026-1", "analysis": {"state": "not_affected", "justification": "requires_dependency", "detail": "d"}, "affects": [{"ref": "a"}]},
            {"id": "CVE-2026-2", "analysis": {"state": "false_positive"}, "affects": [{"ref": "b", "versions": [{"version": "2", "status": "unaffected"}]}]},
            {"id": "CVE-2026-3", "analysis": {"state": "resolved"}, "affects": [{"ref": "root"}]},
            {"id": "CVE-2026-4", "analysis": {"state": "exploitable", "response": ["update"]}, "affects": [{"ref": "urn:cdx:3e67/1#pkg%3Anpm%2Fc%401"}]},
            {"id": "CVE-2026-5", "analysis": {"state": "unclear"}},
            {"analysis": {"state": "resolved"}},
            {"id": "CVE-2026-6"}]}));
    assert_eq!(
        (document.format, document.read, document.lost, document.statements.len()),
        (VexFormat::CycloneDx, 6, 2, 4)
    );
    assert_eq!(
        ids(&document),
        [
            "pkg:oci/app = root [pkg:npm/a@1, a]",
            "pkg:oci/app = root [pkg:npm/b@2, b]",
            "pkg:oci/app = root []",
            "pkg:npm/c@1 []",
        ]
    );
    let words: Vec<_> =
        document.statements.iter().map(|s| (s.status, s.justification, s.own_word.as_deref())).collect();
    assert_eq!(
        words,
        [
            (VexStatus::NotAffected, Some(Justification::ComponentNotPresent), Some("requires_dependency")),
            (VexStatus::NotAffected, None, Some("false_positive")),
            (VexStatus::Fixed, None, None),
            (VexStatus::Affected, None, None),
        ]
    );
}

#[test]
fn what_is_no_vex() {
    let limits = Limits::default();
    assert!(matches!(read(&b"{}"[..], &limits, Timestamp(0)), Err(VexError::Unknown { .. })));
    assert!(matches!(read(&b"nothing"[..], &limits, Timestamp(0)), Err(VexError::Json(_))));
    let small = Limits { record: 10, ..limits };
    assert!(matches!(read(&b"{\"statements\": []}"[..], &small, Timestamp(0)), Err(VexError::Read(_))));
}

#[test]
fn package_urls_that_are_written() {
    for (ecosystem, name, version, arch, want) in [
        (
            "Debian:12",
            "libstdc++6",
            "1:12.2-1+b1",
            Some("amd64"),
            "pkg:deb/debian/libstdc%2B%2B6@1:12.2-1%2Bb1?arch=amd64&distro=debian-12",
        ),
        (
            "Red Hat:9",
            "bind",
            "32:9.16-1.el9",
            Some("x86_64"),
            "pkg:rpm/redhat/bind@9.16-1.el9?arch=x86_64&distro=rhel-9&epoch=32",
        ),
        ("Alpine:v3.20", "musl", "1.2.5-r0", None, "pkg:apk/alpine/musl@1.2.5-r0?distro=alpine-3.20"),
        ("PyPI", "jinja2", "3.1.2", None, "pkg:pypi/jinja2@3.1.2"),
        ("npm", "@babel/core", "7.0.0", None, "pkg:npm/%40babel/core@7.0.0"),
        ("Maven", "org.slf4j:slf4j-api", "1.7.36", None, "pkg:maven/org.slf4j/slf4j-api@1.7.36"),
        ("Go", "github.com/azure/x", "1.2.0", None, "pkg:golang/github.com/azure/x@1.2.0"),
    ] {
        let written = purl_text(ecosystem, name, version, arch);
        assert_eq!(written, want);
        assert!(matches!(patchwright_formats::vex::identity(&written), Identity::Purl(_)));
    }
}

#[test]
fn csaf_says_how_far_its_publisher_stands_by_it() {
    let document = |status: Value| {
        of(&json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "P"},
            "tracking": {"id": "V-1", "status": status, "current_release_date": "2026-01-01T00:00:00Z"}},
            "product_tree": {"full_product_names": [{"name": "lib", "product_id": "lib",
                "product_identification_helper": {"purl": "pkg:rpm/redhat/lib"}}]},
            "vulnerabilities": [{"cve": "CVE-2026-1", "product_status": {"fixed": ["lib"]}}]}))
    };
    for (status, want, problems) in [
        (json!("final"), Standing::Final, 0),
        (Value::Null, Standing::Final, 0),
        (json!("interim"), Standing::Interim, 1),
        (json!("draft"), Standing::Draft, 1),
        (json!("nearly"), Standing::Draft, 2),
    ] {
        let read = document(status.clone());
        assert_eq!(read.statements[0].standing, want, "{status}");
        assert_eq!(read.problems.len(), problems, "{status}: {:?}", read.problems);
        assert_eq!((read.read, read.lost), (1, 0), "it is read whole, and does nothing");
    }
}

fn csaf_vex(vulnerability: &Value) -> VexDocument {
    let product = |id: &str| json!({"name": id, "product_id": id, "product_identification_helper": {"purl": format!("pkg:rpm/redhat/{id}")}});
    of(&json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "P"},
        "tracking": {"id": "V-1", "status": "final", "current_release_date": "2026-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [product("a"), product("b"), product("c"), product("d")]},
        "vulnerabilities": [vulnerability]}))
}

#[test]
fn csaf_that_contradicts_itself_acquits_nothing() {
    let document = csaf_vex(&json!({"cve": "CVE-2026-1",
        "product_status": {"known_affected": ["a"], "known_not_affected": ["a", "b", "c"], "under_investigation": ["b"], "fixed": ["a", "d"]},
        "flags": [{"label": "component_not_present", "product_ids": ["a", "b", "c"]}]}));
    let said: Vec<(VexStatus, String)> =
        document.statements.iter().map(|s| (s.status, s.products[0].ids[0].to_string())).collect();
    assert_eq!(
        said,
        [
            (VexStatus::Fixed, "pkg:rpm/redhat/d".to_owned()),
            (VexStatus::NotAffected, "pkg:rpm/redhat/c".to_owned()),
            (VexStatus::Affected, "pkg:rpm/redhat/a".to_owned()),
            (VexStatus::UnderInvestigation, "pkg:rpm/redhat/b".to_owned()),
        ]
    );
    assert_eq!((document.read, document.lost), (7, 3));
    assert!(document.problems.iter().all(|p| p.what.contains("which counts")), "{:?}", document.problems);
}

/// CSAF's VEX profile demands a flag or an impact statement for each product; that of another product is none.
#[test]
fn csaf_not_affected_without_a_reason() {
    let document = csaf_vex(&json!({"cve": "CVE-2026-1", "product_status": {"known_not_affected": ["a", "b", "c"]},
        "flags": [{"label": "component_not_present", "product_ids": ["a"]}],
        "threats": [{"category": "impact", "details": "not built", "product_ids": ["b"]}]}));
    let kept: usize = document.statements.iter().map(|s| s.products.len()).sum();
    assert_eq!((kept, document.read, document.lost), (2, 3, 1));
    assert!(document.problems[0].what.contains("needs a flag or an impact statement"), "{:?}", document.problems);
    let all = csaf_vex(&json!({"cve": "CVE-2026-1", "product_status": {"known_not_affected": ["c"]},
        "threats": [{"category": "impact", "details": "nobody builds it"}]}));
    assert_eq!((all.statements.len(), all.lost), (1, 0), "a statement without products is about all of them");
}

/// The state of a version is not the state of the whole statement.
#[test]
fn cyclonedx_versions_have_states_of_their_own() {
    let document = |state: &str, versions: Value| {
        of(&json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:1",
            "metadata": {"timestamp": "2026-01-01T00:00:00Z"}, "vulnerabilities": [
            {"id": "CVE-2026-1", "analysis": {"state": state, "justification": "code_not_reachable"},
             "affects": [{"ref": "pkg:deb/debian/openssl", "versions": versions}]}]}))
    };
    for (versions, want, problem) in [
        (json!([{"version": "3.0.17-1", "status": "affected"}]), vec![], "no version of the component is left"),
        (json!([{"version": "3.0.17-1", "status": "unknown"}]), vec![], "no version of the component is left"),
        (json!([{"version": "3.0.17-1"}]), vec!["pkg:deb/debian/openssl@3.0.17-1 []"], ""),
        (json!([{"version": "3.0.17-1", "status": "unaffected"}]), vec!["pkg:deb/debian/openssl@3.0.17-1 []"], ""),
        (
            json!([{"range": "vers:deb/>=3.0.18", "status": "unaffected"}, {"version": "3.0.19-1", "status": "affected"}]),
            vec!["pkg:deb/debian/openssl?vers=vers:deb/>=3.0.18|!=3.0.19-1 []"],
            "",
        ),
        (
            json!([{"range": "vers:deb/>=3.0.18", "status": "unaffected"}, {"range": "vers:deb/<3.0.18", "status": "affected"}]),
            vec!["pkg:deb/debian/openssl?vers=vers:deb/>=3.0.18&vers-except=vers:deb/<3.0.18 []"],
            "",
        ),
        (json!([{"range": "vers:deb/<3.0.18", "status": "affected"}]), vec![], "no version of the component is left"),
        (json!([{"range": "vers:generic/<3", "status": "unaffected"}]), vec![], "no version order known here"),
        (
            json!([{"version": "3.0.17-1", "status": "unaffected"}, {"range": "vers:generic/<3", "status": "affected"}]),
            vec![],
            "so nothing is set aside",
        ),
    ] {
        let read = document("not_affected", versions.clone());
        assert_eq!(ids(&read), want, "{versions}");
        let said = read.problems.iter().any(|p| p.what.contains(problem));
        assert!(said || (problem.is_empty() && read.problems.is_empty()), "{versions}: {:?}", read.problems);
    }
    let exploitable = document(
        "exploitable",
        json!([{"version": "1", "status": "affected"}, {"version": "2", "status": "unaffected"}]),
    );
    assert_eq!(ids(&exploitable), ["pkg:deb/debian/openssl@1 []"]);
}

/// OpenVEX demands a reason for "not affected", CycloneDX recommends one.
#[test]
fn not_affected_without_a_reason() {
    let document = of(&json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "A",
        "timestamp": "2026-01-01T00:00:00Z", "statements": [
        {"vulnerability": {"name": "CVE-2026-1"}, "status": "not_affected", "products": ["pkg:deb/debian/bash"]},
        {"vulnerability": {"name": "CVE-2026-2"}, "status": "not_affected", "products": ["pkg:deb/debian/bash"], "justification": " "},
        {"vulnerability": {"name": "CVE-2026-3"}, "status": "not_affected", "products": ["pkg:deb/debian/bash"], "impact_statement": "why"},
        {"vulnerability": {"name": "CVE-2026-4"}, "status": "fixed", "products": ["pkg:deb/debian/bash#a/b"]}]}));
    let kept: Vec<&str> = document.statements.iter().map(|s| s.vulnerability.as_str()).collect();
    assert_eq!((kept.as_slice(), document.read, document.lost), (&["CVE-2026-3", "CVE-2026-4"][..], 4, 2));
    assert!(
        document.problems[0].what.contains("needs a justification or an impact_statement"),
        "{:?}",
        document.problems
    );
    assert_eq!(ids(&document)[1], "pkg:deb/debian/bash#a/b []", "the part inside of a package is kept");
    let document = of(&json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:1",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z"}, "vulnerabilities": [
            {"id": "CVE-2026-1", "analysis": {"state": "not_affected"}, "affects": [{"ref": "pkg:npm/a@1"}]}]}));
    assert_eq!((document.statements.len(), document.lost), (1, 0));
    assert!(document.problems[0].what.contains("without a justification"), "{:?}", document.problems);
}

/// A finding of an ecosystem, and the same as it is written into documents.
fn set_aside(ecosystem: &str, package: &str, binary: Option<(&str, &str)>, version: &str) -> (Finding, Item) {
    let item = Item {
        vuln: "CVE-2026-1".to_owned(),
        ecosystem: ecosystem.to_owned(),
        package: package.to_owned(),
        installed: version.to_owned(),
        fixed: None,
        binaries: binary.iter().map(|(n, arch)| ((*n).to_owned(), version.to_owned(), (*arch).to_owned())).collect(),
        severity: "high".to_owned(),
        urgency: "high".to_owned(),
        score_e1: None,
        vector: None,
        vendor_status: "affected".to_owned(),
        advisories: Vec::new(),
        evidence: Vec::new(),
        outcome: Outcome::SetAside {
            status: VexStatus::NotAffected,
            justification: Some(Justification::VulnerableCodeNotPresent),
            because: "not built".to_owned(),
            until: None,
        },
    };
    let finding = Finding {
        vuln: item.vuln.clone(),
        ecosystem: item.ecosystem.clone(),
        package: item.package.clone(),
        installed: item.installed.clone(),
        fixed: None,
        status: Status::Affected,
        state: FindingState::NoFix,
        advisories: Vec::new(),
        vendor: VendorWords::default(),
        binaries: binary
            .iter()
            .map(|(name, arch)| AffectedBinary {
                name: (*name).to_owned(),
                version: version.to_owned(),
                arch: (*arch).to_owned(),
            })
            .collect(),
        evidence: Vec::new(),
    };
    (finding, item)
}

/// What is written about a package is about the same package when it is read, whatever the ecosystem.
#[test]
fn every_ecosystem_with_a_version_order_reads_what_it_writes() {
    let me = HostIdentity { ids: vec![product_id("web-01")], ..HostIdentity::default() };
    let mut cases = Vec::new();
    for (family, scheme) in SCHEMES {
        let releases: &[&str] = match family {
            "Debian" => &[":12"],
            "Ubuntu" => &[":22.04:LTS", ":Pro:22.04:LTS"],
            "SUSE" => &[":Linux Enterprise Server 15 SP5", ""],
            "openSUSE" => &[":Leap 15.6", ":Tumbleweed"],
            "Alpine" => &[":v3.20", ":edge"],
            "openEuler" => &[":24.03-LTS"],
            "Red Hat" => &[":9", ":rhel_eus:9.2", ":enterprise_linux:9::baseos"],
            "Amazon Linux" => &[":2023", ":2"],
            _ => &["", ":3", ":9.4"],
        };
        let named = |package: &'static str, version: &'static str| (package, None, version);
        let of_family = match scheme.to_string().as_str() {
            "deb" => vec![("openssl", Some(("libssl3", "amd64")), "1:3.0.15-1~deb12u1+b1"), named("linux", "6.1.90-1")],
            "rpm" => vec![("openssl-libs", Some(("openssl-libs", "x86_64")), "1:3.0.7-27.el9"), named("x", "1-1")],
            "apk" => {
                vec![("openssl", Some(("libssl3", "x86_64")), "3.3.1-r0"), ("R", Some(("R", "x86_64")), "4.4.0-r0")]
            }
            _ => match family {
                "Maven" => vec![named("org.slf4j:slf4j-api", "1.7.36")],
                "npm" => vec![named("@babel/core", "7.0.0"), named("left-pad", "1.3.0")],
                "Go" => vec![named("github.com/azure/x", "1.2.0")],
                "Packagist" | "SwiftURL" => vec![named("acme/shop", "2.0.0")],
                _ => vec![named("acme-shop", "2.0.0"), named("acme_shop", "2.0.0")],
            },
        };
        let releases = if scheme.to_string().len() > 3 { &[""] } else { releases };
        for release in releases {
            for (package, binary, version) in &of_family {
                cases.push((format!("{family}{release}"), *package, *binary, *version));
            }
        }
    }
    for (ecosystem, package, binary, version) in cases {
        let (finding, item) = set_aside(&ecosystem, package, binary, version);
        let purls = item.purls();
        assert!(purls.iter().all(|purl| !purl.contains("pkg:generic/")), "{ecosystem}: {purls:?}");
        let report = Report {
            tool_version: "0".to_owned(),
            author: "Operations".to_owned(),
            host: "web-01".to_owned(),
            os: "Linux".to_owned(),
            system: None,
            made: Timestamp(1_000),
            uuid: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
            snapshot: String::new(),
            items: vec![item],
        };
        for document in [openvex(&report), patchwright_formats::vex::csaf_vex(&report), cyclonedx(&report)] {
            let back = of(&document);
            let subject = Subject { host: &me, findings: std::slice::from_ref(&finding) };
            let applied = apply(&back.statements, &subject, Timestamp(2_000));
            assert_eq!(applied.set_aside.len(), 1, "{ecosystem} {purls:?} as {}: {:?}", back.format, applied.untouched);
        }
    }
}

/// A vendor's document about software that is called as the host is.
#[test]
fn an_application_with_the_name_of_a_host_is_not_the_host() {
    let csaf = of(
        &json!({"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "Jenkins"},
            "tracking": {"id": "J-1", "status": "final", "version": "1", "current_release_date": "1970-01-01T00:00:00Z"}},
        "product_tree": {"full_product_names": [{"product_id": "P1", "name": "Jenkins"}]},
        "vulnerabilities": [{"cve": "CVE-2026-1", "flags": [{"label": "component_not_present", "product_ids": ["P1"]}],
            "product_status": {"known_not_affected": ["P1"]}}]}),
    );
    let cdx = of(&json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": "urn:uuid:1", "version": 1,
        "metadata": {"timestamp": "1970-01-01T00:00:00Z"},
        "components": [{"type": "application", "bom-ref": "jenkins", "name": "jenkins", "version": "2.440.1"}],
        "vulnerabilities": [{"id": "CVE-2026-1", "analysis": {"state": "not_affected", "justification": "code_not_present"},
            "affects": [{"ref": "jenkins"}]}]}));
    let me =
        HostIdentity { ids: vec![product_id("jenkins")], names: vec!["jenkins".to_owned()], ..HostIdentity::default() };
    let (finding, _) = set_aside("Debian:12", "curl", Some(("libcurl4", "amd64")), "7.88.1-10+deb12u1");
    for document in [csaf, cdx] {
        let subject = Subject { host: &me, findings: std::slice::from_ref(&finding) };
        let applied = apply(&document.statements, &subject, Timestamp(2_000));
        assert_eq!(applied.set_aside.len(), 0, "{}", document.format);
        let why = &applied.untouched[0].text;
        assert!(why.contains("software may have the name of this host"), "{}: {why}", document.format);
    }
}
