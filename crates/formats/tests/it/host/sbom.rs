use patchwright_domain::inventory::PackageFormat;
use patchwright_formats::host::{cyclonedx, spdx};

use super::{fixture, lines, shared, told};

#[test]
fn syft_cyclonedx() {
    let (bill, problems) = cyclonedx::parse(&fixture("cyclonedx-syft.json"));
    assert_eq!(
        lines(&bill.packages),
        "\
bash amd64 5.2.15-2+b8 bash 5.2.15-2 Installed
libssl3 amd64 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
libstdc++6 amd64 12.2.0-14+deb12u1 gcc-12 12.2.0-14+deb12u1 Installed
"
    );
    assert_eq!(
        bill.purls,
        ["pkg:generic/shop@3", "pkg:npm/%40babel/core@7.0.0", "pkg:npm/inner@1.0.0", "pkg:pypi/jinja2@3.1.2"]
    );
    let os = bill.os.unwrap();
    assert_eq!(
        (os.id.as_str(), os.version_id.as_str(), os.codename.as_deref(), os.pretty.as_str()),
        ("debian", "12", Some("bookworm"), "Debian GNU/Linux 12 (bookworm)")
    );
    assert_eq!(bill.subject.as_deref(), Some("web01"));
    assert_eq!(told(&problems), "/components/4: the component has no package URL and cannot be matched\n");
}

#[test]
fn a_package_of_a_language_without_a_version_is_named() {
    let (bill, problems) = cyclonedx::parse(&cdx(
        r#"{"type":"library","name":"flask","purl":"pkg:pypi/flask"},{"type":"library","name":"jinja2","purl":"pkg:pypi/jinja2","version":"3.1.2"},{"type":"library","name":"shop","purl":"pkg:generic/shop"}"#,
    ));
    let names: Vec<&str> = bill.components.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["jinja2"]);
    assert_eq!(told(&problems), "/components/0: the component has no usable version; it is left out\n");
}

#[test]
fn trivy_cyclonedx_with_epochs_modules_and_source_rpms() {
    let (bill, problems) = cyclonedx::parse(&fixture("cyclonedx-trivy.json"));
    assert_eq!(
        lines(&bill.packages),
        "\
bash x86_64 5.1.8-6.el9 bash 5.1.8-6.el9 Installed
nodejs x86_64 18.19.0-1.module_el9 nodejs 18.19.0-1.module_el9 Installed module nodejs:18
openssl-libs x86_64 1:3.0.7-25.el9_3 openssl 1:3.0.7-25.el9_3 Installed
"
    );
    assert_eq!(bill.purls, ["pkg:pypi/flask@2.0.0"]);
    assert_eq!(bill.format, Some(PackageFormat::Rpm));
    assert_eq!(bill.os.unwrap().ecosystem().as_deref(), Some("Red Hat:9"));
    assert_eq!(told(&problems), "");
}

#[test]
fn spdx_of_both_generations() {
    let (bill, problems) = spdx::parse(&fixture("spdx-2.3.json"));
    assert_eq!(
        lines(&bill.packages),
        "\
libssl3 amd64 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
openssh-server amd64 1:9.2p1-2+deb12u3 openssh 1:9.2p1-2+deb12u3 Installed
"
    );
    assert_eq!(bill.purls, ["pkg:pypi/flask@2.0.0"]);
    let os = bill.os.unwrap();
    assert_eq!((os.id.as_str(), os.version_id.as_str()), ("debian", "12"));
    assert_eq!(told(&problems), "/packages/4: the package has no package URL and cannot be matched\n");

    let (bill, problems) = spdx::parse(&fixture("spdx-3.0.json"));
    assert_eq!(
        lines(&bill.packages),
        "libcrypto3 x86_64 3.3.2-r0 openssl 3.3.2-r0 Installed\nmusl x86_64 1.2.5-r0 musl 1.2.5-r0 Installed\n"
    );
    assert_eq!(bill.os.unwrap().ecosystem().as_deref(), Some("Alpine:v3.20"));
    assert_eq!(bill.subject.as_deref(), Some("web02"));
    assert_eq!(told(&problems), "");
}

