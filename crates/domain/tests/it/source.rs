//! Sources: who publishes them, how they stand, what may be decided, backports and divergence.

use patchwright_domain::inventory::source::assessment::{
    Answers, Assessment, Gate, Observed, Refusal, Request, State, Verdict, Wish, decide, gate, standing,
};
use patchwright_domain::inventory::source::backport::{BackportKind, recognise};
use patchwright_domain::inventory::source::{
    Artifact, ArtifactForm, ConfiguredSource, Direction, Distance, SourceClass, SourceKey, SourceKind, SourcePatch,
    Subject, classify, diverge,
};
use patchwright_domain::inventory::{Os, Tri};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_versions::Scheme;
use proptest::prelude::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-26T12:00:00Z").unwrap()
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn source(
    kind: SourceKind,
    uri: &str,
    suite: &str,
    origin: Option<&str>,
    key: &str,
    verified: Tri,
) -> ConfiguredSource {
    ConfiguredSource {
        key: SourceKey::new(kind, uri, suite, &[]),
        origin: origin.map(str::to_owned),
        keys: if key.is_empty() { Vec::new() } else { vec![key.to_owned()] },
        verified,
        ..ConfiguredSource::default()
    }
}

#[test]
fn a_source_is_who_its_facts_say_and_unknown_otherwise() {
    use SourceClass::{ThirdParty, Unknown, Vendor, VendorBackports};
    use SourceKind::{Apt, Dnf};
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let dnf_key = "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9";
    for (os, kind, uri, suite, origin, key, verified, wanted) in [
        ("debian:12", Apt, "http://deb.debian.org/debian", "bookworm", Some("Debian"), keyring, Tri::Yes, Vendor),
        ("debian:12", Apt, "http://mirror.example/debian", "bookworm", Some("Debian"), keyring, Tri::Yes, Vendor),
        (
            "debian:12",
            Apt,
            "http://deb.debian.org/debian",
            "bookworm-backports",
            Some("Debian"),
            "",
            Tri::Yes,
            VendorBackports,
        ),
        // Anybody can write an origin.
        ("debian:12", Apt, "http://evil.example/debian", "bookworm", Some("Debian"), "", Tri::Yes, Unknown),
        ("debian:12", Apt, "http://evil.example/debian", "bookworm", Some("Debian"), keyring, Tri::No, Unknown),
        ("debian:12", Apt, "http://deb.debian.org.evil.example/", "bookworm", None, "", Tri::Yes, Unknown),
        (
            "debian:12",
            Apt,
            "https://download.docker.com/linux/debian",
            "bookworm",
            Some("Docker"),
            "",
            Tri::Yes,
            ThirdParty,
        ),
        ("debian:12", Apt, "file:/srv/repo", "stable", None, "", Tri::Unknown, Unknown),
        (
            "ubuntu:22.04",
            Apt,
            "https://ppa.launchpadcontent.net/x/y/ubuntu",
            "jammy",
            Some("LP-PPA-x-y"),
            "",
            Tri::Yes,
            ThirdParty,
        ),
        (
            "ubuntu:22.04",
            Apt,
            "http://archive.ubuntu.com/ubuntu",
            "jammy-backports",
            Some("Ubuntu"),
            "",
            Tri::Yes,
            VendorBackports,
        ),
        (
            "almalinux:9",
            Dnf,
            "https://mirrors.almalinux.org/mirrorlist/9/baseos",
            "baseos",
            None,
            dnf_key,
            Tri::Unknown,
            Vendor,
        ),
        ("almalinux:9", Dnf, "http://mirror.internal/9/baseos", "baseos", None, dnf_key, Tri::Unknown, Vendor),
        (
            "almalinux:9",
            Dnf,
            "https://mirrors.fedoraproject.org/metalink",
            "epel",
            None,
            "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-9",
            Tri::Unknown,
            ThirdParty,
        ),
        ("almalinux:9", Dnf, "http://mirror.internal/x", "x", None, "", Tri::Unknown, Unknown),
        ("acme:7", Apt, "http://deb.debian.org/debian", "bookworm", Some("Debian"), keyring, Tri::Yes, Unknown),
    ] {
        let found = classify(&source(kind, uri, suite, origin, key, verified), &Os::parse_short(os).unwrap());
        assert_eq!(found.class, wanted, "{os} {uri} {suite}: {:?}", found.because);
        assert!(!found.because.is_empty(), "{uri}");
    }
}

