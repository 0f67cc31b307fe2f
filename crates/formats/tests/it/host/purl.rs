use patchwright_formats::host::purl::{Purl, PurlError};

#[test]
fn package_urls_in_their_parts() {
    // (text, type, namespace, name, version, canonical)
    type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, Option<&'a str>, &'a str);
    let table: &[Row<'_>] = &[
        (
            "pkg:deb/debian/openssl@3.0.20-1~deb12u2?arch=amd64&distro=debian-12",
            "deb",
            Some("debian"),
            "openssl",
            Some("3.0.20-1~deb12u2"),
            "pkg:deb/debian/openssl@3.0.20-1~deb12u2?arch=amd64&distro=debian-12",
        ),
        (
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?upstream=gcc-12&arch=amd64",
            "deb",
            Some("debian"),
            "libstdc++6",
            Some("12.2.0-14+deb12u1"),
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&upstream=gcc-12",
        ),
        // A `+` that somebody did not escape is a `+`, never a blank.
        (
            "pkg:deb/debian/libstdc++6@12.2.0",
            "deb",
            Some("debian"),
            "libstdc++6",
            Some("12.2.0"),
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0",
        ),
        (
            "pkg:deb/debian/attr@1:2.4.47-2%2Bb1",
            "deb",
            Some("debian"),
            "attr",
            Some("1:2.4.47-2+b1"),
            "pkg:deb/debian/attr@1:2.4.47-2%2Bb1",
        ),
        (
            "pkg:Rpm/Fedora/Curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25",
            "rpm",
            Some("fedora"),
            "Curl",
            Some("7.50.3-1.fc25"),
            "pkg:rpm/fedora/Curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
        ),
        (
            "pkg:rpm/centerim@4.22.10-1.el6?epoch=1",
            "rpm",
            None,
            "centerim",
            Some("4.22.10-1.el6"),
            "pkg:rpm/centerim@4.22.10-1.el6?epoch=1",
        ),
        (
            "pkg:npm/%40angular/animation@12.3.1",
            "npm",
            Some("@angular"),
            "animation",
            Some("12.3.1"),
            "pkg:npm/%40angular/animation@12.3.1",
        ),
        // The scope's `@` is not the version's, escaped or not.
        ("pkg:npm/@angular/animation", "npm", Some("@angular"), "animation", None, "pkg:npm/%40angular/animation"),
        (
            "pkg:npm/@angular/animation@12.3.1",
            "npm",
            Some("@angular"),
            "animation",
            Some("12.3.1"),
            "pkg:npm/%40angular/animation@12.3.1",
        ),
        ("pkg:pypi/Django_Thing@1.11.1", "pypi", None, "django-thing", Some("1.11.1"), "pkg:pypi/django-thing@1.11.1"),
        (
            "pkg:github/Package-URL/PURL-Spec@244fd47e07d1004#everybody/./loves/../dogs",
            "github",
            Some("package-url"),
            "purl-spec",
            Some("244fd47e07d1004"),
            "pkg:github/package-url/purl-spec@244fd47e07d1004#everybody/loves/dogs",
        ),
        (
            "pkg://golang//google.golang.org//genproto@abc#googleapis/",
            "golang",
            Some("google.golang.org"),
            "genproto",
            Some("abc"),
            "pkg:golang/google.golang.org/genproto@abc#googleapis",
        ),
        ("PKG:generic/x?empty=&a=1&a=2", "generic", None, "x", None, "pkg:generic/x?a=1"),
        // Not two hexadecimal digits: as written.
        ("pkg:generic/x%zz@1%", "generic", None, "x%zz", Some("1%"), "pkg:generic/x%25zz@1%25"),
        ("pkg:generic/n%C3%A9@1", "generic", None, "né", Some("1"), "pkg:generic/n%C3%A9@1"),
    ];
    for (text, kind, namespace, name, version, canonical) in table {
        let purl = Purl::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"));
        assert_eq!(
            (purl.kind.as_str(), purl.namespace.as_deref(), purl.name.as_str(), purl.version.as_deref()),
            (*kind, *namespace, *name, *version),
            "{text}"
        );
        assert_eq!(purl.to_string(), *canonical, "{text}");
        assert_eq!(Purl::parse(canonical), Ok(purl), "{canonical} reads back");
    }
}

#[test]
fn qualifiers_decode_and_keep_slashes() {
    let purl = Purl::parse("pkg:deb/debian/bash@1?upstream=bash%405.2.15-2&repository_url=https://x.example.org/a%2Bb")
        .unwrap();
    assert_eq!(purl.qualifier("upstream"), Some("bash@5.2.15-2"));
    assert_eq!(purl.qualifier("repository_url"), Some("https://x.example.org/a+b"));
    assert_eq!(purl.qualifier("arch"), None);
    assert_eq!(
        purl.to_string(),
        "pkg:deb/debian/bash@1?repository_url=https://x.example.org/a%2Bb&upstream=bash%405.2.15-2"
    );
}

#[test]
fn what_is_not_a_package_url_says_why() {
    let table = [
        ("EnterpriseLibrary.Common@6.0.1304", PurlError::Scheme),
        ("pkg%3Amaven/org.apache.commons/io", PurlError::Scheme),
        ("http:deb/x", PurlError::Scheme),
        ("", PurlError::Scheme),
        ("pkg:EnterpriseLibrary.Common@6.0.1304", PurlError::Type),
        ("pkg:3nginx/nginx@0.8.9", PurlError::Type),
        ("pkg:nginx:a/nginx@0.8.9", PurlError::Type),
        ("pkg:/nginx", PurlError::Type),
        ("pkg:maven/@1.3.4", PurlError::Name),
        ("pkg:maven//", PurlError::Name),
        ("pkg:npm/myartifact@1.0.0?in%20production=true", PurlError::Qualifier),
    ];
    for (text, error) in table {
        match Purl::parse(text) {
            Err(found) => assert_eq!(found, error, "{text}"),
            Ok(purl) => panic!("{text} was read as {purl:?}"),
        }
    }
    assert_eq!(Purl::parse(&format!("pkg:generic/{}", "x".repeat(5_000))), Err(PurlError::TooLong));
}
