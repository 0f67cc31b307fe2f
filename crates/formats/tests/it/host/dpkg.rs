use patchwright_domain::inventory::PackageState;
use patchwright_formats::host::{PROBLEMS_MAX, dpkg_list, dpkg_status};

use super::{fixture, lines, told};

const WHOLE: &str = "\
adduser all 3.134 adduser 3.134 Installed
bash amd64 5.2.15-2+b8 bash 5.2.15-2 Installed held
libssl3 amd64 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
libssl3 i386 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
libstdc++6 amd64 12.2.0-14+deb12u1 gcc-12 12.2.0-14+deb12u1 Installed
linux-image-6.1.0-50-amd64 amd64 6.1.176-1 linux-signed-amd64 6.1.176+1 Installed
nginx amd64 1.22.1-9+deb12u1 nginx 1.22.1-9+deb12u1 ConfigFiles
openssh-server amd64 1:9.2p1-2+deb12u3 openssh 1:9.2p1-2+deb12u3 Broken
";

#[test]
fn a_status_file_gives_states_holds_sources_and_both_architectures() {
    let (packages, problems) = dpkg_status::parse(&fixture("dpkg-status"));
    assert_eq!(lines(&packages), WHOLE);
    assert_eq!(told(&problems), "");
}

#[test]
fn crlf_and_a_byte_order_of_fields_change_nothing() {
    let text = String::from_utf8(fixture("dpkg-status")).unwrap();
    let (packages, problems) = dpkg_status::parse(text.replace('\n', "\r\n").as_bytes());
    assert_eq!(lines(&packages), WHOLE);
    assert_eq!(told(&problems), "");
}

/// A name for the case, the text between two whole neighbours, what is told, and the lines it should add.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("no_package", "Status: install ok installed\nVersion: 1.0\n", "line 6: a stanza without `Package`\n", ""),
    ("no_version", "Package: x\nStatus: install ok installed\n", "line 6: package `x` has no `Version`\n", ""),
    ("no_version_but_not_installed", "Package: x\nStatus: unknown ok not-installed\n", "", ""),
    (
        "no_status",
        "Package: x\nVersion: 1\n",
        "line 6: package `x` has no `Status`; taken as installed\n",
        "x  1 x 1 Installed\n",
    ),
    (
        "unknown_status",
        "Package: x\nStatus: install ok shining\nVersion: 1\n",
        "line 6: package `x` has an unknown `Status`; taken as installed\n",
        "x  1 x 1 Installed\n",
    ),
    (
        "garbage_line",
        "Package: x\nthis is not a field\nStatus: install ok installed\nVersion: 1\n",
        "line 7: reading a field: the line has no `Name:`\n",
        "x  1 x 1 Installed\n",
    ),
    (
        "field_twice",
        "Package: x\nStatus: install ok installed\nVersion: 1\nVersion: 2\n",
        "line 9: the field occurs twice in one stanza; the first is kept\n",
        "x  1 x 1 Installed\n",
    ),
    (
        "two_packages_run_together",
        "Package: x\nStatus: install ok installed\nVersion: 1\nPackage: y\nStatus: install ok installed\nVersion: 2\n",
        "line 9: a new package begins without an empty line before it\n",
        "x  1 x 1 Installed\ny  2 y 2 Installed\n",
    ),
    (
        "blank_in_version",
        "Package: x\nStatus: install ok installed\nVersion: 1 2\n",
        "line 6: the stanza has an unusable `Version`; it is left out\n",
        "",
    ),
    (
        "not_utf8_in_name",
        "Package: x\u{fffd}\u{0}\nStatus: install ok installed\nVersion: 1\n",
        // The name is cut by a NUL byte, so the stanza ends there and what follows has no name.
        "line 6: NUL bytes: a part of the file was lost\nline 7: a stanza without `Package`\n",
        "",
    ),
    (
        "nul_block_eats_the_border_to_the_next",
        "Package: x\nStatus: install ok installed\nVersion: 1\nDescription: aaa\u{0}\u{0}\u{0}ckage: y\nStatus: install ok installed\nVersion: 2\n",
        "line 9: NUL bytes: a part of the file was lost\nline 9: a stanza without `Package`\n",
        "x  1 x 1 Installed\n",
    ),
    (
        "nul_block_ends_where_a_package_begins",
        "Package: x\nStatus: install ok installed\nVersion: 1\n\u{0}\u{0}\u{0}\u{0}Package: y\nStatus: install ok installed\nVersion: 2\n",
        "line 9: NUL bytes: a part of the file was lost\n",
        "x  1 x 1 Installed\ny  2 y 2 Installed\n",
    ),
    (
        "nul_block_in_the_version_never_takes_the_next_ones",
        "Package: x\nStatus: install ok installed\nVersion: 1.0\u{0}\u{0}\nVersion: 2\n",
        "line 8: NUL bytes: a part of the file was lost\nline 6: package `x` has no `Version`\nline 9: a stanza without `Package`\n",
        "",
    ),
    ("reinstall_required", "Package: x\nStatus: install reinstreq installed\nVersion: 1\n", "", "x  1 x 1 Broken\n"),
    ("triggers_pending", "Package: x\nStatus: install ok triggers-pending\nVersion: 1\n", "", "x  1 x 1 Broken\n"),
    (
        "unreadable_source",
        "Package: x\nStatus: install ok installed\nSource: a b (1\nVersion: 1\n",
        "line 6: package `x` has an unreadable `Source`; its own name is used\n",
        "x  1 x 1 Installed\n",
    ),
    ("lower_case_field_names", "package: x\nstatus: install ok installed\nVERSION: 1\n", "", "x  1 x 1 Installed\n"),
];