#[test]
fn a_backport_is_what_is_marked_as_one() {
    use BackportKind::{DebianBackports, DebianStable, RpmRelease, UbuntuRelease, UbuntuStable};
    for (version, wanted) in [
        ("1.2.3-4~bpo12+1", Some((DebianBackports, "~bpo12+1", "12"))),
        ("3.0.15-1~deb12u1", Some((DebianStable, "~deb12u1", "12"))),
        ("1:9.2p1-2+deb12u3", Some((DebianStable, "+deb12u3", "12"))),
        ("1.0-1+deb12u1~bpo11+2", Some((DebianBackports, "~bpo11+2", "11"))),
        ("3.0.7-27.el9", Some((RpmRelease, ".el9", "9"))),
        ("3.0.7-27.el9_4.2", Some((RpmRelease, ".el9_4", "9"))),
        ("1.2-3.fc41", Some((RpmRelease, ".fc41", "41"))),
        ("1.2-3.amzn2023.0.1", Some((RpmRelease, ".amzn2023", "2023"))),
        ("5:27.3.1-1~ubuntu.22.04~jammy", None),
        ("2.4-1~ubuntu22.04", Some((UbuntuRelease, "~ubuntu22.04", "22.04"))),
        ("2.4-1~ubuntu22.04.1", Some((UbuntuRelease, "~ubuntu22.04.1", "22.04"))),
        ("1.1.1-1ubuntu2.1~18.04.23", None),
        ("7.81.0-1ubuntu0.22.04.3", Some((UbuntuStable, "ubuntu0.22.04.3", "22.04"))),
        ("1.0-0ubuntu0.1", None),
        ("2.36-9", None),
        ("1.0.el9", None),
        ("1.0-1.element9", None),
        ("1.0-1.el9rc", None),
        ("1.0~bpo12", None),
        ("1.0~bpo+1", None),
        ("1.0+debian12", None),
        ("1.0+deb12", None),
        ("", None),
        ("ü~bpo12+1", Some((DebianBackports, "~bpo12+1", "12"))),
    ] {
        let found = recognise(version);
        let short = found.as_ref().map(|b| (b.kind, b.mark.as_str(), b.release.as_str()));
        assert_eq!(short, wanted, "{version}");
    }
}

#[test]
fn divergence_says_side_distance_and_why() {
    for (scheme, here, vendor, direction, distance) in [
        (Scheme::Deb, "1.2-1", Some("1.2-1"), Direction::Same, Distance::None),
        (Scheme::Deb, "1.2-2", Some("1.2-1"), Direction::Newer, Distance::Packaging),
        (Scheme::Deb, "1.2-1~bpo12+1", Some("1.2-1"), Direction::Older, Distance::Packaging),
        (Scheme::Deb, "1.2.4-1", Some("1.2.3-1"), Direction::Newer, Distance::Patch),
        (Scheme::Deb, "1.3-1", Some("1.2.9-1"), Direction::Newer, Distance::Minor),
        (Scheme::Deb, "5:27.1-1", Some("20.10-1"), Direction::Newer, Distance::Epoch),
        (Scheme::Deb, "27.1-1", Some("20.10-1"), Direction::Newer, Distance::Major),
        (Scheme::Rpm, "3.0-1.el9", Some("3.0-2.el9"), Direction::Older, Distance::Packaging),
        (Scheme::Deb, "1.0", None, Direction::NotInVendor, Distance::Unknown),
    ] {
        let found = diverge(scheme, here, vendor);
        assert_eq!((found.direction, found.distance), (direction, distance), "{here} {vendor:?}: {:?}", found.because);
        assert!(!found.because.is_empty());
    }
    let marked = diverge(Scheme::Deb, "1.3-1~bpo12+1", Some("1.2-1"));
    assert_eq!(marked.backport.unwrap().release, "12");
    assert!(marked.because.iter().any(|b| b.contains("never offered")), "{:?}", marked.because);
}

fn answers() -> Answers {
    let say = |text: &str| text.to_owned();
    Answers {
        publisher: say("Docker Inc."),
        builder: say("their CI"),
        key: say("9DC8 …, from the vendor's page"),
        support: say("as long as the release"),
        tests: say("staging"),
        departure: say("wanted"),
        ..Answers::default()
    }
}

fn repository() -> Subject {
    Subject::Repository(SourceKey::new(
        SourceKind::Apt,
        "https://download.docker.com/linux/debian/",
        "bookworm",
        &["stable".to_owned()],
    ))
}

fn accept(review_by: &str) -> Wish {
    Wish::Decide(Verdict::Accepted { review_by: day(review_by) })
}

fn request(subject: Subject, wish: Wish) -> Request {
    Request {
        subject,
        seen: Vec::new(),
        answers: answers(),
        wish,
        reviewer: "R. Viewer".to_owned(),
        reason: "needed by the container hosts".to_owned(),
    }
}

