//! The facts of a host as `patchwright collect` prints them: everything that an agent sees, carried to where the data is.

use patchwright_domain::intel::Problem;
use patchwright_domain::inventory::{HostFacts, Os};

use super::detect::DocumentKind;
use super::document::{HostDocError, nothing_installed};
use super::text::PACKAGES_MAX;

/// The version of the document that is read.
const SCHEMA: u32 = 1;

/// Reads the facts of a host. `os` is what the caller names; it wins over what the document says, with a problem where they differ.
///
/// # Errors
/// [`HostDocError::Unreadable`] when it is not such a document, or one of another version; [`HostDocError::Empty`] without packages.
pub fn parse(bytes: &[u8], os: Option<Os>) -> Result<(HostFacts, Vec<Problem>), HostDocError> {
    let kind = DocumentKind::Facts;
    let unreadable =
        |at: String, what: String| HostDocError::Unreadable { kind, first: Box::new(Problem::new(at, what, "")) };
    let mut facts: HostFacts = serde_json::from_slice(bytes)
        .map_err(|e| unreadable(format!("line {}, column {}", e.line(), e.column()), e.to_string()))?;
    if facts.schema != SCHEMA {
        let what = format!("version {} of this document is not read, version {SCHEMA} is", facts.schema);
        return Err(unreadable("schema".to_owned(), what));
    }
    if facts.packages.len() > PACKAGES_MAX {
        let what = format!("{} packages are more than the {PACKAGES_MAX} that are read", facts.packages.len());
        return Err(unreadable("packages".to_owned(), what));
    }
    if nothing_installed(&facts.packages) && facts.components.is_empty() {
        return Err(HostDocError::Empty { kind });
    }
    let mut problems = Vec::new();
    if let Some(named) = os {
        if named.ecosystem() != facts.os.ecosystem() {
            let told = &facts.os.pretty;
            let what = format!("the document says `{told}`, but `{}` was named; the named one counts", named.pretty);
            problems.push(Problem::new("operating system", what, ""));
            facts.os = named;
        }
    } else if facts.os.id.is_empty() && !facts.packages.is_empty() {
        return Err(HostDocError::NeedsOs { kind });
    }
    Ok((facts, problems))
}
