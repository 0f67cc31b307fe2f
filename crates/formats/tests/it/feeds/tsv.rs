//! The starter set's tables.

use patchwright_formats::feed::FeedError;
use patchwright_formats::feed::tsv::rows;

#[test]
fn columns_are_found_by_name_and_rows_are_read_in_place() {
    let text =
        b"\xef\xbb\xbfcve\tnote\tfixed\r\nCVE-1\t\t1.0\r\n\nCVE-2\tn\t2.0\textra\nshort\nCVE-\xff\tn\t3\nCVE-4\tn\t4";
    let got: Vec<_> = rows(text, ["fixed", "cve"]).unwrap().collect();
    assert_eq!(got[0], Ok(["1.0", "CVE-1"]));
    assert_eq!(got[1], Ok(["2.0", "CVE-2"]));
    let short = got[2].as_ref().unwrap_err();
    assert_eq!((short.at.as_str(), short.what.as_str()), ("line 5", "row has 1 columns, 3 are needed"));
    assert_eq!(got[3].as_ref().unwrap_err().what, "row is not UTF-8");
    assert_eq!(got[4], Ok(["4", "CVE-4"]));
    assert_eq!(got.len(), 5);
}

#[test]
fn a_missing_column_is_named() {
    for text in ["", "a\tb\n"] {
        match rows(text.as_bytes(), ["cve"]) {
            Err(FeedError::MissingColumn { column }) => assert_eq!(column, "cve"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(rows(b"cve", ["cve"]).unwrap().count(), 0);
}