#[test]
fn a_broken_stanza_is_told_and_never_costs_its_neighbours() {
    for (name, stanza, tells, adds) in BROKEN {
        let before = "Package: aaa\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n";
        let after = "\nPackage: zzz\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
        let (packages, problems) = dpkg_status::parse(format!("{before}{stanza}{after}").as_bytes());
        let expected = format!("aaa all 1 aaa 1 Installed\n{adds}zzz all 1 zzz 1 Installed\n");
        assert_eq!(lines(&packages), expected, "{name}");
        assert_eq!(told(&problems), *tells, "{name}");
    }
}

#[test]
fn of_a_package_listed_twice_the_later_one_stays_and_it_is_told() {
    let text = "Package: x\nStatus: install ok installed\nVersion: 1\n\nPackage: a\nStatus: install ok installed\nVersion: 1\n\n\
                Package: x\nStatus: install ok installed\nVersion: 2\n";
    let (packages, problems) = dpkg_status::parse(text.as_bytes());
    assert_eq!(lines(&packages), "a  1 a 1 Installed\nx  2 x 2 Installed\n");
    assert_eq!(told(&problems), "package x: `x` is listed twice; version 2 is kept, 1 dropped\n");
}

#[test]
fn a_file_that_ends_inside_a_version_says_so() {
    let whole = "Package: x\nStatus: install ok installed\nVersion: 1.25";
    let (packages, problems) = dpkg_status::parse(whole.as_bytes());
    assert_eq!(lines(&packages), "x  1.25 x 1.25 Installed\n");
    assert_eq!(
        told(&problems),
        "line 3: the file ends in this field, without a line feed: its value may be cut short\n"
    );
}

#[test]
fn every_cut_of_a_status_file_keeps_all_whole_stanzas_before_the_cut() {
    let whole = fixture("dpkg-status");
    for cut in 0..whole.len() {
        let (packages, _) = dpkg_status::parse(&whole[..cut]);
        let text = String::from_utf8_lossy(&whole[..cut]).into_owned();
        let stanzas = text.split("\n\n").count() - 1;
        // Of the first eight stanzas all but the last are packages; `perl-modules` is not installed.
        assert!(packages.len() >= stanzas.min(7), "cut at {cut}: {} of {stanzas}", packages.len());
    }
}

#[test]
fn a_fragment_without_a_status_is_installed() {
    let text = "Package: tzdata\nVersion: 2025b-0+deb12u2\nArchitecture: all\n";
    let (packages, problems) = dpkg_status::parse_fragment(text.as_bytes());
    assert_eq!(lines(&packages), "tzdata all 2025b-0+deb12u2 tzdata 2025b-0+deb12u2 Installed\n");
    assert_eq!(told(&problems), "");
}

#[test]
fn ten_thousand_broken_lines_give_a_bounded_number_of_problems() {
    let text = "no field\n".repeat(10_000);
    let (packages, problems) = dpkg_status::parse(text.as_bytes());
    assert!(packages.is_empty());
    assert_eq!(problems.len(), PROBLEMS_MAX + 1);
    assert_eq!(problems.last().unwrap().what, "9001 more problems were left out");
}

#[test]
fn a_line_of_many_megabytes_is_one_problem_with_a_short_excerpt() {
    let text = format!(
        "Package: {}\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: install ok installed\nVersion: 1\n",
        "x".repeat(8 << 20)
    );
    let (packages, problems) = dpkg_status::parse(text.as_bytes());
    assert_eq!(lines(&packages), "b  1 b 1 Installed\n");
    assert_eq!(problems.len(), 1);
    assert!(problems[0].excerpt.chars().count() <= 200);
}

