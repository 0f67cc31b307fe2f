//! Declared constraints and the package manager's simulation: what stands against an upgrade, and the chain that says why.

use std::collections::BTreeSet;

use patchwright_domain::decision::constraint::{LinkKind, Missing, Obstacle, RangeError, VersionRange, draft, review};
use patchwright_domain::decision::policy::Policy;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::ExceptionId;
use patchwright_domain::inventory::{HostFacts, KeptBack, Package, PendingUpgrade, Transaction, TransactionStep};
use patchwright_domain::time::Timestamp;
use patchwright_versions::Scheme;
use proptest::prelude::*;

const HEAD: &str = "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n";

fn rule(more: &str) -> String {
    format!(
        "{HEAD}[[constraints.rule]]\nname = \"billing-openssl\"\npackage = \"openssl\"\nversions = \"< 3.1\"\nscheme = \"deb\"\n\
         owner = \"A. Owner, billing\"\nbecause = \"billing uses an engine that 3.1 lost\"\n{more}"
    )
}

fn policy(more: &str) -> Policy {
    Policy::parse(&rule(more)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-26T12:00:00Z").unwrap()
}

fn host() -> HostFacts {
    let package = |name: &str, source: &str, version: &str| Package {
        name: name.to_owned(),
        source: source.to_owned(),
        version: version.to_owned(),
        ..Package::default()
    };
    let step = |name: &str, from: Option<&str>, to: Option<&str>| TransactionStep {
        name: name.to_owned(),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        ..TransactionStep::default()
    };
    let kept = |name: &str, held: bool, because: &str, phased: Option<u8>| KeptBack {
        name: name.to_owned(),
        installed: "1.0".to_owned(),
        candidate: "2.0".to_owned(),
        held,
        because: vec![because.to_owned()],
        phased,
    };
    HostFacts {
        hostname: "web1".to_owned(),
        packages: vec![
            package("libssl3", "openssl", "3.0.15-1~deb12u1"),
            package("openssl", "openssl", "3.0.15-1~deb12u1"),
            package("libpay", "pay", "1.0"),
            package("victim", "victim", "1.0"),
        ],
        pending: vec![PendingUpgrade {
            name: "libpay".to_owned(),
            source: "pay".to_owned(),
            installed: "1.0".to_owned(),
            candidate: "2.0".to_owned(),
            ..PendingUpgrade::default()
        }],
        transaction: Some(Transaction {
            steps: vec![
                step("libssl3", Some("3.0.15-1~deb12u1"), Some("3.1.0-1")),
                step("openssl", Some("3.0.15-1~deb12u1"), Some("3.1.0-1")),
                step("curl", Some("1.0"), Some("1.1")),
                step("victim", Some("1.0"), None),
                step("kernel", None, Some("2")),
                step("kernel", Some("1"), None),
                step("taken", Some("1.0"), Some("2.0")),
            ],
            kept_back: vec![
                kept("libpay", false, "billing 1.0 Depends: libpay (<< 2)", None),
                kept("frozen", true, "held by an administrator", None),
                kept("slow", false, "phased update", Some(10)),
                kept("taken", false, "only `apt-get upgrade` keeps it back", None),
            ],
            simulated: "apt-get -s dist-upgrade".to_owned(),
            ..Transaction::default()
        }),
        ..HostFacts::default()
    }
}

#[test]
fn every_obstacle_is_found_with_its_chain_and_nothing_else() {
    let profile = AssetProfile { owner: "web team".to_owned(), ..AssetProfile::default() };
    let found = review(&host(), &profile, &policy("").constraints, now());
    let short: Vec<_> = found.conflicts.iter().map(|c| (c.package.as_str(), c.obstacle, c.owner.as_deref())).collect();
    assert_eq!(
        short,
        [
            ("frozen", Obstacle::Held, Some("web team")),
            ("libssl3", Obstacle::Declared, Some("A. Owner, billing")),
            ("openssl", Obstacle::Declared, Some("A. Owner, billing")),
            ("libpay", Obstacle::KeptBack, Some("web team")),
            ("victim", Obstacle::Removal, Some("web team")),
        ]
    );
    let chain = |at: usize| -> Vec<(LinkKind, &str)> {
        found.conflicts[at].chain.iter().map(|l| (l.kind, l.text.as_str())).collect()
    };
    assert_eq!(
        chain(1),
        [
            (LinkKind::Patch, "openssl 3.0.15-1~deb12u1 → 3.1.0-1"),
            (LinkKind::Package, "libssl3 3.0.15-1~deb12u1 → 3.1.0-1"),
            (LinkKind::Constraint, "billing-openssl: openssl < 3.1"),
            (LinkKind::Reason, "billing uses an engine that 3.1 lost"),
            (LinkKind::Owner, "A. Owner, billing"),
        ]
    );
    assert_eq!(
        chain(3),
        [
            (LinkKind::Patch, "pay 1.0 → 2.0"),
            (LinkKind::Package, "libpay 1.0 → 2.0"),
            (LinkKind::Dependency, "billing 1.0 Depends: libpay (<< 2)"),
            (LinkKind::Reason, "the package manager keeps it back (apt-get -s dist-upgrade)"),
            (LinkKind::Owner, "web team (owner of this host)"),
        ]
    );
    assert_eq!(found.lapsed, Vec::<String>::new());
}

#[test]
fn a_constraint_holds_where_and_as_long_as_it_says() {
    let declared = |more: &str, profile: &AssetProfile| {
        let found = review(&host(), profile, &policy(more).constraints, now());
        let n = found.conflicts.iter().filter(|c| c.obstacle == Obstacle::Declared).count();
        (n, found.lapsed.len())
    };
    let billing =
        AssetProfile { services: vec!["billing".to_owned()], zone: "a".to_owned(), ..AssetProfile::default() };
    let service = "when = '\"billing\" in asset.services'";
    assert_eq!(declared(service, &billing), (2, 0));
    let shop = AssetProfile { services: vec!["shop".to_owned()], tags: vec!["lab".to_owned()], ..billing.clone() };
    let tag = "when = '\"cde\" in asset.tags'";
    let tier = "when = 'asset.tier == \"T1\"'";
    for (when, asks) in [(service, "asset.services"), (tag, "asset.tags"), (tier, "asset.tier")] {
        assert_eq!(declared(when, &shop), (0, 0), "{when}");
        // Nobody has said it: the constraint speaks, and says that it assumes.
        let unsaid = review(&host(), &AssetProfile::default(), &policy(when).constraints, now());
        let of: Vec<_> = unsaid.conflicts.iter().filter(|c| c.obstacle == Obstacle::Declared).collect();
        assert_eq!(of.len(), 2, "{when}");
        assert!(of[0].chain.iter().any(|l| l.text.contains(asks)), "{:?}", of[0]);
    }
    assert_eq!(declared("when = 'asset.zone == \"b\"'", &billing), (0, 0));
    // Nobody has said where it is: the constraint speaks, and says that it assumes.
    let unsaid = review(&host(), &AssetProfile::default(), &policy("when = 'asset.zone == \"b\"'").constraints, now());
    let declared_one = unsaid.conflicts.iter().find(|c| c.obstacle == Obstacle::Declared).unwrap();
    assert!(declared_one.chain.iter().any(|l| l.text.contains("asset.zone")), "{declared_one:?}");
    assert_eq!(declared("until = 2026-11-26", &billing), (2, 0), "the last day counts");
    assert_eq!(declared("until = 2026-11-25", &billing), (0, 2), "it lapsed, and that is said");
}

#[test]
fn a_draft_grants_nothing_and_ends() {
    let found = review(&host(), &AssetProfile::default(), &policy("until = 2026-12-24").constraints, now());
    let by = |obstacle: Obstacle| found.conflicts.iter().find(|c| c.obstacle == obstacle).unwrap().clone();
    let id = ExceptionId::from_unique("01");
    let open = BTreeSet::from(["CVE-2".to_owned(), "CVE-1".to_owned()]);
    let declared = draft(id.clone(), "web1", by(Obstacle::Declared), open, now());
    assert_eq!(declared.expires.to_string(), "2026-12-24", "with the constraint");
    assert_eq!(declared.stays_open, ["CVE-1", "CVE-2"]);
    assert_eq!(declared.missing, [Missing::CompensatingControl, Missing::Approval]);
    let kept = draft(id, "web1", by(Obstacle::KeptBack), BTreeSet::new(), now());
    assert_eq!(kept.expires.to_string(), "2027-02-24", "90 days");
    assert_eq!(kept.missing, [Missing::Owner, Missing::CompensatingControl, Missing::Approval]);
}

#[test]
fn mistakes_in_a_constraint_are_named_with_their_line() {
    for (from, to, wanted) in [
        ("\"< 3.1\"", "\"3.1\"", "8:12: `versions`: `3.1` does not start with"),
        ("\"< 3.1\"", "\">= 3.2, < 3.1\"", "no version is both `>= 3.2` and `< 3.1`"),
        ("\"< 3.1\"", "\"< \"", "8:12: `versions`: "),
        ("\"deb\"", "\"debian\"", "9:10: `debian` is not one of the known words"),
        ("scheme = \"deb\"\n", "", "`scheme` is missing"),
        ("because = ", "why = ", "unknown key `why`"),
        ("owner = \"A. Owner, billing\"", "owner = \" \"", "`owner` is a text that is not empty"),
    ] {
        let text = rule("").replace(from, to);
        let problems = Policy::parse(&text).unwrap_err();
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|p| p.contains(wanted)), "{wanted}: {all:?}");
    }
    let unsafe_scope = Policy::parse(&rule("when = 'vuln.kev'")).unwrap_err();
    assert!(unsafe_scope[0].message.contains("vuln.kev"), "a constraint reads assets only: {unsafe_scope:?}");
    let day = Policy::parse(&rule("until = \"tomorrow\"")).unwrap_err();
    assert!(day[0].message.contains("expected a day"), "{day:?}");
    let twice = format!("{}{}", rule(""), rule("").replace(HEAD, ""));
    assert!(Policy::parse(&twice).unwrap_err()[0].message.contains("two constraints are named"));
}

