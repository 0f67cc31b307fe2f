use patchwright_formats::host::{dnf, rpm_list};

use super::{fixture, told};

#[test]
fn a_transaction_with_broken_rows_replacements_and_a_skipped_package() {
    let (transaction, problems) = dnf::transaction(&fixture("dnf-upgrade.txt"));
    let steps: Vec<String> = transaction
        .steps
        .iter()
        .map(|s| {
            let or_dash = |v: &Option<String>| v.clone().unwrap_or_else(|| "-".to_owned());
            format!("{} {} {}→{} {}", s.name, s.arch, or_dash(&s.from), or_dash(&s.to), or_dash(&s.origin))
        })
        .collect();
    assert_eq!(
        steps,
        [
            "kernel-core x86_64 -→5.14.0-570.el9 baseos",
            "acme noarch -→2:1.1-1 acme",
            "acme-with-a-name-that-is-far-too-long-for-its-column noarch -→1.1-1 a-repository-with-a-long-name",
            "acme-old noarch 0.9-3→- -",
            "acme-extra noarch -→2.0-1 acme",
            "acme-gone noarch 1.0-1→- -",
        ]
    );
    assert_eq!(transaction.kept_back.len(), 1);
    let kept = &transaction.kept_back[0];
    assert_eq!((kept.name.as_str(), kept.candidate.as_str(), kept.held), ("acme-broken", "1.1-1", false));
    assert_eq!(
        kept.because,
        [
            "cannot install the best update candidate for package acme-broken-1.0-1.noarch",
            "nothing provides acme-nowhere needed by acme-broken-1.1-1.noarch",
        ]
    );
    assert_eq!(transaction.download_bytes, Some(66 << 20));
    assert_eq!(told(&problems), "");
}

#[test]
fn nothing_to_do_has_no_steps() {
    let (transaction, problems) = dnf::transaction(b"Dependencies resolved.\nNothing to do.\nComplete!\n");
    assert!(transaction.steps.is_empty() && transaction.kept_back.is_empty() && problems.is_empty());
}

#[test]
fn offers_with_epochs_and_sources() {
    let (offers, problems) = dnf::offers(&fixture("dnf-offers.tsv"));
    let seen: Vec<_> = offers
        .iter()
        .map(|o| (o.name.as_str(), o.version.as_str(), o.source.as_str(), o.source_version.as_str(), o.size))
        .collect();
    // The source file carries no epoch; a source of the binary's version has the binary's.
    assert_eq!(
        seen,
        [("acme", "2:1.1-1", "acme", "2:1.1-1", Some(6033)), ("acme-lib", "1.1-1", "acme-libs", "1.1-1", None)]
    );
    assert_eq!(told(&problems), "line 6: reading a version on offer: not the eight fields that were asked for\n");
}

#[test]
fn advisories_as_dnf_4_and_dnf_5_list_them() {
    let (notices, problems) = dnf::notices(&fixture("dnf-updateinfo.txt"));
    let seen: Vec<_> = notices
        .iter()
        .map(|n| (n.id.as_str(), n.security, n.severity.as_deref(), n.name.as_str(), n.version.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("ACME-2026:0001", true, Some("Critical"), "acme", "2:1.1-1"),
            ("ACME-2026:0002", false, None, "acme-lib", "1.1-1"),
            ("ACME-2026:0003", true, None, "acme-app", "1.1-1"),
            ("ACME-2026:0005", true, Some("Moderate"), "acme-five", "1.1-1"),
        ]
    );
    assert_eq!(told(&problems), "line 4: reading an advisory: the last column is not a package\n");
}

#[test]
fn history_pairs_old_and_new_versions() {
    let (entries, problems) = dnf::history(&fixture("dnf-history.txt"));
    let seen: Vec<String> =
        entries.iter().map(|e| format!("{} {} {:?} {:?} {}", e.at, e.name, e.from, e.to, e.source)).collect();
    assert_eq!(
        seen,
        [
            "2026-11-26T15:08:06Z acme-lib Some(\"1.0-1\") Some(\"1.1-1\") dnf history",
            "2026-11-26T15:08:06Z kernel-core None Some(\"5.14.0-570.el9\") dnf history",
            "2026-11-03T05:08:06Z acme-gone Some(\"1.0-1\") None dnf history (the run reported a failure)",
            "2026-11-03T05:08:06Z acme Some(\"2:1.1-1\") Some(\"2:1.0-1\") dnf history (the run reported a failure)",
        ]
    );
    assert_eq!(told(&problems), "line 26: reading `Begin time`: not a date\n");
    let list = b"ID     | Command line | Date and time    | Action(s) | Altered\n---\n    12 | upgrade | x | U | 1\n     1 |  | | I | 4\n";
    assert_eq!(dnf::history_ids(list), ["12", "1"]);
}

#[test]
fn configuration_of_streams_locks_and_exclusions() {
    let text = fixture("dnf.conf");
    let sections = dnf::sections(&text);
    assert_eq!(sections.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["main", "nodejs", "perl", "acme"]);
    // The last value of a key counts, as in dnf.
    assert_eq!(sections[0].get("exclude"), Some(""));
    assert_eq!(sections[0].values[1].1, "acme-locked, kernel* php-??");
    assert!(sections[0].is_on("gpgcheck", false) && !sections[3].is_on("enabled", true));
    assert_eq!(dnf::enabled_modules(&text), ["nodejs:18"]);
    let list = b"# comment\nacme-0:1.0-1.*\n!beta-0:2.0-1.*\ngamma*\ndelta-lib-2:1.0-1.el9.*\n";
    assert_eq!(dnf::locked_names(list), ["acme", "gamma*", "delta-lib"]);
    for (pattern, name, matches) in [
        ("kernel*", "kernel-core", true),
        ("kernel*", "linux-kernel", false),
        ("*-devel", "a-b-devel", true),
        ("php-??", "php-fp", true),
        ("php-??", "php-fpm", false),
        ("*", "x", true),
        ("a*b*c", "aXbYbZc", true),
        ("", "x", false),
    ] {
        assert_eq!(dnf::glob_matches(pattern, name), matches, "{pattern} {name}");
    }
}

#[test]
fn install_times_stand_beside_the_packages() {
    let list = b"acme\t0\t1.1\t1\tnoarch\tacme-1.1-1.src.rpm\t(none)\tAcme Inc\t1795705659\n\
                 gpg-pubkey\t0\t1\t1\t(none)\t(none)\t(none)\t(none)\t1795705000\n\
                 old\t0\t1\t1\tnoarch\told-1-1.src.rpm\t(none)\n";
    let (packages, problems) = rpm_list::parse(list);
    assert_eq!(told(&problems), "");
    assert_eq!(
        packages.iter().map(|p| (p.name.as_str(), p.origin.as_deref())).collect::<Vec<_>>(),
        [("acme", Some("Acme Inc")), ("old", None)]
    );
    let times = rpm_list::install_times(list);
    assert_eq!(times.len(), 1);
    assert_eq!((times[0].0.as_str(), times[0].1.as_str(), times[0].2.0), ("acme", "1.1-1", 1_795_705_659_000));
}