fn accepted(review_by: &str) -> Assessment {
    decide(None, request(repository(), accept(review_by)), now()).unwrap().unwrap()
}

#[test]
fn a_decision_lapses_by_its_date_and_by_what_it_rested_on() {
    let observed = |origin: &str, key: Option<&str>| Observed {
        origin: Some(origin.to_owned()),
        signed_by: key.map(str::to_owned),
        verified: Tri::Yes,
        ..Observed::default()
    };
    let mut with_key = request(repository(), accept("2027-05-01"));
    with_key.seen = vec![observed("Docker", Some("AA"))];
    let assessment = decide(None, with_key, now()).unwrap().unwrap();
    let state = |seen: &[Observed], today: &str| standing(Some(&assessment), seen, day(today)).state;
    assert_eq!(standing(None, &[], day("2026-11-26")).state, State::Unassessed);
    assert_eq!(state(&[], "2027-05-01"), State::Accepted, "the last day counts");
    assert_eq!(state(&[], "2027-05-02"), State::Lapsed);
    assert_eq!(state(&[observed("Docker", Some("AA"))], "2026-12-01"), State::Accepted);
    assert_eq!(state(&[observed("Docker", None)], "2026-12-01"), State::Accepted, "not seen is not changed");
    assert_eq!(state(&[observed("Docker", Some("BB"))], "2026-12-01"), State::Lapsed, "another key");
    assert_eq!(state(&[observed("Docker", Some("AA")), observed("Evil", None)], "2026-12-01"), State::Lapsed);
    let why = standing(Some(&assessment), &[observed("Docker", Some("BB"))], day("2026-12-01")).because;
    assert!(why[0].contains("signing key was `AA`") && why[0].contains("`BB` now"), "{why:?}");
    let refused = decide(None, request(repository(), Wish::Decide(Verdict::Refused)), now()).unwrap();
    assert_eq!(standing(refused.as_ref(), &[], day("2099-01-01")).state, State::Refused, "a refusal does not lapse");
}

#[test]
fn what_may_not_be_decided_is_refused_with_every_reason() {
    let refusals = |current: Option<&Assessment>, request: Request| decide(current, request, now()).unwrap_err();
    let mut empty = request(repository(), accept("2026-11-26"));
    empty.answers = Answers::default();
    empty.reviewer = " ".to_owned();
    empty.reason = String::new();
    assert_eq!(
        refusals(None, empty),
        [
            Refusal::NoReviewer,
            Refusal::NoReason,
            Refusal::ReviewPast(day("2026-11-26")),
            Refusal::Unanswered("publisher"),
            Refusal::Unanswered("key"),
            Refusal::Unanswered("support"),
        ]
    );
    assert_eq!(refusals(None, request(repository(), accept("2028-01-01"))), [Refusal::ReviewFar(day("2028-01-01"))]);
    assert_eq!(refusals(None, request(repository(), Wish::Withdraw)), [Refusal::NothingToWithdraw]);
    let none = Verdict::AcceptedWithConditions { review_by: day("2027-01-01"), conditions: vec![" ".to_owned()] };
    assert_eq!(refusals(None, request(repository(), Wish::Decide(none))), [Refusal::Conditions]);
    let mut unsigned = request(repository(), accept("2027-01-01"));
    unsigned.seen = vec![Observed { verified: Tri::No, ..Observed::default() }];
    assert_eq!(refusals(None, unsigned.clone()), [Refusal::NotSigned]);
    unsigned.wish = Wish::Decide(Verdict::AcceptedWithConditions {
        review_by: day("2027-01-01"),
        conditions: vec!["mirrored and checked by digest".to_owned()],
    });
    assert!(decide(None, unsigned, now()).is_ok(), "under conditions it may");
    let mut two = request(repository(), accept("2027-01-01"));
    two.seen = ["a", "b"].map(|o| Observed { origin: Some(o.to_owned()), ..Observed::default() }).to_vec();
    assert!(matches!(refusals(None, two).as_slice(), [Refusal::Ambiguous(_)]));
    let later = Assessment { decided_at: now().plus_days(1), ..accepted("2027-01-01") };
    assert_eq!(refusals(Some(&later), request(repository(), Wish::Withdraw)), [Refusal::Older(later.decided_at)]);
    assert_eq!(decide(Some(&accepted("2027-01-01")), request(repository(), Wish::Withdraw), now()), Ok(None));
}