#[test]
fn ranges_follow_the_order_of_their_scheme() {
    for (scheme, range, version, wanted) in [
        (Scheme::Deb, "< 3.1", "3.0.15-1~deb12u1", true),
        (Scheme::Deb, "< 3.1", "3.1~rc1-1", true),
        // A bound without an epoch is compared without the epoch, one with an epoch means it.
        (Scheme::Deb, "< 3.1", "1:1.0", true),
        (Scheme::Deb, "< 10", "1:9.2p1-2+deb12u5", true),
        (Scheme::Deb, ">= 3.1", "1:1.0", false),
        (Scheme::Deb, ">= 1:3.1", "1:1.0", false),
        (Scheme::Deb, "< 1:3.1", "3.2", true),
        (Scheme::Deb, "< 0:3.1", "1:1.0", false),
        (Scheme::Deb, ">= 1:2, < 3", "1:2.5", true),
        (Scheme::Rpm, "< 3.1", "1:3.0.7-27.el9", true),
        (Scheme::Rpm, "= 1:3.0.7-27.el9", "2:3.0.7-27.el9", false),
        (Scheme::Deb, ">= 1.1, < 3.1", "1.0", false),
        (Scheme::Deb, "<= 2", "2", true),
        (Scheme::Deb, "= 2", "2-1", false),
        (Scheme::Rpm, "< 3.1-1.el9", "3.0.7-27.el9", true),
        (Scheme::Rpm, "> 3.1-1.el9", "3.1-2.el9", true),
        (Scheme::Maven, "< 2.0", "2.0-alpha-1", true),
    ] {
        let parsed = VersionRange::parse(scheme, range).unwrap();
        assert_eq!(parsed.allows(version), Ok(wanted), "{scheme} {range} {version}");
    }
    assert_eq!(VersionRange::parse(Scheme::Deb, " , "), Err(RangeError::Size));
    assert!(VersionRange::parse(Scheme::Semver, "< 1.0.0").unwrap().allows("not a version").is_err());
}

