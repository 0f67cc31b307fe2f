//! EPSS.

use std::fmt::Write as _;

use patchwright_domain::intel::EpssScore;
use patchwright_formats::feed::FeedError;
use patchwright_formats::feed::epss::{parse, stream};

use super::{assert_says, gzip, limits, said, small};

const CURRENT: &str = "#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\n\
                       cve,epss,percentile\n\
                       CVE-1999-0001,0.03351,0.87650\n\
                       CVE-2021-44228,0.94358,0.99961\n\
                       CVE-2020-0001,1e-05,1\n";

#[test]
fn with_the_comment_line_plain_and_packed() {
    for input in
        [CURRENT.as_bytes().to_vec(), gzip(CURRENT.as_bytes()), zstd::encode_all(CURRENT.as_bytes(), 3).unwrap()]
    {
        let parsed = parse(input.as_slice(), &limits()).unwrap();
        assert!(parsed.adds_up() && parsed.complete && parsed.problems.is_empty(), "{}", said(&parsed.problems));
        let table = &parsed.records;
        assert_eq!(table.release.model_version.as_deref(), Some("v2025.03.14"));
        assert_eq!(table.release.score_date.unwrap().to_string(), "2026-08-16");
        assert_eq!(table.rows.len(), 3);
        assert_eq!(&*table.rows[0].cve, "CVE-1999-0001");
        assert_eq!(table.rows[0].score, EpssScore { score_e5: 3351, percentile_e5: Some(87650) });
        assert_eq!(table.rows[2].score, EpssScore { score_e5: 1, percentile_e5: Some(100_000) });
    }
}

#[test]
fn the_form_of_2021_has_neither_comment_nor_percentile() {
    let parsed = parse("cve,epss\r\nCVE-2021-0001,0.65117\r\n".as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.problems.is_empty());
    assert_eq!(parsed.records.release, Default::default());
    assert_eq!(parsed.records.rows[0].score, EpssScore { score_e5: 65117, percentile_e5: None });
}

#[test]
fn a_byte_order_mark_and_other_column_order() {
    let parsed = parse("\u{feff}percentile,cve,epss\n0.5,CVE-2021-0001,0.1\n".as_bytes(), &limits()).unwrap();
    assert_eq!(parsed.records.rows[0].score, EpssScore { score_e5: 10_000, percentile_e5: Some(50_000) });
}

#[test]
fn quotes_around_fields_are_no_part_of_them() {
    let parsed =
        parse("\"cve\",\"epss\",\"percentile\"\n\"CVE-2021-0001\",\"0.1\",\"0.5\"\n".as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up() && parsed.problems.is_empty(), "{}", said(&parsed.problems));
    assert_eq!(parsed.records.rows[0].cve.as_ref(), "CVE-2021-0001");
    assert_eq!(parsed.records.rows[0].score, EpssScore { score_e5: 10_000, percentile_e5: Some(50_000) });
}

#[test]
fn bad_rows_are_named_and_cost_only_themselves() {
    let text = "#model_version:,score_date:soon\ncve,epss,percentile\n\
                CVE-2020-0001,1.5,0.5\n\
                CVE-2020-0002,abc,0.5\n\
                nonsense,0.5,0.5\n\
                CVE-2020-0003\n\
                CVE-2020-0004,0.5,x\n\
                CVE-2020-0005,-0.1,0.5\n\
                CVE-2020-0006,0.5,\n";
    let parsed = parse(text.as_bytes(), &limits()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (7, 6));
    assert_eq!(parsed.records.rows[0].score.percentile_e5, None);
    assert_eq!(parsed.records.release.model_version, None);
    assert_says(&parsed.problems, &["line 1", "score date"]);
    assert_says(&parsed.problems, &["line 3", "score is not a number from 0 to 1"]);
    assert_says(&parsed.problems, &["line 5", "no CVE id"]);
    assert_says(&parsed.problems, &["line 7", "percentile"]);
}

#[test]
fn another_document_is_refused() {
    for text in ["", "# only a comment\n", "<html>\n", "cve,score\nCVE-2020-0001,0.5\n", "{\"cve\": 1}"] {
        match parse(text.as_bytes(), &limits()) {
            Err(FeedError::NotThisFormat { .. }) => {}
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn a_truncated_gzip_keeps_the_whole_rows_before_the_cut() {
    let mut text = String::from("cve,epss,percentile\n");
    for n in 0..20_000_u32 {
        writeln!(text, "CVE-2024-{:05},0.{:05},0.{:05}", n + 10_000, n * 7 % 99_991, n * 13 % 99_991).unwrap();
    }
    let packed = gzip(text.as_bytes());
    let parsed = parse(&packed[..packed.len() / 2], &limits()).unwrap();
    assert!(!parsed.complete, "rows are missing and the result says so");
    assert!(parsed.adds_up());
    assert!(parsed.records.rows.len() > 5_000 && parsed.records.rows.len() < 15_000);
    assert_says(&parsed.problems, &["gzip", "truncated"]);
    let whole = parse(packed.as_slice(), &limits()).unwrap();
    assert_eq!(whole.records.rows.len(), 20_000);
    let kept = parsed.records.rows.len();
    assert_eq!(parsed.records.rows, whole.records.rows[..kept], "no half row was taken for a whole one");
}

#[test]
fn a_damaged_gzip_keeps_the_rows_before_the_damage() {
    let mut packed = gzip(CURRENT.as_bytes());
    packed.extend_from_slice(b"garbage after the end");
    let parsed = parse(packed.as_slice(), &limits()).unwrap();
    assert_eq!(parsed.records.rows.len(), 3);
    assert!(!parsed.complete);
    assert_says(&parsed.problems, &["gzip stream is damaged"]);
}

#[test]
fn a_flood_of_bad_rows_does_not_flood_the_problems() {
    let text = format!("cve,epss\n{}", "x,y\n".repeat(5_000));
    let parsed = parse(text.as_bytes(), &small()).unwrap();
    assert!(parsed.adds_up());
    assert_eq!((parsed.read, parsed.lost), (5_000, 5_000));
    assert_eq!(parsed.problems.len(), 1_001);
    assert_says(&parsed.problems, &["4000 more problem(s) are not shown"]);
}

#[test]
fn rows_stream_without_being_collected() {
    let mut sum = 0;
    let parsed = stream(CURRENT.as_bytes(), &limits(), &mut |_, score| sum += score.score_e5).unwrap();
    assert_eq!(sum, 3351 + 94358 + 1);
    assert_eq!(parsed.records.given, 3);
    assert!(parsed.adds_up());
}
