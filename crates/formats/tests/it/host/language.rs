use patchwright_formats::host::purl::Purl;
use patchwright_formats::host::{certificate, cyclonedx, language};

use super::fixture;

#[test]
fn what_files_of_ecosystems_say() {
    let pair = |found: Option<(String, String)>| found.map(|(name, version)| format!("{name} {version}"));
    assert_eq!(pair(language::python_metadata(&fixture("METADATA"))).as_deref(), Some("Zope.Interface 6.0"));
    assert_eq!(pair(language::python_metadata(b"Name: x\n\nVersion: 1\n")), None, "the body is no header");
    let npm = br#"{"name": "@babel/core", "version": "7.0.0", "dependencies": {"x": "*"}}"#;
    assert_eq!(pair(language::npm_package(npm)).as_deref(), Some("@babel/core 7.0.0"));
    assert_eq!(pair(language::npm_package(br#"{"name": "private-app"}"#)), None);
    let gem = b"Gem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.8\"\n  s.summary = \"a = b\"\nend\n";
    assert_eq!(pair(language::gem_specification(gem)).as_deref(), Some("rack 2.2.8"));
    let gem = b"  s.name = 'x'\n  s.version = Gem::Version.new(\"1.0\")\n";
    assert_eq!(pair(language::gem_specification(gem)).as_deref(), Some("x 1.0"));
    let pom = b"#Generated\nversion=2.14.1\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n";
    assert_eq!(pair(language::pom_properties(pom)).as_deref(), Some("org.apache.logging.log4j:log4j-core 2.14.1"));
}

#[test]
fn names_and_package_urls_of_components() {
    for (kind, name, version, purl) in [
        ("pypi", "Zope.Interface", "6.0", "pkg:pypi/zope-interface@6.0"),
        ("npm", "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
        ("maven", "org.slf4j:slf4j-api", "1.7.30", "pkg:maven/org.slf4j/slf4j-api@1.7.30"),
        ("gem", "rack", "2.2.8", "pkg:gem/rack@2.2.8"),
    ] {
        let found = language::described(kind, name, version, "/x").unwrap();
        assert_eq!((found.name.as_str(), found.purl.as_str()), (name, purl));
        let again = language::component(&Purl::parse(purl).unwrap(), None).unwrap();
        assert_eq!((again.ecosystem, again.version), (found.ecosystem, version.to_owned()));
    }
    let go = Purl::parse("pkg:golang/github.com/Azure/azure-sdk@v1.2.3").unwrap();
    let go = language::component(&go, None).unwrap();
    assert_eq!(
        (go.ecosystem.as_str(), go.name.as_str(), go.version.as_str()),
        ("Go", "github.com/azure/azure-sdk", "1.2.3")
    );
    for other in ["pkg:generic/x@1", "pkg:pypi/x", "pkg:oci/x@sha256:1"] {
        assert_eq!(language::component(&Purl::parse(other).unwrap(), None), None, "{other}");
    }
}

fn bill(components: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
    let list: Vec<serde_json::Value> = components
        .iter()
        .map(|(purl, place)| {
            let mut component = serde_json::json!({"type": "library", "name": "x", "purl": purl});
            if let Some(place) = place {
                component["properties"] = serde_json::json!([{"name": "syft:location:0:path", "value": place}]);
            }
            component
        })
        .collect();
    let document = serde_json::json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list});
    let (bill, problems) = cyclonedx::parse(document.to_string().as_bytes());
    assert_eq!(problems, []);
    bill.components.into_iter().map(|c| (format!("{}@{}", c.name, c.version), c.owned_by)).collect()
}

/// grype #3405 and its kin, for bills of materials: they list a distribution's package and what lies inside it side by side.
#[test]
fn grype_3405_a_bill_of_materials_tells_components_of_os_packages_by_name_version_and_place() {
    let own = |owner: &str| Some(owner.to_owned());
    assert_eq!(
        bill(&[
            ("pkg:deb/debian/python3-jinja2@3.1.2-1%2Bdeb12u1?arch=all&distro=debian-12", None),
            ("pkg:pypi/jinja2@3.1.2", None),
        ]),
        [("jinja2@3.1.2".to_owned(), own("python3-jinja2"))]
    );
    // In the folder that only packages use the version may be spelled otherwise; under /usr/local it is never theirs.
    assert_eq!(
        bill(&[
            ("pkg:deb/debian/python3-yaml-ext@6.0~rc1-3?distro=debian-12", None),
            ("pkg:pypi/yaml_ext@6.0rc1", Some("/usr/lib/python3/dist-packages/yaml_ext-6.0rc1.dist-info/METADATA")),
            ("pkg:pypi/yaml_ext@6.0", Some("/usr/local/lib/python3.11/dist-packages/yaml_ext/METADATA")),
        ]),
        [("yaml-ext@6.0".to_owned(), None), ("yaml-ext@6.0rc1".to_owned(), own("python3-yaml-ext"))]
    );
    assert_eq!(
        bill(&[
            ("pkg:rpm/redhat/python3.11-requests@2.28.1-3.el8?distro=rhel-8", None),
            ("pkg:rpm/redhat/rubygem-rack@2.2.8-1.el8?distro=rhel-8", None),
            ("pkg:pypi/requests@2.28.1", None),
            ("pkg:pypi/requests@2.30.0", None),
            ("pkg:gem/rack@2.2.8", None),
            ("pkg:npm/rack@2.2.8", None),
        ]),
        [
            ("requests@2.28.1".to_owned(), own("python3.11-requests")),
            ("requests@2.30.0".to_owned(), None),
            ("rack@2.2.8".to_owned(), own("rubygem-rack")),
            ("rack@2.2.8".to_owned(), None),
        ]
    );
}

/// A certificate's outer shape with these times; nothing else of it is read.
fn pem(version: bool, times: &[(u8, &str)]) -> String {
    use base64::Engine as _;
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [head.as_slice(), content].concat()
    }
    let validity: Vec<u8> = times.iter().flat_map(|(tag, time)| der(*tag, time.as_bytes())).collect();
    let mut fields = if version { der(0xa0, &der(2, &[2])) } else { Vec::new() };
    for part in [der(2, &[1; 100]), der(0x30, &[]), der(0x30, &[]), der(0x30, &validity)] {
        fields.extend(part);
    }
    let whole = der(0x30, &der(0x30, &fields));
    let text = base64::engine::general_purpose::STANDARD.encode(whole);
    format!("bag attributes\n-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn the_last_moment_of_a_certificate() {
    let end = |text: String| certificate::not_after(text.as_bytes()).map(|t| t.to_string());
    let utc = [(0x17, "250101000000Z"), (0x17, "260301123456Z")];
    assert_eq!(end(pem(true, &utc)).as_deref(), Some("2026-03-01T12:34:56Z"));
    assert_eq!(end(pem(false, &utc)).as_deref(), Some("2026-03-01T12:34:56Z"));
    let general = [(0x17, "250101000000Z"), (0x18, "20610301123456Z")];
    assert_eq!(end(pem(true, &general)).as_deref(), Some("2061-03-01T12:34:56Z"));
    assert_eq!(
        end(pem(true, &[(0x17, "250101000000Z"), (0x17, "990101000000Z")])).as_deref(),
        Some("1999-01-01T00:00:00Z")
    );
    for broken in
        [pem(true, &utc[..1]), pem(true, &[(0x17, "250101000000Z"), (0x17, "99")]), "no certificate".to_owned()]
    {
        assert_eq!(end(broken), None);
    }
}
