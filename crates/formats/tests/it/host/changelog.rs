use std::collections::BTreeMap;
use std::io::Read;

use patchwright_domain::time::Timestamp;
use patchwright_formats::host::changelog::{self, cve_ids, fixes_between};
use patchwright_versions::{Scheme, compare_lenient};

use super::{fixture, shared, told};

#[test]
fn entries_carry_versions_distributions_dates_and_ids() {
    let (entries, problems) = changelog::parse(&fixture("changelog"));
    assert_eq!(told(&problems), "");
    let versions: Vec<&str> = entries.iter().map(|e| e.version.as_str()).collect();
    assert_eq!(versions, ["2:1.4.2-3+deb12u2", "2:1.4.2-3+deb12u1", "2:1.4.2-3+b1", "2:1.4.2-3"]);
    assert_eq!(entries[0].distributions, ["bookworm-security"]);
    assert_eq!(entries[3].distributions, ["unstable", "testing"]);
    assert_eq!((entries[0].urgency.as_deref(), entries[3].urgency.as_deref()), (Some("high"), Some("high")));
    assert!(entries[2].binary_only && !entries[0].binary_only);
    assert_eq!(entries[0].date, Timestamp::parse("2026-05-10T06:07:30Z"));
    assert_eq!(entries[3].date, Timestamp::parse("2025-01-01T00:00:00Z"));
    // The id broken over two lines is one; words that only look like ids are none.
    assert_eq!(entries[0].cves, ["CVE-2025-2001", "CVE-2026-1001", "CVE-2026-1002", "CVE-2026-12345"]);
    assert_eq!(entries[1].cves, ["CVE-2025-2001", "CVE-2025-2002"]);
    assert_eq!(entries[3].cves, ["CVE-2004-0001", "CVE-2025-2002"]);
}

#[test]
fn a_cve_counts_for_the_lowest_version_that_names_it() {
    let (entries, _) = changelog::parse(&fixture("changelog"));
    let shown = |installed: Option<&str>| {
        fixes_between(&entries, installed)
            .into_iter()
            .map(|f| format!("{} {} {}", f.source, f.cve, f.fixed))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown(Some("2:1.4.2-3+deb12u1")),
        [
            "examplelib CVE-2026-1001 2:1.4.2-3+deb12u2",
            "examplelib CVE-2026-1002 2:1.4.2-3+deb12u2",
            "examplelib CVE-2026-12345 2:1.4.2-3+deb12u2",
        ]
    );
    assert!(shown(Some("2:1.4.2-3")).contains(&"examplelib CVE-2025-2001 2:1.4.2-3+deb12u1".to_owned()));
    // An installed version between two entries, and one that sorts below by its tilde.
    assert_eq!(shown(Some("2:1.4.2-3+deb12u1~bpo1")).len(), 4);
    assert_eq!(shown(Some("2:1.4.2-3+deb12u2")), Vec::<String>::new());
    // Without an epoch everything is newer.
    assert_eq!(shown(Some("1.4.2-3+deb12u2")).len(), shown(None).len());
    assert_eq!(shown(None).len(), 6);
    assert!(fixes_between(&[], None).is_empty());
}

#[test]
fn ids_in_running_text() {
    let table: &[(&str, &[&str])] = &[
        ("fix cve-2024-12345.", &["CVE-2024-12345"]),
        ("CVE-2024-1234,CVE-2024-1235;CVE-2024-1236", &["CVE-2024-1234", "CVE-2024-1235", "CVE-2024-1236"]),
        ("debian/patches/CVE-2024-1234-part2.patch", &["CVE-2024-1234"]),
        ("CAN-2003-0001", &["CVE-2003-0001"]),
        ("CVE-2024-123, CVE-24-1234, CVE-2024-, CVE-2024-12345678901", &[]),
        ("CCVE-2024-1234", &[]),
        ("é CVE-2024-1234 é", &["CVE-2024-1234"]),
    ];
    for (text, ids) in table {
        assert_eq!(cve_ids(text), *ids, "{text}");
    }
}

#[test]
fn damaged_changelogs_are_told() {
    let text = "a (1) sid; urgency=low\n  * x\nb (2) sid; urgency=low\n  * y\n\n -- A <a@b>  not a date\n\n -- stray <x@y>  Sun, 10 May 2026 06:07:30 +0000\n\
                garbage\nmore garbage\nc (3) sid; urgency=low\n  * CVE-2024-1234\n";
    let (entries, problems) = changelog::parse(text.as_bytes());
    assert_eq!(entries.len(), 3);
    assert_eq!(
        told(&problems),
        "\
line 3: the entry before has no closing line
line 6: reading the date of an entry
line 8: a closing line without an entry
line 9: reading an entry: neither a heading nor indented text
end: the last entry has no closing line: the text may be cut
"
    );
}

#[test]
fn the_shared_changelogs_give_the_versions_of_the_table_made_from_them() {
    let (Some(folder), Some(table)) =
        (shared("feeds/debian/changelogs"), shared("feeds/debian/bookworm-changelog-cve-fixed.tsv.zst"))
    else {
        println!("skipped: the shared changelogs: not beside this repository");
        return;
    };
    // source, cve, fixed version: made by somebody else from the same archive, partly from newer uploads.
    let table = zstd::decode_all(std::fs::File::open(table).unwrap()).unwrap();
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|l| l.split('\t').collect()).collect();
    let (mut files, mut entries_read, mut compared) = (0, 0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(file.unwrap().path()).unwrap())
            .read_to_end(&mut text)
            .unwrap();
        let (entries, _) = changelog::parse(&text);
        // Packages carry changelogs whose oldest entries are cut off.
        let (newest, oldest) = (&entries[0], entries.last().unwrap());
        let fixes: BTreeMap<String, String> =
            fixes_between(&entries, None).into_iter().map(|f| (f.cve, f.fixed)).collect();
        files += 1;
        entries_read += entries.len();
        let in_reach = |row: &&Vec<&str>| {
            row[0] == newest.source
                && compare_lenient(Scheme::Deb, row[2], &newest.version).is_le()
                && compare_lenient(Scheme::Deb, row[2], &oldest.version).is_ge()
        };
        for row in rows.iter().filter(in_reach) {
            let ours = fixes.get(row[1]).map(String::as_str);
            assert_eq!(ours, Some(row[2]), "{} {}", row[0], row[1]);
            compared += 1;
        }
    }
    println!("{files} changelogs, {entries_read} entries, {compared} rows equal");
    assert!(files >= 30 && compared > 5_000);
}

#[test]
fn comments_are_not_told() {
    let text = "a (1) sid; urgency=low\n\n  * x\n\n -- A <a@b.example>  Sun, 10 May 2026 06:07:30 +0000\n\n\
                # Older entries have been removed from this changelog.\n# To read the complete changelog use `apt changelog a`.\n";
    let (entries, problems) = changelog::parse(text.as_bytes());
    assert_eq!((entries.len(), told(&problems).as_str()), (1, ""));
}
