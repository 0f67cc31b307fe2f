//! Fixes that only customers of a subscription get: seen, named, and never counted as free.

use patchwright_domain::exposure::matching::{ProviderChunk, match_host, subscription_of};
use patchwright_domain::exposure::{Evidence, FindingState};
use patchwright_domain::intel::snapshot::{AdvisoryChunk, compile_advisories};
use patchwright_domain::intel::{Advisory, Affected, Status, VendorWords};
use patchwright_domain::inventory::{HostFacts, Os, Package};

const FREE: &str = "Ubuntu:22.04:LTS";
const PAID: &str = "Ubuntu:Pro:22.04:LTS";

fn fixed(ecosystem: &str, version: &str) -> Affected {
    Affected::fixed_in(ecosystem, "sample", version)
}

fn stated(ecosystem: &str, status: Status) -> Affected {
    Affected::stated(ecosystem, "sample", status, VendorWords::default())
}

/// State and fix of the finding about `installed`, when both kinds of statement are known.
fn outcome(statements: &[Affected], installed: &str) -> Option<(FindingState, Option<String>, bool)> {
    let advisory = Advisory { id: "CVE-2026-1".to_owned(), affected: statements.to_vec(), ..Advisory::default() };
    let chunks: Vec<(bool, AdvisoryChunk)> = compile_advisories(&[advisory])
        .into_iter()
        .map(|(ecosystem, _, bytes)| (ecosystem == PAID, AdvisoryChunk::open(bytes).unwrap()))
        .collect();
    let chunks: Vec<ProviderChunk<'_>> = chunks
        .iter()
        .map(|(subscription, chunk)| ProviderChunk { provider: "osv-ubuntu", chunk, subscription: *subscription })
        .collect();
    let host = HostFacts {
        schema: 1,
        os: Os::parse_short("ubuntu:22.04").unwrap(),
        packages: vec![Package {
            name: "sample".to_owned(),
            source: "sample".to_owned(),
            version: installed.to_owned(),
            source_version: installed.to_owned(),
            arch: "amd64".to_owned(),
            ..Package::default()
        }],
        ..HostFacts::default()
    };
    let mut found = match_host(&host, FREE, &chunks);
    assert!(found.len() <= 1);
    let finding = found.pop()?;
    assert_eq!(finding.ecosystem, FREE, "the host's own ecosystem");
    let told = finding.evidence.contains(&Evidence::SubscriptionOnly { program: "Ubuntu Pro".to_owned() });
    Some((finding.state, finding.fixed, told))
}

#[test]
fn which_statement_decides() {
    use FindingState::{FixAvailable, FixWithSubscription, NoFix};
    let free_fix = fixed(FREE, "1.0-1ubuntu3");
    let paid_fix = fixed(PAID, "1.0-1ubuntu2+esm1");
    let open = stated(FREE, Status::Affected);
    let ended = stated(FREE, Status::EndOfLife);
    let safe = stated(FREE, Status::NotAffected);
    let paid_open = stated(PAID, Status::Affected);
    let paid_safe = stated(PAID, Status::NotAffected);
    let old = "1.0-1ubuntu2";
    for (name, statements, installed, want) in [
        ("only the subscription speaks", vec![&paid_fix], old, Some((FixWithSubscription, Some("1.0-1ubuntu2+esm1")))),
        ("only the subscription speaks, and has no fix", vec![&paid_open], old, Some((NoFix, None))),
        (
            "free: no fix; paid: a fix",
            vec![&open, &paid_fix],
            old,
            Some((FixWithSubscription, Some("1.0-1ubuntu2+esm1"))),
        ),
        (
            "free: support ended; paid: a fix",
            vec![&ended, &paid_fix],
            old,
            Some((FixWithSubscription, Some("1.0-1ubuntu2+esm1"))),
        ),
        ("free: a fix; paid: a fix", vec![&free_fix, &paid_fix], old, Some((FixAvailable, Some("1.0-1ubuntu3")))),
        ("free: a fix that is installed; paid: open", vec![&free_fix, &paid_open], "1.0-1ubuntu3", None),
        ("free: not affected; paid: a fix", vec![&safe, &paid_fix], old, None),
        ("free: no fix; paid: not affected", vec![&open, &paid_safe], old, None),
        ("free: no fix; the paid fix is installed", vec![&open, &paid_fix], "1.0-1ubuntu2+esm1", None),
        ("both: no fix", vec![&open, &paid_open], old, Some((NoFix, None))),
        ("free: no fix; paid: silent", vec![&open], old, Some((NoFix, None))),
    ] {
        let statements: Vec<Affected> = statements.into_iter().cloned().collect();
        let got = outcome(&statements, installed);
        let want = want.map(|(state, fixed): (FindingState, Option<&str>)| {
            (state, fixed.map(str::to_owned), state == FixWithSubscription)
        });
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn which_ecosystems_have_a_subscription() {
    assert_eq!(subscription_of(FREE), Some((PAID.to_owned(), "Ubuntu Pro")));
    for none in ["Ubuntu:23.10", PAID, "Ubuntu:Pro:FIPS:20.04:LTS", "Debian:12", "AlmaLinux:9"] {
        assert_eq!(subscription_of(none), None, "{none}");
    }
}
