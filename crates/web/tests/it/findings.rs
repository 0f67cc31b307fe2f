//! The page of findings over a real database: questions, links, files.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use patchwright_domain::decision::profile::{AssetProfile, Tier};

use crate::house::{Browser, House, facts, local};

/// Three hosts: two of one owner with an old openssl, one of nobody with an old openssl and an old curl.
async fn fleet(house: &House) {
    for name in ["web-01", "web-02", "db-01"] {
        let mut facts = facts(name);
        if name == "db-01" {
            let mut curl = facts.packages[0].clone();
            (curl.name, curl.source) = ("curl".to_owned(), "curl".to_owned());
            (curl.version, curl.source_version) = ("7.1-1".to_owned(), "7.1-1".to_owned());
            facts.packages.push(curl);
        }
        let id = patchwright_app::hosts::host_report(&house.env, &local(), facts).await.unwrap();
        if name != "db-01" {
            let profile = AssetProfile { owner: "Web, Inc.".to_owned(), tier: Tier::T1, ..AssetProfile::default() };
            let host = patchwright_app::hosts::find_host(&house.env, &local(), id.as_str()).await.unwrap();
            patchwright_app::hosts::profile_save(&house.env, &local(), &id, profile, host.generation.0).await.unwrap();
        }
    }
}

/// Addresses of links into this page, as a browser would follow them, with the numbers that they stand on.
fn numbers(body: &str) -> Vec<(String, u64)> {
    body.split("<a class=\"n\" href=\"")
        .skip(1)
        .filter_map(|rest| {
            let (href, rest) = rest.split_once("\">")?;
            let (number, _) = rest.split_once("</a>")?;
            Some((href.replace("&#38;", "&").replace("&amp;", "&"), number.replace(',', "").parse().ok()?))
        })
        .filter(|(href, _)| href.starts_with("/findings"))
        .collect()
}

/// Rows of the CSV of a page: name, findings, hosts, vulnerabilities.
async fn rows(browser: &Browser<'_>, href: &str) -> Vec<(String, u64, u64, u64)> {
    let csv = browser.get(&format!("{href}{}format=csv", if href.contains('?') { "&" } else { "?" })).await;
    assert_eq!(csv.status, StatusCode::OK, "{href}: {}", csv.body);
    let mut lines = csv.body.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    lines
        .map(|line| {
            // The first cell may have a comma in quotes; the numbers do not.
            let (name, rest) = match line.strip_prefix('"') {
                Some(quoted) => quoted.split_once("\",").unwrap(),
                None => line.split_once(',').unwrap(),
            };
            let cells: Vec<&str> = rest.split(',').collect();
            let n = |name: &str| cells[at(name) - 1].parse().unwrap();
            (name.to_owned(), n("findings"), n("hosts"), n("vulnerabilities"))
        })
        .collect()
}

#[tokio::test]
async fn every_number_leads_to_as_many_rows() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let mut followed = BTreeSet::new();
    for group in ["patch", "vuln", "host", "owner"] {
        for q in ["", "&q=package:libssl3+or+tier:T1", "&q=is:kev"] {
            let page = browser.get(&format!("/findings?group={group}&limit=5{q}")).await;
            assert_eq!(page.status, StatusCode::OK, "{group}{q}: {}", page.body);
            for (href, number) in numbers(&page.body) {
                let rows = rows(&browser, &href).await;
                let findings: u64 = rows.iter().map(|r| r.1).sum();
                assert!(
                    number == rows.len() as u64 || number == findings,
                    "{group}{q}: {number} leads to {} rows with {findings} findings: {href}",
                    rows.len()
                );
                followed.insert(href);
            }
        }
    }
    assert!(followed.len() > 40, "{}", followed.len());
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_where_it_was_typed() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let page = browser.get("/findings?q=tier:T1+and+ownr:%3Cb%3E&group=host").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("<h1>What is open, and where?</h1>") && page.body.contains("role=\"alert\""));
    assert!(page.body.contains("<code>tier:T1 and <mark>ownr:"), "{}", page.body);
    assert!(
        page.body.contains("did you mean <code>owner</code>?")
            || page.body.contains("Did you mean <code>owner</code>?")
    );
    assert!(!page.body.contains("<b>\u{22}") && !page.body.contains("ownr:<b>"));
    for bad in ["group=colour", "sort=colour", "after=x"] {
        assert_eq!(browser.get(&format!("/findings?{bad}")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
}

#[tokio::test]
async fn findings_are_ordered_paged_and_bounded() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let of = async |sort: &str| rows(&browser, &format!("/findings?group=vuln&sort={sort}")).await;
    let up: Vec<String> = of("name").await.into_iter().map(|r| r.0).collect();
    let down: Vec<String> = of("-name").await.into_iter().map(|r| r.0).collect();
    assert!(up.len() > 10 && up.is_sorted(), "{up:?}");
    assert_eq!(up.iter().rev().cloned().collect::<Vec<_>>(), down);
    let most = of("hosts").await;
    assert!(most.iter().map(|r| std::cmp::Reverse(r.2)).is_sorted());

    // Pages follow each other without a gap and lead back.
    let (mut seen, mut href) = (Vec::new(), Some("/findings?group=vuln&sort=name&limit=7".to_owned()));
    while let Some(at) = href.take() {
        let body = browser.get(&at).await.body;
        let names: Vec<String> = body
            .split("data-open href=\"/advisories/")
            .skip(1)
            .map(|r| r.split('"').next().unwrap().to_owned())
            .collect();
        assert!(!names.is_empty() && names.len() <= 7, "{at}");
        assert_eq!(body.contains("rel=\"prev\""), !seen.is_empty(), "{at}");
        seen.extend(names);
        href = body
            .split("rel=\"next\" href=\"")
            .nth(1)
            .map(|r| r.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"));
    }
    assert_eq!(seen, up);
    // Nobody gets more rows by asking for them.
    let page = browser.get("/findings?group=vuln&limit=4000000").await.body;
    assert!(page.matches("data-open").count() <= 500);
    assert!(browser.get("/findings?group=vuln&after=100000").await.body.contains("beyond the last row"));
}

#[tokio::test]
async fn nothing_found_says_what_that_means() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let empty = browser.get("/findings").await.body;
    assert!(empty.contains("No open finding is known") && empty.contains("patchwright up"), "{empty}");
    fleet(&house).await;
    assert!(browser.get("/findings?q=host:nowhere").await.body.contains("No finding matches this query"));
    let owners = rows(&browser, "/findings?group=owner").await;
    let names: BTreeSet<&str> = owners.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["", "Web, Inc."]));
    let page = browser.get("/findings?group=owner").await.body;
    assert!(page.contains(">no owner</a>") && page.contains("owner:%22Web,+Inc.%22"), "{page}");
}