#[test]
fn artifacts_and_patches_are_known_by_digest_or_commit() {
    let artifact = |sha256: &str| {
        Subject::Artifact(Artifact {
            form: ArtifactForm::of_name("tool_1.0_amd64.deb"),
            name: "tool_1.0_amd64.deb".to_owned(),
            sha256: sha256.to_owned(),
            url: String::new(),
        })
    };
    assert!(artifact(&"a".repeat(64)).faults().is_empty());
    for bad in ["", "abc", &"A".repeat(64), &"g".repeat(64)] {
        assert_eq!(artifact(bad).faults().len(), 1, "{bad}");
    }
    let patch = |commit: Option<&str>, sha256: Option<&str>| {
        Subject::Patch(SourcePatch {
            name: "CVE-2026-1.patch".to_owned(),
            upstream: "https://git.example/x".to_owned(),
            commit: commit.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
        })
    };
    assert!(patch(Some(&"0".repeat(40)), None).faults().is_empty());
    assert!(patch(None, Some(&"0".repeat(64))).faults().is_empty());
    assert!(patch(Some("main"), None).faults()[0].contains("a branch or a tag can move"));
    assert!(patch(None, None).faults()[0].contains("neither"));
    assert!(decide(None, request(artifact("x"), accept("2027-01-01")), now()).is_err());
    assert!(decide(None, request(artifact(&"a".repeat(64)), accept("2027-01-01")), now()).unwrap().is_some());
    assert!(decide(None, request(patch(Some(&"0".repeat(40)), None), accept("2027-01-01")), now()).unwrap().is_some());
    for (name, form) in [
        ("x.tar.gz", ArtifactForm::Tar),
        ("X.AppImage", ArtifactForm::AppImage),
        ("x.rpm", ArtifactForm::Rpm),
        ("x", ArtifactForm::Other),
    ] {
        assert_eq!(ArtifactForm::of_name(name), form);
    }
}

#[test]
fn the_id_is_that_of_the_thing_and_not_of_its_spelling() {
    let same = Subject::Repository(SourceKey::new(
        SourceKind::Apt,
        "https://download.docker.com/linux/debian",
        "bookworm",
        &["stable".to_owned(), "stable".to_owned()],
    ));
    assert_eq!(repository().id(), same.id());
    let other = Subject::Repository(SourceKey::new(
        SourceKind::Dnf,
        "https://download.docker.com/linux/debian",
        "bookworm",
        &["stable".to_owned()],
    ));
    assert_ne!(repository().id(), other.id());
}

#[test]
fn the_gate_row_by_row() {
    let classes = [
        Some(SourceClass::Vendor),
        Some(SourceClass::VendorBackports),
        Some(SourceClass::ThirdParty),
        Some(SourceClass::Unknown),
        None,
    ];
    let row = |state: State| classes.map(|class| gate(class, state));
    use Gate::{Closed, NeedsApproval, Open};
    assert_eq!(row(State::Refused), [Closed; 5]);
    assert_eq!(row(State::Lapsed), [NeedsApproval; 5]);
    assert_eq!(row(State::Unassessed), [Open, NeedsApproval, NeedsApproval, NeedsApproval, NeedsApproval]);
    assert_eq!(row(State::AcceptedWithConditions), [Open; 5]);
    assert_eq!(row(State::Accepted), [Open; 5]);
}

proptest! {
    /// No text makes the recogniser panic, and what it gives stands in the text.
    #[test]
    fn a_mark_is_part_of_the_version(text in "[0-9a-z.~+:_ü-]{0,20}(~bpo|\\+deb|\\.el|~ubuntu|ubuntu0\\.)?[0-9.u+_]{0,8}") {
        if let Some(found) = recognise(&text) {
            prop_assert!(text.contains(&found.mark), "{} {:?}", text, found);
            prop_assert!(!found.release.is_empty() && found.mark.contains(&found.release));
        }
    }

    /// Turning a comparison round turns the side and keeps the distance.
    #[test]
    fn divergence_is_symmetric(a in "[0-3](\\.[0-3]){0,2}(-[0-3])?", b in "[0-3](\\.[0-3]){0,2}(-[0-3])?") {
        let (one, two) = (diverge(Scheme::Deb, &a, Some(&b)), diverge(Scheme::Deb, &b, Some(&a)));
        prop_assert_eq!(one.distance, two.distance);
        let turned = match one.direction {
            Direction::Newer => Direction::Older,
            Direction::Older => Direction::Newer,
            Direction::Same => Direction::Same,
            Direction::NotInVendor => Direction::NotInVendor,
            Direction::Unknown => Direction::Unknown,
        };
        prop_assert_eq!(two.direction, turned);
        prop_assert_eq!(one.direction == Direction::Same, one.distance == Distance::None);
    }

    /// A decision that lapsed stays lapsed: time does not heal it.
    #[test]
    fn lapsing_is_for_good(review in 1_i32..400, a in 0_i32..800, b in 0_i32..800) {
        let today = now().date();
        let assessment = Assessment { verdict: Verdict::Accepted { review_by: Date(today.0 + review) }, ..accepted("2027-01-01") };
        let state = |days: i32| standing(Some(&assessment), &[], Date(today.0 + days)).state;
        let (early, late) = (a.min(b), a.max(b));
        prop_assert!(state(early) != State::Lapsed || state(late) == State::Lapsed);
        prop_assert_eq!(state(early) == State::Lapsed, early > review);
    }
}

