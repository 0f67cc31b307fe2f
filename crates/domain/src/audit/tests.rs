//! Tests of the audit chain: what it shows, what only an anchor shows, and hashes that may never change.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn entry(n: u32) -> AuditEntry {
    AuditEntry {
        at: Timestamp(1_700_000_000_000 + i64::from(n)),
        actor: format!("usr_{n}"),
        action: "host.import".to_owned(),
        object: format!("hst_{n}"),
        reason: n.is_multiple_of(2).then(|| "wöchentlich\n".to_owned()),
        detail: json!({"packages": n, "z": [true, null], "a": {"é": "\u{1}"}}),
        request_id: format!("req{n}"),
    }
}

fn chain_of(length: u32) -> Vec<StoredRecord> {
    let mut head = ChainHead::empty();
    (1..=length)
        .map(|n| {
            let record = head.link(entry(n)).unwrap();
            head = record.head();
            record
        })
        .collect()
}

#[test]
fn canonical_form_is_that_of_rfc_8785() {
    // Order of names and escapes follow the examples of RFC 8785 section 3.2.3 (names) and 3.2.2.2 (strings).
    let value: Value = serde_json::from_str(
        r#"{"\u20ac":"euro","\r":"return","1":"one","\u0080":"control","\ud83d\ude00":"smile","\u00f6":"o","\ufb33":"dalet","":1}"#,
    )
    .unwrap();
    assert_eq!(
        canonical_json(&value).unwrap(),
        "{\"\":1,\"\\r\":\"return\",\"1\":\"one\",\"\u{80}\":\"control\",\"\u{f6}\":\"o\",\"\u{20ac}\":\"euro\",\"\u{1f600}\":\"smile\",\"\u{fb33}\":\"dalet\"}"
    );
    assert_eq!(canonical_json(&json!("\u{8}\u{c}\t\u{1f}/\\\"\u{7f}")).unwrap(), "\"\\b\\f\\t\\u001f/\\\\\\\"\u{7f}\"");
    assert_eq!(canonical_json(&json!([-1, 0, INTEGER_MAX, [], {}])).unwrap(), "[-1,0,9007199254740991,[],{}]");
}

#[test]
fn numbers_that_readers_round_are_refused() {
    assert_eq!(canonical_json(&json!({"a": [1.0]})), Err(CanonicalError::Float("1.0".to_owned())));
    assert_eq!(canonical_json(&json!(INTEGER_MAX + 1)), Err(CanonicalError::Integer("9007199254740992".to_owned())));
    assert!(matches!(canonical_json(&json!(u64::MAX)), Err(CanonicalError::Integer(_))));
    assert!(matches!(canonical_json(&json!(i64::MIN)), Err(CanonicalError::Integer(_))));
}

#[test]
fn depth_and_length_are_bounded() {
    let mut deep = json!(1);
    for _ in 0..=DEPTH_MAX {
        deep = json!([deep]);
    }
    assert_eq!(canonical_json(&deep), Err(CanonicalError::Depth));
    let mut long = entry(1);
    long.detail = json!("x".repeat(RECORD_BYTES_MAX));
    assert_eq!(ChainHead::empty().link(long), Err(CanonicalError::Length));
}

#[test]
fn the_first_hashes_never_change() {
    // Whoever changes the canonical form, the genesis text or the chaining breaks every chain in the field.
    // `printf 'patchwright audit chain 1' | sha256sum`
    assert_eq!(genesis().to_string(), "f0193460953d6d94230633c88de9948d08e3e156ba0f631f0e7c23a8383bf3e6");
    let first = chain_of(1).remove(0);
    assert_eq!(
        first.text,
        "{\"action\":\"host.import\",\"actor\":\"usr_1\",\"at\":1700000000001,\"detail\":{\"a\":{\"é\":\"\\u0001\"},\"packages\":1,\"z\":[true,null]},\"object\":\"hst_1\",\"reason\":null,\"request_id\":\"req1\",\"seq\":1}"
    );
    assert_eq!(first.hash.to_string(), "bab359b7d2195b75def2ad569ef23cd0904e3ee011c9098d82c6068e5720de4b");
}

#[test]
fn a_whole_chain_verifies_and_gives_its_head() {
    assert_eq!(verify(Vec::new()), Ok(ChainHead::empty()));
    let records = chain_of(5);
    let head = records.last().unwrap().head();
    assert_eq!(verify(records.clone()), Ok(head));
    for record in &records {
        assert_eq!(verify_with_anchor(records.clone(), &Anchor::new(record.head(), Timestamp(1))), Ok(head));
    }
    assert_eq!(verify_with_anchor(records, &Anchor::new(ChainHead::empty(), Timestamp(1))), Ok(head));
}