#[tokio::test]
async fn the_shown_query_comes_as_a_workbook() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let page = browser.get("/findings?q=tier:T1&group=host").await.body;
    assert!(
        page.contains("/findings?q=tier:T1&#38;group=host&#38;format=xlsx")
            || page.contains("group=host&amp;format=xlsx")
    );
    let book = browser.bytes("/findings?q=tier:T1&group=host&format=xlsx").await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
    let mut strings = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("xl/sharedStrings.xml").unwrap(), &mut strings).unwrap();
    for there in ["web-01", "web-02", "tier:T1", "2 of 2 (100 %)", "2026-11-22 10:00 UTC"] {
        assert!(strings.contains(&format!("<t>{there}</t>")), "{there}: {strings}");
    }
    assert!(!strings.contains("db-01"));
    assert_eq!(browser.get("/findings?q=ownr:x&format=xlsx").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_view_is_kept_opened_and_deleted_by_its_owner() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let form = "name=Mine+%3Cb%3E&q=tier%3AT1+and+is%3Akev&group=host&sort=-findings";
    assert_eq!(browser.post_raw("/findings/views", form).await.status, StatusCode::FORBIDDEN, "without the token");
    let saved = browser.post("/findings/views", form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let to = saved.header("location").to_owned();
    assert!(to.starts_with("/findings?q=tier:T1+and+is:kev&group=host&sort=-findings&saved=viw_"), "{to}");
    let page = browser.get(&to).await.body;
    assert!(
        page.contains("The view “Mine &#60;b&#62;” is kept.") || page.contains("The view “Mine &lt;b&gt;” is kept.")
    );
    assert!(!page.contains("Mine <b>"));
    // It is offered from every question, and says where it leads.
    let other = browser.get("/findings?group=vuln").await.body;
    assert!(other.contains("/findings?q=tier:T1+and+is:kev"), "{other}");

    for (bad, why) in [
        ("name=mINE+%3CB%3E&q=&group=host", "taken"),
        ("name=&q=&group=host", "no name"),
        ("name=x&q=ownr%3Ax&group=host", "no query"),
        ("name=x&q=&group=colour", "no grouping"),
        ("name=x&q=&group=host&sort=colour", "no order"),
    ] {
        assert_eq!(browser.post("/findings/views", bad).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
    }
    let id = to.split("saved=").nth(1).unwrap();
    let delete = format!("/findings/views/{id}/delete");
    assert_eq!(browser.post(&delete, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.post(&delete, "").await.status, StatusCode::NOT_FOUND);
    assert!(!browser.get("/findings").await.body.contains("Mine"));
    let audit = browser.get("/settings?tab=audit&format=csv").await.body;
    assert!(audit.contains("view.save viw_") && audit.contains("view.delete viw_"), "{audit}");
}

fn hidden(body: &str, name: &str) -> String {
    body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_of_many_hosts_is_counted_confirmed_and_recorded() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let tags =
        async |name: &str| patchwright_app::hosts::find_host(&house.env, &local(), name).await.unwrap().profile.tags;
    let preview = browser.get("/findings/bulk?q=tier:T1&kind=tag&value=pci").await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert!(preview.body.contains("<h1>This will tag 2 hosts with “pci”</h1>"), "{}", preview.body);
    assert!(tags("web-01").await.is_empty(), "counting changes nothing");

    let form = format!("q=tier%3AT1&kind=tag&value=pci&digest={}", hidden(&preview.body, "digest"));
    let done = browser.post("/findings/bulk", &form).await;
    assert_eq!(done.header("location"), "/findings/bulk?q=tier:T1&done=2", "{}", done.body);
    assert_eq!((tags("web-01").await, tags("web-02").await), (vec!["pci".to_owned()], vec!["pci".to_owned()]));
    assert!(tags("db-01").await.is_empty());
    assert!(browser.get("/findings/bulk?q=tier:T1&done=2").await.body.contains("2 hosts changed."));
    let again = browser.get("/findings/bulk?q=tier:T1&kind=tag&value=pci").await.body;
    assert!(again.contains("Nothing would change") && !again.contains("name=\"digest\""), "{again}");
    let audit = browser.get("/settings?tab=audit&format=csv").await.body;
    assert!(audit.contains("host.bulk_edit tag pci"), "{audit}");
    assert_eq!(audit.matches("host.edit web-0").count(), 4, "two by the profile form, two by the change: {audit}");

    for (kind, value, sentence) in [
        ("untag", "pci", "This will take the tag “pci” from 2 hosts"),
        ("owner", "ann", "This will make “ann” the owner of 3 hosts"),
        ("tier", "t2", "This will put 3 hosts into tier t2"),
    ] {
        let page = browser.get(&format!("/findings/bulk?kind={kind}&value={value}")).await.body;
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
    for bad in ["kind=colour&value=x", "kind=tier&value=T9", "kind=tag&value=a,b", "kind=tag&value=x&q=ownr:x"] {
        let answer = browser.get(&format!("/findings/bulk?{bad}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(answer.body.matches("tiers are T1").count() <= 1, "said once: {}", answer.body);
    }
}

#[tokio::test]
async fn a_change_is_refused_when_the_counted_hosts_are_not_those_any_more() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let tier =
        async |name: &str| patchwright_app::hosts::find_host(&house.env, &local(), name).await.unwrap().profile.tier;
    let form = async || {
        let preview = browser.get("/findings/bulk?q=package:libssl3&kind=tier&value=T2").await.body;
        format!("q=package%3Alibssl3&kind=tier&value=T2&digest={}", hidden(&preview, "digest"))
    };

    // A host more.
    let counted = form().await;
    house.host("late-01").await;
    let refused = browser.post("/findings/bulk", &counted).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.contains("Nothing was changed") && refused.body.contains("put 4 hosts into tier T2"));
    assert_eq!(tier("web-01").await, Tier::T1);

    // The same hosts, one of them changed by somebody else.
    let counted = form().await;
    let host = patchwright_app::hosts::find_host(&house.env, &local(), "db-01").await.unwrap();
    let profile = AssetProfile { zone: "dmz".to_owned(), ..host.profile.clone() };
    patchwright_app::hosts::profile_save(&house.env, &local(), &host.id, profile, host.generation.0).await.unwrap();
    assert_eq!(browser.post("/findings/bulk", &counted).await.status, StatusCode::CONFLICT);

    // The count of one change does not confirm another.
    let counted = form().await.replace("value=T2", "value=T3");
    assert_eq!(browser.post("/findings/bulk", &counted).await.status, StatusCode::CONFLICT);
    assert_eq!(tier("web-01").await, Tier::T1);
    assert_eq!(browser.post_raw("/findings/bulk", &form().await).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/findings/bulk", &form().await).await.status, StatusCode::SEE_OTHER);
    assert_eq!((tier("web-01").await, tier("late-01").await), (Tier::T2, Tier::T2));
}

#[tokio::test]
async fn an_advisory_says_which_upgrade_covers_it_where() {
    let house = House::new().await;
    fleet(&house).await;
    let browser = house.sign_in().await;
    let vulns = rows(&browser, "/findings?group=vuln&q=source:openssl").await;
    let mut followed = 0;
    for (id, _, hosts, _) in vulns.iter().take(8) {
        let page = browser.get(&format!("/advisories/{id}")).await.body;
        let part = page.split("id=\"h-cover\"").nth(1).unwrap().split("</section>").next().unwrap().to_owned();
        assert!(part.contains(">openssl</a>") && part.contains("Debian:12"), "{id}: {part}");
        let mut sum = 0;
        for (href, number) in numbers(&part) {
            assert!(href.contains(&format!("cve:{id}")), "{href}");
            assert_eq!(rows(&browser, &href).await.len() as u64, number, "{href}");
            sum += number;
            followed += 1;
        }
        assert_eq!(sum, *hosts, "{id}: one package in one state on each host");
    }
    assert!(followed > 0);
}
