//! Which repository a package came from, and what the vendor has under its name.

use patchwright_domain::inventory::source::tie::{CameFrom, Content, Evidence, Held, Offer, tie};
use patchwright_domain::inventory::source::{
    ConfiguredSource, Direction, Distance, SourceKey, SourceKind, SourcePackage, diverge, not_comparable,
};
use patchwright_domain::inventory::{Os, Package, PendingUpgrade};
use patchwright_versions::Scheme;

fn source(uri: &str, id: &str) -> ConfiguredSource {
    ConfiguredSource {
        key: SourceKey::new(SourceKind::Dnf, uri, id, &[]),
        keys: vec!["file:///etc/pki/rpm-gpg/RPM-GPG-KEY-x".to_owned()],
        ..ConfiguredSource::default()
    }
}

fn sources() -> Vec<ConfiguredSource> {
    vec![
        source("https://repo.almalinux.org/9/BaseOS", "baseos"),
        source("https://rpm.acme.example", "acme"),
        source("https://rpm.acme.example/b", "acme-b"),
    ]
}

fn package(name: &str, version: &str) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: "x86_64".to_owned(),
        source: name.to_owned(),
        ..Package::default()
    }
}

fn offers(list: &[(&str, &str)]) -> Content {
    let offer = |(name, version): &(&str, &str)| Offer {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        arch: "x86_64".to_owned(),
        build: None,
    };
    Content::Offers(list.iter().map(offer).collect())
}

/// Packages with where records say they came from; what each source then has.
fn tied(contents: &[Content], installed: &[(Package, CameFrom)], no_records: Option<&str>) -> Vec<ConfiguredSource> {
    let mut all = sources();
    let held: Vec<Held<'_>> =
        installed.iter().map(|(package, came_from)| Held { package, came_from, build: None }).collect();
    let pending = [PendingUpgrade {
        name: "acme".to_owned(),
        candidate: "2.0-1.el9".to_owned(),
        origin: Some("acme".to_owned()),
        ..PendingUpgrade::default()
    }];
    let os = Os::parse_short("almalinux:9").unwrap();
    tie(&mut all, &Evidence { os: &os, scheme: Scheme::Rpm, contents, held: &held, pending: &pending, no_records });
    all
}

fn only(source: &ConfiguredSource) -> &SourcePackage {
    let [one] = source.packages.as_slice() else { panic!("{source:#?}") };
    one
}

#[test]
fn records_count_before_what_is_on_offer() {
    let contents = [
        offers(&[("acme", "1.0-1.el9"), ("acme", "1.5-1.el9")]),
        offers(&[("acme", "1.0-1.el9"), ("acme", "2.0-1.el9")]),
        offers(&[]),
    ];
    let found = tied(&contents, &[(package("acme", "1.0-1.el9"), CameFrom::Source(1))], None);
    assert_eq!(found.iter().map(|s| s.installed).collect::<Vec<_>>(), [Some(0), Some(1), Some(0)]);
    let acme = only(&found[1]);
    assert!(acme.from_here && acme.pending && !acme.from_unknown, "{acme:?}");
    assert_eq!((acme.offered.as_deref(), acme.vendor.as_deref()), (Some("2.0-1.el9"), Some("1.5-1.el9")));
    assert!(found[0].packages.is_empty(), "packages of the vendor are counted, not listed");
    let divergence = diverge(Scheme::Rpm, &acme.installed, acme.vendor.as_deref());
    assert_eq!((divergence.direction, divergence.distance), (Direction::Older, Distance::Minor));
    assert_eq!(divergence.backport.unwrap().release, "9");
    // A record of something that is gone is an answer too.
    let found = tied(&contents, &[(package("acme", "1.0-1.el9"), CameFrom::Elsewhere)], None);
    assert!(!only(&found[1]).from_here && !only(&found[1]).from_unknown);
}

