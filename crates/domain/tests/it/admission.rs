//! What may enter a release without proof, and on whose word.

use patchwright_domain::decision::policy::Policy;
use patchwright_domain::intel::authenticity::{Approval, Outcome, Reason, Verdict, admit};
use patchwright_domain::time::{Date, Timestamp};

const POLICY: &str = r#"
schema = 1
name = "site"
version = "1"
valid_from = 2026-01-01

[[authenticity.exception]]
name = "old vendor"
subjects = ["https://vendor.example.invalid/debs"]
excuses = ["not_signed", "expired"]
approvers = ["alice", "bob", "carol"]
needed = 2
valid_to = 2026-12-31
because = "the vendor signs nothing; contract ends in December"
"#;

fn not_signed() -> Reason {
    Reason::NotSigned { file: "Release".into() }
}

fn matches() -> Reason {
    let text = |t: &str| t.to_owned();
    Reason::DigestMatches { file: text("x"), algorithm: text("SHA-256"), digest: text("00"), listed_in: text("y") }
}

fn approval(by: &str, verdict: &Verdict) -> Approval {
    Approval {
        exception: "old vendor".into(),
        approver: by.into(),
        subject: verdict.subject.clone(),
        seen: verdict.refusals().map(ToString::to_string).collect(),
        at: Timestamp(0),
    }
}

#[test]
fn a_verdict_needs_a_proof_and_no_refusal() {
    let of = |reasons| Verdict::of("x", reasons).outcome;
    assert_eq!(of(vec![]), Outcome::Refused);
    assert_eq!(of(vec![Reason::CheckSwitchedOff { option: "trusted=yes".into() }]), Outcome::Refused);
    assert_eq!(of(vec![matches()]), Outcome::Verified);
    assert_eq!(of(vec![matches(), not_signed()]), Outcome::Refused);
}

#[test]
fn the_word_of_a_reason_is_its_word_in_json() {
    for reason in
        [not_signed(), matches(), Reason::LogInvalid { why: "x".into() }, Reason::KeyRevoked { key: "x".into() }]
    {
        let json = serde_json::to_value(&reason).unwrap();
        assert_eq!(json["kind"], reason.kind().0);
        assert_eq!(serde_json::from_value::<Reason>(json).unwrap(), reason);
    }
}

#[test]
fn only_a_named_exception_and_its_approvers_let_in_what_is_not_verified() {
    let policy = Policy::parse(POLICY).unwrap().authenticity;
    let today = Date::parse("2026-11-26").unwrap();
    let subject = "https://vendor.example.invalid/debs stable";
    let refused = Verdict::of(subject, vec![not_signed()]);
    let (alice, bob) = (approval("alice", &refused), approval("bob", &refused));
    let both = [alice.clone(), bob.clone()];
    let allowed =
        |verdict: &Verdict, approvals: &[Approval], today| admit(verdict, &policy, approvals, today).is_allowed();

    assert!(allowed(&Verdict::of("anything", vec![matches()]), &[], today));
    assert!(allowed(&refused, &both, today));
    assert!(!allowed(&refused, &[], today), "nobody approved");
    assert!(!allowed(&refused, &[alice.clone(), alice.clone()], today), "one approver twice is one");
    assert!(!allowed(&refused, &[alice.clone(), approval("mallory", &refused)], today), "not an approver");
    assert!(!allowed(&refused, &both, Date::parse("2027-01-01").unwrap()), "lapsed");
    // An approval is for what was refused when it was given, and for that subject.
    let worse =
        Verdict::of(subject, vec![not_signed(), Reason::Expired { file: "x".into(), since: Timestamp(0), days: 1 }]);
    assert!(!allowed(&worse, &both, today), "the second reason came later");
    let elsewhere = Verdict::of("https://vendor.example.invalid/debs.evil stable", vec![not_signed()]);
    let for_it = [approval("alice", &elsewhere), approval("bob", &elsewhere)];
    assert!(!allowed(&elsewhere, &for_it, today), "a beginning of a name is no address");
    // What was tampered with is let in by nobody.
    let file = || "x".to_owned();
    let differs = Reason::DigestDiffers { file: file(), algorithm: file(), expected: file(), found: file() };
    let tampered = Verdict::of(subject, vec![not_signed(), differs]);
    let approvals = [approval("alice", &tampered), approval("bob", &tampered)];
    let admission = admit(&tampered, &policy, &approvals, today);
    assert!(!admission.is_allowed());
    assert!(
        admission.because().iter().any(|b| b.contains("`digest_differs` cannot be excused by anyone")),
        "{admission:?}"
    );
    // No reasons at all.
    let empty = Verdict::of(subject, vec![]);
    assert!(!allowed(&empty, &[approval("alice", &empty), approval("bob", &empty)], today));
}

#[test]
fn an_exception_that_excuses_tampering_or_asks_too_many_is_refused_when_read() {
    let tampering = POLICY.replace("\"expired\"", "\"digest_differs\"");
    assert!(Policy::parse(&tampering).unwrap_err()[0].message.contains("`digest_differs`"));
    let many = POLICY.replace("needed = 2", "needed = 4");
    assert!(Policy::parse(&many).unwrap_err()[0].message.contains("`needed`"));
    let nobody = POLICY.replace("[\"alice\", \"bob\", \"carol\"]", "[]");
    assert!(!Policy::parse(&nobody).unwrap_err().is_empty());
    assert!(Policy::shipped().unwrap().authenticity.exceptions.is_empty());
}