/// Packages come from whichever address answers: the worst decides, and one that is new since was not assessed.
#[test]
fn the_worst_address_decides() {
    let os = Os::parse_short("almalinux:9").unwrap();
    let key = "https://evil.example/KEY";
    let with = |others: &[&str], key: &str| {
        let mut it = source(SourceKind::Dnf, "https://repo.almalinux.org/9", "baseos", None, key, Tri::Unknown);
        it.other_uris = others.iter().map(|uri| (*uri).to_owned()).collect();
        it
    };
    assert_eq!(classify(&with(&["https://mirror.almalinux.org/9"], ""), &os).class, SourceClass::Vendor);
    assert_eq!(classify(&with(&["https://packages.example/9"], ""), &os).class, SourceClass::Unknown);
    let said = classify(&with(&["https://mirror.almalinux.org/9", "https://packages.example/9"], key), &os);
    assert_eq!(said.class, SourceClass::ThirdParty);
    assert!(said.because[0].contains("one of its 3 addresses decides, `https://packages.example/9`"), "{said:?}");
    let local = "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9";
    assert_eq!(classify(&with(&["https://mirror.example/9"], local), &os).class, SourceClass::Vendor, "a mirror");
    let (one, two) = (Observed::of(&with(&[], "")), Observed::of(&with(&["https://packages.example/9"], "")));
    assert!(two.changes(&one).is_empty() && one.changes(&one).is_empty());
    assert_eq!(one.changes(&two), ["it is also read from `https://packages.example/9` now, which was not assessed"]);
}

/// A name says nothing of a key that somebody else's server hands out, and one strange key beside the vendor's can sign as well.
#[test]
fn a_key_vouches_only_from_where_the_vendor_puts_it() {
    let os = Os::parse_short("almalinux:9").unwrap();
    let class = |keys: &[&str]| {
        let mut it = source(SourceKind::Dnf, "https://mirror.example/baseos", "baseos", None, "", Tri::Unknown);
        it.keys = keys.iter().map(|key| (*key).to_owned()).collect();
        classify(&it, &os).class
    };
    let local = "file:///etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9";
    assert_eq!(class(&[local]), SourceClass::Vendor);
    assert_eq!(class(&["https://repo.almalinux.org/almalinux/RPM-GPG-KEY-AlmaLinux-9"]), SourceClass::Vendor);
    assert_eq!(class(&["https://evil.example/RPM-GPG-KEY-AlmaLinux-9"]), SourceClass::ThirdParty);
    assert_eq!(class(&["http://repo.almalinux.org/RPM-GPG-KEY-AlmaLinux-9"]), SourceClass::ThirdParty);
    assert_eq!(class(&[local, "https://evil.example/RPM-GPG-KEY-Mine"]), SourceClass::ThirdParty);
    let leap = Os::parse_short("opensuse-leap:15.6").unwrap();
    for address in ["//repositories/home:/x", "/distribution/../repositories/home:/x"] {
        let uri = format!("https://download.opensuse.org{address}");
        let it = source(SourceKind::Zypper, &uri, "x", None, "", Tri::Unknown);
        assert_eq!(classify(&it, &leap).class, SourceClass::ThirdParty, "{uri}");
    }
}

/// A repository of rpm packages has no signature that names the key: another one, or none, is another publisher.
#[test]
fn another_key_or_none_is_another_source() {
    let seen = |keys: &[&str]| Observed { keys: keys.iter().map(|k| (*k).to_owned()).collect(), ..Observed::default() };
    let before = seen(&["https://a.example/KEY"]);
    assert!(before.changes(&before).is_empty());
    assert_eq!(before.changes(&seen(&["https://b.example/KEY"])).len(), 1);
    assert!(before.changes(&seen(&[]))[0].contains("none now"));
    let signed = |key: &str, by: &str| Observed { signed_by: Some(by.to_owned()), ..seen(&[key]) };
    assert!(signed("/a.gpg", "F").changes(&signed("/b.gpg", "F")).is_empty(), "the key that signed counts");
}