#[test]
fn without_a_record_only_the_one_repository_that_has_the_version_is_named() {
    let contents =
        [offers(&[("acme", "1.0-1.el9")]), offers(&[("acme", "2.0-1.el9")]), offers(&[("acme", "3.0-1.el9")])];
    let why = Some("no record was found");
    let found = tied(&contents, &[(package("acme", "3.0-1.el9"), CameFrom::Unrecorded)], why);
    assert!(only(&found[2]).from_here && !only(&found[1]).from_here);
    assert_eq!(found[2].installed, Some(1));
    assert!(found[2].untold.iter().any(|u| u.starts_with("no record was found")), "{:?}", found[2].untold);
    // A version that nobody offers any more may be from any that has the name.
    let found = tied(&contents, &[(package("acme", "0.9-1.el9"), CameFrom::Unrecorded)], why);
    assert!(only(&found[1]).from_unknown && only(&found[2]).from_unknown && !only(&found[1]).from_here);
    assert!(found[1].untold.iter().any(|u| u.contains("1 installed package of names")), "{:?}", found[1].untold);
    // One that two offer is from one of them.
    let both = [offers(&[]), offers(&[("acme", "2.0-1.el9")]), offers(&[("acme", "2.0-1.el9")])];
    let found = tied(&both, &[(package("acme", "2.0-1.el9"), CameFrom::Unrecorded)], why);
    assert!(only(&found[1]).from_unknown && only(&found[2]).from_unknown);
    assert_eq!((only(&found[1]).vendor.as_deref(), only(&found[1]).vendor_unknown.as_deref()), (None, None));
}

#[test]
fn the_vendors_version_is_known_from_all_of_its_repositories_or_not_at_all() {
    let unread = || Content::Unread("nothing was fetched".to_owned());
    let acme = [(package("acme", "2.0-1.el9"), CameFrom::Source(1))];
    let found = tied(&[unread(), offers(&[("acme", "2.0-1.el9")]), offers(&[])], &acme, None);
    let why = only(&found[1]).vendor_unknown.as_deref().unwrap();
    assert!(why.contains("`baseos`") && why.contains("nothing was fetched"), "{why}");
    let said = not_comparable("2.0-1.el9", why);
    assert_eq!((said.direction, said.distance), (Direction::Unknown, Distance::Unknown));
    assert!(said.backport.is_some(), "a mark is one whatever the vendor has");
    // Repository without content: pending alone makes the row, and what it offers is said to be unknown.
    let found = tied(&[offers(&[]), unread(), unread()], &acme, Some("no record"));
    assert_eq!(only(&found[1]).offered.as_deref(), Some("2.0-1.el9"));
    assert!(found[1].untold.iter().any(|u| u.contains("what it offers is not known")), "{:?}", found[1].untold);
    assert_eq!(found[1].installed, None, "neither a record nor a list: nobody counts");
    // Versions of module streams are not the vendor's version of a plain package.
    let streams = [offers(&[("acme", "9-1.module_el9+1")]), offers(&[("acme", "2.0-1.el9")]), offers(&[])];
    let found = tied(&streams, &acme, None);
    assert!(only(&found[1]).vendor_unknown.as_deref().unwrap().contains("module streams"));
    // No repository of the vendor: nothing to compare with.
    let mut all = sources().split_off(1);
    let held = [Held { package: &acme[0].0, came_from: &CameFrom::Source(0), build: None }];
    let os = Os::parse_short("almalinux:9").unwrap();
    let contents = [offers(&[]), offers(&[])];
    let evidence =
        Evidence { os: &os, scheme: Scheme::Rpm, contents: &contents, held: &held, pending: &[], no_records: None };
    tie(&mut all, &evidence);
    assert!(only(&all[0]).vendor_unknown.as_deref().unwrap().contains("none of the host's repositories"));
}

#[test]
fn builds_are_told_apart_by_their_digest_where_there_is_one() {
    let offer = |build: &str| Offer {
        name: "tool".to_owned(),
        version: "1-r0".to_owned(),
        arch: "x86_64".to_owned(),
        build: Some(build.to_owned()),
    };
    let mut all = vec![
        ConfiguredSource {
            key: SourceKey::new(SourceKind::Apk, "https://a.example", "", &[]),
            ..ConfiguredSource::default()
        },
        ConfiguredSource {
            key: SourceKey::new(SourceKind::Apk, "https://b.example", "", &[]),
            ..ConfiguredSource::default()
        },
    ];
    let package = package("tool", "1-r0");
    let held = [Held { package: &package, came_from: &CameFrom::Unrecorded, build: Some("Q1b=") }];
    let contents = [Content::Offers(vec![offer("Q1a=")]), Content::Offers(vec![offer("Q1b=")])];
    let os = Os { id: "alpine".to_owned(), version_id: "3.20.3".to_owned(), ..Os::default() };
    let evidence = Evidence {
        os: &os,
        scheme: Scheme::Apk,
        contents: &contents,
        held: &held,
        pending: &[],
        no_records: Some("no record"),
    };
    tie(&mut all, &evidence);
    assert!(!only(&all[0]).from_here && only(&all[1]).from_here, "the same version, another build: {all:#?}");
}
