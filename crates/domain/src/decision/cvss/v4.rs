//! CVSS 4.0 through the `cvss` crate: the MacroVector lookup has 270 entries that we do not keep twice.

use super::CvssError;
use super::vector::Vector;

/// The score of everything the vector defines, in tenths.
pub(super) fn score(v: &Vector) -> Result<u8, CvssError> {
    let parsed: cvss::v4::Vector =
        v.to_string().parse().map_err(|err: cvss::Error| CvssError::Calculator { detail: err.to_string() })?;
    let tenths = (parsed.score().value() * 10.0).round();
    // The crate answers with a value rounded to one decimal; the nearest of the 101 possible tenths is that value.
    (0..=100_u8)
        .find(|e1| f64::from(*e1) == tenths)
        .ok_or_else(|| CvssError::Calculator { detail: format!("score {} is outside 0 to 10", parsed.score().value()) })
}
