//! The answer that all tools are held against: every row whose source is installed, compared by the machine's own
//! `dpkg --compare-versions`, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::sh::{Attempt, Failure, capture, command};

use super::hosts::{Host, Row};

/// (binary package, CVE).
pub(crate) type Pairs = BTreeSet<(String, String)>;

/// Reads `installed fixed` a line, prints 1 where dpkg says that installed is older.
const LOOP: &str =
    "while read -r a b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then echo 1; else echo 0; fi; done <\"$1\"";

/// The pairs of one host.
pub(crate) fn pairs(work: &Path, host: &Host, rows: &[Row]) -> Result<Pairs, Failure> {
    let mut by_source: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_source.entry(&row.source).or_default().push(row);
    }
    let mut questions: BTreeSet<(&str, &str)> = BTreeSet::new();
    for p in &host.packages {
        for row in by_source.get(p.source.as_str()).into_iter().flatten() {
            questions.insert((&p.source_version, &row.fixed));
        }
    }
    let older = ask_dpkg(work, &questions)?;
    let mut pairs = Pairs::new();
    for p in &host.packages {
        for row in by_source.get(p.source.as_str()).into_iter().flatten() {
            if older.contains(&(p.source_version.as_str(), row.fixed.as_str())) {
                pairs.insert((p.name.clone(), row.cve.clone()));
            }
        }
    }
    Ok(pairs)
}

/// The questions that dpkg answers with "older".
fn ask_dpkg<'a>(
    work: &Path,
    questions: &BTreeSet<(&'a str, &'a str)>,
) -> Result<BTreeSet<(&'a str, &'a str)>, Failure> {
    let path = work.join("questions");
    let text: String = questions.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    std::fs::write(&path, text).attempt(|| format!("write {}", path.display()))?;
    let answers = capture(command("bash").args(["-c", LOOP, "bash"]).arg(&path))?;
    let answers: Vec<&str> = answers.lines().collect();
    if answers.len() != questions.len() {
        return Err(Failure::new(format!("dpkg answered {} of {} questions", answers.len(), questions.len())));
    }
    Ok(questions.iter().zip(answers).filter(|(_, answer)| *answer == "1").map(|(question, _)| *question).collect())
}

/// What one set has and the other has not, as lines for people; at most `max` of them and a count.
pub(crate) fn differences(host: &str, who: &str, theirs: &Pairs, reference: &Pairs, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, a, b) in [("only in", theirs, reference), ("missing in", reference, theirs)] {
        let odd: Vec<&(String, String)> = a.difference(b).collect();
        for (package, cve) in odd.iter().take(max) {
            lines.push(format!("{host}: {kind} {who}: {package} {cve}"));
        }
        if let Some(more) = odd.len().checked_sub(max).filter(|n| *n > 0) {
            lines.push(format!("{host}: {kind} {who}: and {more} more"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(source: &str, cve: &str, fixed: &str) -> Row {
        Row { source: source.into(), cve: cve.into(), fixed: fixed.into() }
    }

    #[test]
    fn dpkg_decides() {
        if crate::sh::find_program("dpkg").is_none() {
            println!("skipped: bench reference: dpkg is not installed");
            return;
        }
        let host = Host::of(
            "h",
            "Package: a\nStatus: install ok installed\nVersion: 1:2.0~rc1-1\n\n\
             Package: b\nStatus: install ok installed\nSource: c\nVersion: 5-1\n"
                .into(),
        );
        let rows = [
            row("a", "CVE-1", "1:2.0-1"),
            row("a", "CVE-2", "9.0-1"),
            row("c", "CVE-3", "5-1"),
            row("c", "CVE-4", "5-1+deb12u1"),
            row("b", "CVE-5", "9"),
        ];
        let dir = tempfile::tempdir().unwrap();
        let found = pairs(dir.path(), &host, &rows).unwrap();
        let want: Pairs = [("a", "CVE-1"), ("b", "CVE-4")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(found, want);
        let lines = differences("h", "x", &Pairs::new(), &found, 1);
        assert_eq!(lines, ["h: missing in x: a CVE-1", "h: missing in x: and 1 more"]);
    }
}
