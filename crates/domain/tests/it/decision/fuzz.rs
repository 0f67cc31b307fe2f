//! Fuzz targets of the readers of this area. In the test command they run a bounded number of inputs.

use patchwright_domain::decision::condition::Condition;
use patchwright_domain::decision::cvss::{EnvironmentalInput, describe, score};
use patchwright_domain::decision::policy::{DEFAULT_TEXT, Policy};
use patchwright_domain::decision::variables::SCHEMA;
use patchwright_domain::intel::ExploitMaturity;

const ITERATIONS: usize = 3_000;

#[test]
fn any_bytes_as_a_vector() {
    bolero::check!().with_iterations(ITERATIONS).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let env = EnvironmentalInput::default();
        assert_eq!(score(&text, &env, None).is_ok(), describe(&text).is_ok());
    });
}

/// A legal vector with a few bytes changed: either refused, or a score from 0.0 to 10.0 whose canonical form scores the same.
#[test]
fn a_damaged_vector() {
    let vector = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P/CR:H/MAV:A/MSI:S/S:P/AU:Y";
    bolero::check!().with_iterations(ITERATIONS).with_type::<Vec<(u8, u8)>>().for_each(|changes| {
        let mut bytes = vector.as_bytes().to_vec();
        for (place, byte) in changes.iter().take(4) {
            let place = usize::from(*place) % bytes.len();
            bytes[place] = *byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(s) = score(&text, &EnvironmentalInput::default(), Some(ExploitMaturity::Weaponised)) {
            assert!(s.effective_e1 <= 100);
            let again = score(&s.vector, &EnvironmentalInput::default(), None).unwrap();
            assert_eq!((again.base_e1, again.threat_e1, again.vector), (s.base_e1, s.threat_e1, s.vector));
        }
    });
}

#[test]
fn any_bytes_as_a_condition() {
    bolero::check!().with_iterations(ITERATIONS).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(error) = Condition::parse(&text, SCHEMA) {
            assert!(error.offset <= text.len());
        }
    });
}

/// The default policy with a run of bytes replaced: read, or refused with a place inside the document.
#[test]
fn a_damaged_policy() {
    bolero::check!().with_iterations(ITERATIONS / 10).with_type::<(u16, u8, Vec<u8>)>().for_each(
        |(place, length, bytes)| {
            let mut document = DEFAULT_TEXT.as_bytes().to_vec();
            let start = usize::from(*place) % document.len();
            let end = (start + usize::from(*length)).min(document.len());
            document.splice(start..end, bytes.iter().copied());
            let text = String::from_utf8_lossy(&document);
            if let Err(problems) = Policy::parse(&text) {
                assert!(!problems.is_empty());
                let lines = text.lines().count() + 1;
                assert!(problems.iter().all(|p| p.line >= 1 && p.line <= lines && p.column >= 1), "{problems:#?}");
            }
        },
    );
}