fn cdx(components: &str) -> Vec<u8> {
    format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[{components}]}}").into_bytes()
}

#[test]
fn quirks_of_package_urls_in_components() {
    // (name, component, package line, problem)
    let table = [
        (
            "epoch_in_version",
            r#"{"type":"library","purl":"pkg:deb/debian/a@1:2-3?arch=amd64"}"#,
            "a amd64 1:2-3 a 1:2-3 Installed\n",
            "",
        ),
        (
            "epoch_as_qualifier",
            r#"{"type":"library","purl":"pkg:deb/debian/a@2-3?epoch=1"}"#,
            "a  1:2-3 a 1:2-3 Installed\n",
            "",
        ),
        (
            "epoch_in_both",
            r#"{"type":"library","purl":"pkg:deb/debian/a@1:2-3?epoch=1"}"#,
            "a  1:2-3 a 1:2-3 Installed\n",
            "",
        ),
        ("epoch_zero_of_rpm", r#"{"type":"library","purl":"pkg:rpm/x/a@2-3?epoch=0"}"#, "a  2-3 a 2-3 Installed\n", ""),
        (
            "upstream_with_version",
            r#"{"type":"library","purl":"pkg:deb/debian/a@2-3%2Bb1?upstream=b%404-5"}"#,
            "a  2-3+b1 b 4-5 Installed\n",
            "",
        ),
        (
            "rebuild_without_source_version",
            r#"{"type":"library","purl":"pkg:deb/debian/a@2-3%2Bb1?upstream=b"}"#,
            "a  2-3+b1 b 2-3 Installed\n",
            "",
        ),
        (
            "source_qualifier",
            r#"{"type":"library","purl":"pkg:deb/debian/a@2-3?source=b"}"#,
            "a  2-3 b 2-3 Installed\n",
            "",
        ),
        (
            "version_only_in_component",
            r#"{"type":"library","version":"2-3","purl":"pkg:deb/debian/a"}"#,
            "a  2-3 a 2-3 Installed\n",
            "",
        ),
        (
            "no_version",
            r#"{"type":"library","purl":"pkg:deb/debian/a"}"#,
            "",
            "/components/0: the component has no usable name or version; it is left out\n",
        ),
        (
            "source_package",
            r#"{"type":"library","purl":"pkg:deb/debian/a@1?arch=source"}"#,
            "",
            "/components/0: the component is a source package, not an installed one; it is left out\n",
        ),
        (
            "broken_purl",
            r#"{"type":"library","purl":"deb/debian/a@1"}"#,
            "",
            "/components/0: reading a package URL: a package URL begins with `pkg:`\n",
        ),
        (
            "odd_fields_cost_themselves",
            r#"{"type":["x"],"name":{"y":1},"version":7,"purl":"pkg:deb/debian/a","properties":"none"}"#,
            "a  7 a 7 Installed\n",
            "/components/0/properties: reading a list: invalid type: string \"none\", expected a sequence at line 1 column 6\n",
        ),
        (
            "not_an_object",
            "17",
            "",
            "/components/0: reading an object: invalid type: integer `17`, expected struct Component at line 1 column 2\n",
        ),
    ];
    for (name, component, package, problem) in table {
        let (bill, problems) = cyclonedx::parse(&cdx(component));
        assert_eq!(lines(&bill.packages), package, "{name}");
        assert_eq!(told(&problems), problem, "{name}");
    }
}

#[test]
fn the_release_comes_from_the_package_urls_when_they_agree() {
    let of = |distros: [&str; 2]| {
        let components: Vec<String> = distros
            .iter()
            .enumerate()
            .map(|(n, d)| format!("{{\"type\":\"library\",\"purl\":\"pkg:deb/debian/a{n}@1?distro={d}\"}}"))
            .collect();
        cyclonedx::parse(&cdx(&components.join(",")))
    };
    for same in [["debian-12", "debian-12.7"], ["bookworm", "12"]] {
        let (bill, problems) = of(same);
        assert_eq!(bill.os.unwrap().ecosystem().as_deref(), Some("Debian:12"), "{same:?}");
        assert!(problems.is_empty());
    }
    let (bill, problems) = of(["debian-12", "debian-11"]);
    assert_eq!(bill.os, None);
    assert_eq!(told(&problems), "distro: the package URLs name several releases; none is taken\n");
}

#[test]
fn another_package_format_is_kept_as_a_package_url() {
    let (bill, problems) = cyclonedx::parse(&cdx(
        r#"{"type":"library","purl":"pkg:deb/debian/a@1"},{"type":"library","purl":"pkg:deb/debian/b@1"},{"type":"library","purl":"pkg:apk/alpine/c@1-r0"}"#,
    ));
    assert_eq!(bill.format, Some(PackageFormat::Deb));
    assert_eq!((bill.packages.len(), bill.purls.as_slice()), (2, ["pkg:apk/alpine/c@1-r0".to_owned()].as_slice()));
    assert_eq!(problems.len(), 1);
}

#[test]
fn depth_bombs_cut_documents_and_wrong_versions() {
    let deep = format!(
        "{}{}",
        r#"{"type":"library","purl":"pkg:generic/x@1","components":["#.repeat(5_000),
        "]}".repeat(5_000)
    );
    let (bill, problems) = cyclonedx::parse(&cdx(&deep));
    assert_eq!(bill.purls, ["pkg:generic/x@1"]);
    assert!(problems.iter().any(|p| p.what.contains("nested deeper")), "{}", told(&problems));
    // Depth where no reader looks.
    let arrays = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"x\":{}{},\"components\":[]}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let (_, problems) = cyclonedx::parse(arrays.as_bytes());
    assert_eq!(told(&problems), "");

    let whole = fixture("cyclonedx-syft.json");
    let (bill, problems) = cyclonedx::parse(&whole[..whole.len() / 2]);
    assert!(bill.is_empty());
    assert!(problems[0].what.starts_with("reading JSON: EOF"));

    let text = String::from_utf8(whole).unwrap().replace("\"1.6\"", "\"2.0\"");
    let (bill, problems) = cyclonedx::parse(text.as_bytes());
    assert_eq!(bill.packages.len(), 3);
    assert_eq!(problems[0].at, "/specVersion");
    let text = String::from_utf8(fixture("spdx-2.3.json")).unwrap().replace("SPDX-2.3", "SPDX-9");
    let (bill, problems) = spdx::parse(text.as_bytes());
    assert_eq!((bill.packages.len(), problems[0].at.as_str()), (2, "/spdxVersion"));
}

#[test]
fn shared_examples_are_records_or_named_problems() {
    let Some(folder) = shared("feeds/cyclonedx") else {
        println!("skipped: the shared CycloneDX examples: not beside this repository");
        return;
    };
    let mut folders = vec![folder];
    let (mut documents, mut found) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "json") {
                let bytes = std::fs::read(&path).unwrap();
                let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                let mut urls = std::collections::BTreeSet::new();
                let mut without = 0;
                let mut queue: Vec<&serde_json::Value> = value["components"].as_array().into_iter().flatten().collect();
                while let Some(component) = queue.pop() {
                    match component["purl"].as_str() {
                        Some(url) => drop(urls.insert(url)),
                        None => {
                            without += usize::from(
                                ["library", "framework", "application"].contains(&component["type"].as_str().unwrap()),
                            )
                        }
                    }
                    queue.extend(component["components"].as_array().into_iter().flatten());
                }
                let (bill, problems) = cyclonedx::parse(&bytes);
                let unmatched = problems.iter().filter(|p| p.what.contains("cannot be matched")).count();
                assert_eq!(bill.packages.len() + bill.purls.len(), urls.len(), "{}", path.display());
                assert_eq!(unmatched, without, "{}", path.display());
                documents += 1;
                found += urls.len();
            }
        }
    }
    println!("{documents} documents, {found} package URLs");
    assert!(documents > 20 && found > 200);
}
