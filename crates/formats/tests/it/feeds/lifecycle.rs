//! Support dates: endoflife.date and distro-info.

use patchwright_domain::intel::EolCycle;
use patchwright_formats::feed::distro_info::{self, Distro};
use patchwright_formats::feed::{FeedError, endoflife};
use serde_json::json;

use super::{assert_says, limits, said};

fn day(date: Option<patchwright_domain::time::Date>) -> String {
    date.map_or_else(|| "-".to_owned(), |date| date.to_string())
}

fn dates(cycle: &EolCycle) -> [String; 5] {
    [cycle.release, cycle.active_until, cycle.security_until, cycle.lts_until, cycle.extended_until].map(day)
}

#[test]
fn api_v1_all_products() {
    let doc = json!({"schema_version": "1.2.0", "total": 2, "result": [
        {"name": "ubuntu", "releases": [
            {"name": "24.04", "releaseDate": "2024-04-25", "isLts": true, "eoasFrom": "2029-04-25", "isEol": false, "eolFrom": "2029-05-31",
             "isEoes": false, "eoesFrom": "2036-04-25", "latest": {"name": "24.04.2", "date": "2025-02-20", "link": null}},
            {"name": "4.10", "isLts": false, "isEol": true, "eolFrom": null, "eoesFrom": null, "latest": null}]},
        {"name": "debian", "releases": [{"name": "12", "isLts": false, "isEol": true, "eolFrom": "2026-07-11", "eoesFrom": "2028-06-30", "latest": {"name": 12.15}}]},
        {"name": "odd", "releases": [{"isEol": true}, {"name": "1", "eolFrom": "sometime", "isEol": true}, 7]},
        {"releases": []}, {"name": "empty"}, null
    ]});
    let parsed = endoflife::parse(doc.to_string().as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.complete);
    assert_eq!((parsed.read, parsed.lost), (9, 5));
    let [noble, warty, bookworm, odd] = parsed.records.as_slice() else { panic!("{:?}", parsed.records) };
    assert_eq!(dates(noble), ["2024-04-25", "2029-04-25", "2029-05-31", "-", "2036-04-25"]);
    assert_eq!(
        (noble.is_lts, noble.latest.as_deref(), day(noble.latest_date).as_str()),
        (true, Some("24.04.2"), "2025-02-20")
    );
    assert!(warty.ended_undated && !noble.ended_undated, "ended without a day");
    assert_eq!(
        dates(bookworm),
        ["-", "-", "2026-07-11", "2028-06-30", "-"],
        "Debian's extended support is the free LTS"
    );
    assert_eq!((bookworm.is_lts, bookworm.latest.as_deref()), (true, Some("12.15")));
    assert!(odd.ended_undated);
    assert_says(&parsed.problems, &["/result/2/releases/0 (odd)", "no name"]);
    assert_says(&parsed.problems, &["/result/2/releases/1 (odd)", "`eolFrom` is neither a flag nor a date"]);
    assert_says(&parsed.problems, &["/result/2/releases/2 (odd)", "no name"]);
    assert_says(&parsed.problems, &["/result/3", "no name"]);
    assert_says(&parsed.problems, &["/result/4", "no releases"]);
    assert_says(&parsed.problems, &["/result/5", "cannot be read"]);
}

#[test]
fn api_v1_one_product() {
    let doc = json!({"schema_version": "1.2.0", "result": {"name": "postgresql", "releases": [{"name": "15", "eolFrom": "2027-11-11"}]}});
    let parsed = endoflife::parse(doc.to_string().as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.problems.is_empty(), "{}", said(&parsed.problems));
    assert_eq!((parsed.records[0].product.as_str(), parsed.records[0].cycle.as_str()), ("postgresql", "15"));
}

#[test]
fn the_older_form_has_flags_or_days_and_numbers_for_names() {
    let doc = json!([
        {"cycle": "22.04", "releaseDate": "2022-04-21", "support": "2024-09-30", "eol": "2027-04-01", "extendedSupport": "2032-04-09", "lts": true, "latest": "22.04.5", "latestReleaseDate": "2024-09-12"},
        {"cycle": 8, "eol": true, "support": false, "lts": "2020-01-01", "extendedSupport": false},
        {"cycle": "9", "eol": false, "lts": false},
        {"eol": false}, null
    ]);
    let parsed = endoflife::parse_older(doc.to_string().as_bytes(), "ubuntu", &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (5, 2));
    let [a, b, c] = parsed.records.as_slice() else { panic!() };
    assert_eq!(dates(a), ["2022-04-21", "2024-09-30", "2027-04-01", "-", "2032-04-09"]);
    assert_eq!((a.is_lts, a.ended_undated, a.latest.as_deref()), (true, false, Some("22.04.5")));
    assert_eq!((b.cycle.as_str(), b.ended_undated, b.is_lts), ("8", true, true));
    assert_eq!((c.ended_undated, c.is_lts, c.security_until), (false, false, None));
    match endoflife::parse(doc.to_string().as_bytes(), &limits()) {
        Err(FeedError::NotThisFormat { .. }) => {}
        other => panic!("without a product name the older form cannot be read: {other:?}"),
    }
}