#[test]
fn a_cut_off_end_needs_the_anchor() {
    let mut records = chain_of(5);
    let anchor = Anchor::new(records[4].head(), Timestamp(9));
    records.truncate(3);
    assert!(verify(records.clone()).is_ok(), "the chain alone cannot know");
    let broken = verify_with_anchor(records, &anchor).unwrap_err();
    assert_eq!((broken.seq, broken.what), (5, BreakKind::Truncated { last: 3 }));
    let empty = verify_with_anchor(Vec::new(), &anchor).unwrap_err();
    assert_eq!(empty.what, BreakKind::Truncated { last: 0 });
}

#[test]
fn a_rewritten_chain_needs_the_anchor() {
    let anchor = Anchor::new(chain_of(5)[2].head(), Timestamp(9));
    let mut head = ChainHead::empty();
    let forged: Vec<StoredRecord> = (1..=5)
        .map(|n| {
            let mut lie = entry(n);
            lie.actor = "usr_other".to_owned();
            let record = head.link(lie).unwrap();
            head = record.head();
            record
        })
        .collect();
    assert!(verify(forged.clone()).is_ok(), "the chain alone cannot know");
    let broken = verify_with_anchor(forged, &anchor).unwrap_err();
    assert_eq!(broken.seq, 3);
    assert!(matches!(broken.what, BreakKind::Anchor { .. }));
    let of_nothing = Anchor { seq: 0, ..anchor };
    assert!(verify_with_anchor(chain_of(2), &of_nothing).is_err());
}

#[test]
fn anchors_round_trip_and_say_what_is_wrong() {
    let anchor = Anchor::new(chain_of(2)[1].head(), Timestamp(1_700_000_000_000));
    assert_eq!(Anchor::parse(&format!("{}\n", anchor.to_json())).unwrap(), anchor);
    let as_value: Value = serde_json::from_str(&anchor.to_json()).unwrap();
    assert_eq!(canonical_json(&as_value).unwrap(), anchor.to_json(), "the document is canonical itself");
    let other = anchor.to_json().replace("anchor/1", "anchor/2");
    assert!(matches!(Anchor::parse(&other), Err(AnchorError::Format(f)) if f.ends_with("/2")));
    for bad in ["", "{}", "[]", &anchor.to_json().replace("\"seq\":2", "\"seq\":-2"), &anchor.to_json().to_uppercase()]
    {
        assert!(matches!(Anchor::parse(bad), Err(AnchorError::Json(_))), "{bad}");
    }
}

proptest! {
    /// Nobody can change one thing anywhere in an anchored chain and stay unseen.
    #[test]
    fn any_single_change_is_detected(
        length in 1_u32..12, at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(), flip in 1_u8..=255, kind in 0_u8..8,
    ) {
        let good = chain_of(length);
        let anchor = Anchor::new(good.last().unwrap().head(), Timestamp(1));
        let i = at.index(good.len());
        let j = other.index(good.len());
        let mut bad = good.clone();
        match kind {
            0 => {
                let mut text = bad[i].text.clone().into_bytes();
                let k = byte.index(text.len());
                text[k] ^= flip;
                bad[i].text = String::from_utf8_lossy(&text).into_owned();
            }
            1 => bad[i].hash.0[byte.index(32)] ^= flip,
            2 => { bad.remove(i); }
            3 => bad.swap(i, j),
            4 => { let copy = bad[j].clone(); bad.insert(i, copy); }
            5 => bad[i].seq = bad[i].seq.wrapping_add(u64::from(flip)),
            6 => bad.truncate(i),
            _ => {
                // A record that is well-formed by itself, with a hash that fits the one before it.
                let before = if i == 0 { ChainHead::empty() } else { bad[i - 1].head() };
                bad[i] = before.link(entry(1000 + u32::from(flip))).unwrap();
            }
        }
        if bad == good {
            prop_assert_eq!(kind, 3, "only swapping a record with itself changes nothing");
            prop_assert!(verify_with_anchor(bad, &anchor).is_ok());
        } else {
            prop_assert!(verify_with_anchor(bad, &anchor).is_err());
        }
    }

    /// Canonical text reads back to the same value and is a fixed point.
    #[test]
    fn canonical_text_reads_back(names in prop::collection::vec(".{0,6}", 0..6), number in -INTEGER_MAX..=INTEGER_MAX) {
        let mut members = serde_json::Map::new();
        for name in &names {
            members.insert(name.clone(), json!([name, number, {"nested": name}]));
        }
        let value = Value::Object(members);
        let text = canonical_json(&value).unwrap();
        let back: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(canonical_json(&back).unwrap(), text);
    }
}