#[test]
fn the_table_of_dpkg_l_gives_what_it_shows() {
    let (packages, problems) = dpkg_list::parse_table(&fixture("dpkg-l.txt"));
    assert_eq!(
        lines(&packages),
        "\
adduser all 3.134 adduser 3.134 Installed
bash amd64 5.2.15-2+b8 bash 5.2.15-2 Installed held
libssl3 amd64 3.0.20-1~deb12u2 libssl3 3.0.20-1~deb12u2 Installed
libssl3 i386 3.0.20-1~deb12u2 libssl3 3.0.20-1~deb12u2 Installed
nginx amd64 1.22.1-9+deb12u1 nginx 1.22.1-9+deb12u1 ConfigFiles
openssh-server amd64 1:9.2p1-2+deb12u3 openssh-server 1:9.2p1-2+deb12u3 Broken
tzdata all 2025b-0+deb12u2 tzdata 2025b-0+deb12u2 Broken
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn a_table_cut_to_a_terminal_says_which_names_may_be_short() {
    let table = "\
||/ Name           Version        Architecture Description
+++-==============-==============-============-=================================
ii  bash           5.2.15-2+b8    amd64        GNU Bourne Again SHell
ii  linux-image-6. 6.1.176-1      amd64        Linux 6.1 for 64-bit PCs
xx  nonsense       1.0            amd64        no such status
";
    let (packages, problems) = dpkg_list::parse_table(table.as_bytes());
    assert_eq!(packages.len(), 2);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].what.contains("may be cut") && problems[0].excerpt.contains("linux-image-6."));
    assert_eq!(problems[1].what, "reading a row: the first word is not a dpkg status");
}

#[test]
fn a_table_that_was_cut_off_says_so_and_keeps_no_half_version() {
    let whole = "ii  bash           5.2.15-2+b8  amd64  shell\nii  zlib1g:amd64   1:1.2.13.dfsg-1  amd64  compression library\n";
    assert_eq!(told(&dpkg_list::parse_table(whole.as_bytes()).1), "");
    let last = whole.find("ii  zlib1g").unwrap();
    // Before the first word of the last row there is nothing that a cut leaves behind.
    for end in last + 2..whole.len() {
        let (packages, problems) = dpkg_list::parse_table(&whole.as_bytes()[..end]);
        assert!(told(&problems).contains("line 2: the list was cut off here"), "{:?}: {problems:?}", &whole[last..end]);
        let zlib = packages.iter().find(|p| p.name.starts_with("zl"));
        assert!(zlib.is_none_or(|p| p.version == "1:1.2.13.dfsg-1" && p.arch == "amd64"), "{zlib:?}");
    }
    let editor = &whole[..last + "ii  zlib1g:amd64   1:1.2".len()];
    let (packages, problems) = dpkg_list::parse_table(format!("{editor}\n").as_bytes());
    assert_eq!(packages.len(), 1, "with a line feed that an editor put behind it");
    assert!(told(&problems).contains("the last line lacks columns"), "{problems:?}");
    // A table that was reduced to names and versions is whole.
    assert_eq!(told(&dpkg_list::parse_table(b"ii bash 5.2.15-2+b8\nii dash 0.5.12-2\n").1), "");
    let removed = "ii  bash  5.2.15-2+b8  amd64  shell\nun  apt-doc  <none>  <none>  (no description available)\n";
    assert_eq!(told(&dpkg_list::parse_table(removed.as_bytes()).1), "");

    let query = "bash\t5.2.15\tamd64\tbash\t5.2.15\tii \nzlib1g\t1:1.2";
    let (packages, problems) = dpkg_list::parse_query(query.as_bytes());
    assert_eq!(packages.len(), 1);
    assert!(told(&problems).contains("line 2: the list was cut off here"), "{problems:?}");
}

#[test]
fn dpkg_query_gives_sources_and_states() {
    let (packages, problems) = dpkg_list::parse_query(&fixture("dpkg-query.tsv"));
    assert_eq!(
        lines(&packages),
        "\
adduser all 3.134 adduser 3.134 Installed
bash amd64 5.2.15-2+b8 bash 5.2.15-2 Installed held
libssl3 amd64 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
libssl3 i386 3.0.20-1~deb12u2 openssl 3.0.20-1~deb12u2 Installed
nginx amd64 1.22.1-9+deb12u1 nginx 1.22.1-9+deb12u1 ConfigFiles
"
    );
    assert_eq!(told(&problems), "");
}

#[test]
fn dpkg_query_without_a_format_is_read_too() {
    let (packages, problems) =
        dpkg_list::parse_query(b"bash\t5.2.15-2+b8\nlibc6:amd64\t2.36-9\nremoved\t\nno tab here\n");
    assert_eq!(
        lines(&packages),
        "bash  5.2.15-2+b8 bash 5.2.15-2 Installed\nlibc6 amd64 2.36-9 libc6 2.36-9 Installed\n"
    );
    assert_eq!(told(&problems), "line 4: reading a line of dpkg-query: no name and version between tabs\n");
    assert!(packages.iter().all(|p| p.state == PackageState::Installed));
}