#[test]
fn debian_csv_with_missing_trailing_columns() {
    let csv = "version,codename,series,created,release,eol,eol-lts,eol-elts\n\
               1.1,Buzz,buzz,1993-08-16,1996-06-17,1997-06-05\n\
               12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11,2028-06-30,2033-06-30\n\
               14,Forky,forky,2025-08-09\n\
               ,Sid,sid,1993-08-16\n";
    let parsed = distro_info::parse(csv.as_bytes(), Distro::Debian, &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.problems.is_empty(), "{}", said(&parsed.problems));
    let [buzz, bookworm, forky, sid] = parsed.records.as_slice() else { panic!() };
    assert_eq!(dates(&buzz.cycle), ["1996-06-17", "-", "1997-06-05", "-", "-"]);
    assert_eq!(dates(&bookworm.cycle), ["2023-06-10", "-", "2026-07-11", "2028-06-30", "2033-06-30"]);
    assert_eq!(
        (bookworm.series.as_str(), bookworm.version.as_deref(), bookworm.cycle.cycle.as_str()),
        ("bookworm", Some("12"), "12")
    );
    assert_eq!(day(forky.created), "2025-08-09");
    assert_eq!(dates(&forky.cycle), ["-", "-", "-", "-", "-"]);
    assert_eq!((sid.version.as_deref(), sid.cycle.cycle.as_str(), sid.cycle.product.as_str()), (None, "sid", "debian"));
}

#[test]
fn a_release_table_of_the_other_distribution_is_refused_by_name() {
    let debian = "version,codename,series,created,release,eol\n1.1,Buzz,buzz,1993-08-16,1996-06-17,1997-06-05\n,Sid,sid,1993-08-16\n";
    let ubuntu = "version,codename,series,created,release,eol\n4.10,Warty,warty,2004-03-05,2004-10-20,2006-04-30\n";
    for (text, distro, sibling) in
        [(debian, Distro::Ubuntu, "distro-info-debian"), (ubuntu, Distro::Debian, "distro-info-ubuntu")]
    {
        match distro_info::parse(text.as_bytes(), distro, &limits()) {
            Err(error @ FeedError::Sibling { feed, .. }) => {
                assert!(feed == sibling && error.hint().contains(sibling), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    let mixed = format!("{debian}4.10,Warty,warty,2004-03-05,2004-10-20,2006-04-30\n");
    let parsed = distro_info::parse(mixed.as_bytes(), Distro::Debian, &limits()).unwrap();
    assert_eq!((parsed.read, parsed.lost), (3, 1));
    assert_says(&parsed.problems, &["line 4", "warty is a release of another distribution"]);
}

#[test]
fn ubuntu_csv_with_lts_in_the_version_and_columns_of_the_future() {
    let csv = "version,codename,series,created,release,eol,eol-server,eol-esm,eol-legacy,eol-beyond\n\
               6.06 LTS,Dapper Drake,dapper,2005-10-12,2006-06-01,2009-07-14,2011-06-01\n\
               22.04 LTS,Jammy Jellyfish,jammy,2021-10-14,2022-04-21,2027-06-01,2027-06-01,2032-04-21,2034-04-25,2040-01-01\n\
               22.10,Kinetic Kudu,kinetic,2022-04-21,2022-10-20,never\n\
               23.04,Lunar Lobster,,2022-10-20\n";
    let parsed = distro_info::parse(csv.as_bytes(), Distro::Ubuntu, &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (4, 1));
    let [dapper, jammy, kinetic] = parsed.records.as_slice() else { panic!() };
    assert_eq!(
        dates(&dapper.cycle),
        ["2006-06-01", "2009-07-14", "2011-06-01", "-", "-"],
        "the server part lived longer"
    );
    // Ubuntu Pro, then its add-on for older releases: paid support lasts as long as the longer of both.
    assert_eq!(dates(&jammy.cycle), ["2022-04-21", "-", "2027-06-01", "-", "2034-04-25"]);
    assert_eq!(
        (jammy.cycle.cycle.as_str(), jammy.cycle.is_lts, jammy.version.as_deref()),
        ("22.04", true, Some("22.04"))
    );
    let more: Vec<(&str, String)> = jammy.more.iter().map(|(name, day)| (name.as_str(), day.to_string())).collect();
    assert_eq!(more, [("eol-beyond", "2040-01-01".to_owned())]);
    assert!(!kinetic.cycle.is_lts);
    assert_says(&parsed.problems, &["line 4", "`eol` of kinetic is not a date"]);
    assert_says(&parsed.problems, &["line 5", "no series"]);
}

#[test]
fn another_document_is_refused() {
    for text in ["", "{}", "[]", "{\"result\": []}", "{\"result\": null}", "oops"] {
        match endoflife::parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["", "a,b\n1,2\n"] {
        match distro_info::parse(text.as_bytes(), Distro::Debian, &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text}: {other:?}"),
        }
    }
}
