//! Packages of languages in a tree, and who brought them.

use std::io::{Cursor, Write};

use crate::fixture::Tree;

fn jar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pom(artifact: &str, version: &str) -> Vec<u8> {
    format!("groupId=org.acme\nartifactId={artifact}\nversion={version}\n").into_bytes()
}

#[test]
fn every_kind_is_found_with_its_owner() {
    let tree = Tree::new();
    let inner = jar(&[("META-INF/maven/org.acme/inner/pom.properties", &pom("inner", "1.0"))]);
    let outer = jar(&[
        ("META-INF/maven/org.acme/outer/pom.properties", &pom("outer", "2.0")),
        ("BOOT-INF/lib/inner.jar", &inner),
    ]);
    tree.dpkg(&[("python3-acme", "1.2-1", ""), ("node-semver", "7.3-1", "")])
        .file(
            "var/lib/dpkg/info/python3-acme.list",
            "/usr/lib/python3/dist-packages/acme-1.2.dist-info\n/usr/lib/python3/dist-packages/acme-1.2.dist-info/METADATA\n",
        )
        .file("var/lib/dpkg/info/node-semver.list", "/usr/share/nodejs/semver/package.json\n")
        .file("usr/lib/python3/dist-packages/acme-1.2.dist-info/METADATA", "Name: acme\nVersion: 1.2\n\ntext\n")
        .file("usr/local/lib/python3.11/dist-packages/acme-1.2.dist-info/METADATA", "Name: acme\nVersion: 1.2\n")
        .file("opt/app/venv/lib/python3.11/site-packages/old.egg-info", "Name: old\nVersion: 0.1\n")
        .file("usr/share/nodejs/semver/package.json", r#"{"name": "semver", "version": "7.3.0"}"#)
        .file("opt/app/node_modules/@acme/x/package.json", r#"{"name": "@acme/x", "version": "1.0.0"}"#)
        .file("opt/app/node_modules/@acme/x/node_modules/y/package.json", r#"{"name": "y", "version": "3.0.0"}"#)
        .file("opt/app/node_modules/y/test/package.json", r#"{"name": "no-package", "version": "0.0.0"}"#)
        .file("opt/app/package.json", r#"{"name": "the-app", "version": "9"}"#)
        .file("var/lib/gems/3.1.0/specifications/rack-2.2.8.gemspec", "s.name = \"rack\".freeze\ns.version = \"2.2.8\"\n")
        .file("srv/app.war", outer)
        .file("srv/broken.jar", "no archive")
        .link("opt/loop", "/opt");
    let facts = tree.look();
    let found: Vec<String> = facts
        .components
        .iter()
        .map(|c| {
            let owner = c.owned_by.as_deref().unwrap_or("-");
            format!("{} {} {} {} {owner}", c.ecosystem, c.name, c.version, c.location.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        found,
        [
            "Maven org.acme:inner 1.0 /srv/app.war!/BOOT-INF/lib/inner.jar -",
            "Maven org.acme:outer 2.0 /srv/app.war -",
            "PyPI acme 1.2 /usr/lib/python3/dist-packages/acme-1.2.dist-info/METADATA python3-acme",
            "PyPI acme 1.2 /usr/local/lib/python3.11/dist-packages/acme-1.2.dist-info/METADATA -",
            "PyPI old 0.1 /opt/app/venv/lib/python3.11/site-packages/old.egg-info -",
            "RubyGems rack 2.2.8 /var/lib/gems/3.1.0/specifications/rack-2.2.8.gemspec -",
            "npm @acme/x 1.0.0 /opt/app/node_modules/@acme/x/package.json -",
            "npm semver 7.3.0 /usr/share/nodejs/semver/package.json node-semver",
            "npm y 3.0.0 /opt/app/node_modules/@acme/x/node_modules/y/package.json -",
        ]
    );
}