proptest! {
    /// Two bounds allow exactly what both allow, and a range that is refused as empty allows nothing.
    #[test]
    fn bounds_are_a_conjunction(
        a in 0_u8..4, b in 0_u8..4, first in 0_usize..5, second in 0_usize..5, version in 0_u8..4, epochs in 0_usize..36
    ) {
        let signs = ["<", "<=", "=", ">=", ">"];
        let epoch = |n: usize| ["", "0:", "1:"][n % 3];
        let (one, two) =
            (format!("{} {}{a}", signs[first], epoch(epochs)), format!("{} {}{b}", signs[second], epoch(epochs / 3)));
        let version = format!("{}{version}", ["", "0:", "1:", "2:"][epochs / 9]);
        let single = |text: &str| VersionRange::parse(Scheme::Deb, text).unwrap().allows(&version).unwrap();
        let both = single(&one) && single(&two);
        match VersionRange::parse(Scheme::Deb, &format!("{one}, {two}")) {
            Ok(range) => prop_assert_eq!(range.allows(&version).unwrap(), both),
            Err(RangeError::Empty(..)) => prop_assert!(!both, "{} {} allow {}", one, two, version),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    /// A review is a function of its inputs, whatever the order in which the transaction lists its steps.
    #[test]
    fn the_order_of_steps_changes_nothing(seed in 0_usize..7) {
        let policy = policy("");
        let mut other = host();
        if let Some(transaction) = &mut other.transaction {
            transaction.steps.rotate_left(seed);
            transaction.kept_back.rotate_left(seed % 4);
        }
        let profile = AssetProfile::default();
        prop_assert_eq!(
            review(&host(), &profile, &policy.constraints, now()),
            review(&other, &profile, &policy.constraints, now())
        );
    }
}
