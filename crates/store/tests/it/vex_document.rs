//! Stories of VEX documents of others: kept under their digest, superseded, taken back.

use patchwright_domain::exposure::cpe::Cpe;
use patchwright_domain::exposure::vex::{Component, Identity, Product, Purl, Source, Standing, Statement, VexStatus};
use patchwright_domain::governance::Party;
use patchwright_domain::governance::document::{Document, Filing, Said};
use patchwright_domain::ids::DocumentId;
use patchwright_domain::time::Date;
use patchwright_store::{Generation, StoreError};

use crate::stage::{NOW, Stage, after, entry, on_every_engine};

on_every_engine!(
    a_document_is_kept_whole_and_moves_guarded,
    the_same_bytes_are_kept_once,
    only_what_counts_is_in_force
);

fn who() -> Party {
    Party { word: "usr_sara".to_owned(), name: "Ä sara".to_owned() }
}

fn document(no: &str, version: &str, digest: &str, review_by: &str, known: &[Document]) -> (Document, Vec<Document>) {
    let filing = Filing {
        name: "vendor.json".to_owned(),
        format: "OpenVEX".to_owned(),
        series: Some("https://example.com/1".to_owned()),
        version: version.to_owned(),
        issued: None,
        author: "Example \"Security\"".to_owned(),
        digest: digest.to_owned(),
        bytes: 4,
        said: Said { statements: 1, reassuring: 1, lost: 0 },
        reason: "vendor\nline".to_owned(),
        by: who(),
        at: NOW,
        review_by: Date::parse(review_by).unwrap(),
    };
    let taken = Document::take_in(DocumentId::from_unique(no), filing, known).unwrap();
    (taken.document, taken.superseded)
}

/// Every way to name a product.
fn spellings() -> Vec<Identity> {
    let purl = Purl {
        kind: "deb".to_owned(),
        namespace: Some("debian".to_owned()),
        name: "openssl".to_owned(),
        version: Some("1".to_owned()),
        qualifiers: vec![("arch".to_owned(), "source".to_owned())],
        subpath: Some("a/b".to_owned()),
    };
    vec![
        Identity::Purl(purl),
        Identity::Cpe { name: Cpe::parse("cpe:/o:debian:debian_linux:12").unwrap() },
        Identity::Hash { algorithm: "sha256".to_owned(), value: "aa".to_owned() },
        Identity::Name { name: "web-01".to_owned() },
    ]
}

fn statements() -> Vec<Statement> {
    vec![Statement {
        vulnerability: "CVE-2026-1".to_owned(),
        aliases: Vec::new(),
        products: vec![Product { ids: spellings(), subcomponents: vec![Component { ids: spellings() }] }],
        status: VexStatus::NotAffected,
        justification: None,
        own_word: None,
        impact: Some("a \u{0} in it".to_owned()),
        action: None,
        author: "a".to_owned(),
        issued: NOW,
        expires: None,
        standing: Standing::Draft,
        source: Source::Document { id: "d".to_owned(), place: "OpenVEX, statement 1".to_owned() },
    }]
}

async fn a_document_is_kept_whole_and_moves_guarded(stage: Stage) {
    let (first, _) = document("01", "1", "aa", "2027-05-01", &[]);
    let bytes = b"{\"a\": \"\x00\xff\"}\r\n".to_vec();
    let mut txn = stage.db.write().await.unwrap();
    txn.vex_document_insert(&first, &bytes, &statements()).await.unwrap();
    txn.audit_append(entry("vex.document.import", "vdc_01"));
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let found = read.vex_document_fetch(first.id()).await.unwrap().unwrap();
    assert_eq!((&found.document, found.generation), (&first, Generation::FIRST));
    assert_eq!(read.vex_document_content(first.id()).await.unwrap().unwrap(), bytes);
    assert_eq!(read.vex_document_statements(first.id()).await.unwrap().unwrap(), statements());
    let nobody = DocumentId::from_unique("99");
    assert_eq!(read.vex_document_fetch(&nobody).await.unwrap(), None);
    assert_eq!(read.vex_document_content(&nobody).await.unwrap(), None);
    assert_eq!(read.vex_document_statements(&nobody).await.unwrap(), None);
    drop(read);

    let gone = first.clone().withdraw(who(), "wrong", NOW).unwrap();
    let mut txn = stage.db.write().await.unwrap();
    assert_eq!(txn.vex_document_save(&gone, Generation::FIRST).await.unwrap(), Generation(2));
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    txn.audit_append(entry("vex.document.withdraw", "vdc_01"));
    let late = txn.vex_document_save(&gone, Generation::FIRST).await.unwrap_err();
    assert!(matches!(late, StoreError::Conflict { .. }), "{late}");
    drop(txn);
    assert_eq!(stage.db.read().await.unwrap().audit_head().await.unwrap().seq, 1);
}

async fn the_same_bytes_are_kept_once(stage: Stage) {
    let (first, _) = document("01", "1", "aa", "2027-05-01", &[]);
    let gone = first.clone().withdraw(who(), "wrong", NOW).unwrap();
    let (again, _) = document("02", "1", "aa", "2027-05-01", std::slice::from_ref(&gone));
    let mut txn = stage.db.write().await.unwrap();
    txn.vex_document_insert(&first, b"same", &statements()).await.unwrap();
    txn.vex_document_save(&gone, Generation::FIRST).await.unwrap();
    txn.vex_document_insert(&again, b"same", &statements()).await.unwrap();
    txn.commit().await.unwrap();
    let mut txn = stage.db.write().await.unwrap();
    let twice = txn.vex_document_insert(&again, b"same", &statements()).await.unwrap_err();
    assert!(matches!(twice, StoreError::Duplicate { .. }), "{twice}");
    drop(txn);
    let mut read = stage.db.read().await.unwrap();
    let list: Vec<String> =
        read.vex_document_list().await.unwrap().iter().map(|s| s.document.id().to_string()).collect();
    assert_eq!(list, ["vdc_02", "vdc_01"], "the latest first");
    assert_eq!(read.vex_document_content(again.id()).await.unwrap().unwrap(), b"same");
}

async fn only_what_counts_is_in_force(stage: Stage) {
    let (first, _) = document("01", "1", "aa", "2026-12-24", &[]);
    let (second, earlier) = document("02", "2", "bb", "2026-12-24", std::slice::from_ref(&first));
    let mut txn = stage.db.write().await.unwrap();
    txn.vex_document_insert(&first, b"1", &statements()).await.unwrap();
    txn.vex_document_insert(&second, b"2", &statements()).await.unwrap();
    txn.vex_document_save(&earlier[0], Generation::FIRST).await.unwrap();
    txn.commit().await.unwrap();
    let mut read = stage.db.read().await.unwrap();
    let ids = |list: Vec<patchwright_store::StoredDocument>| -> Vec<String> {
        list.iter().map(|s| s.document.id().to_string()).collect()
    };
    assert_eq!(ids(read.vex_document_in_force(NOW).await.unwrap()), ["vdc_02"]);
    let later = after(60 * 24 * 90);
    assert!(ids(read.vex_document_in_force(later).await.unwrap()).is_empty(), "the review date is over");
}
