//! Reading what the tests say: cargo's result lines, and the file into which tests write what they skipped.

use std::{collections::BTreeSet, io::Read, path::Path};

use crate::sh::{Attempt, Failure};

/// Something that was not tested, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skip {
    pub(crate) what: String,
    pub(crate) why: String,
}

impl Skip {
    pub(crate) fn new(what: &str, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// The file that tests append `what<TAB>why` to; its path is in PATCHWRIGHT_SKIPS.
pub(crate) struct Skips {
    file: tempfile::NamedTempFile,
}

/// More lines than this are a test gone wild.
const SKIP_BYTES_MAX: u64 = 1 << 20;

impl Skips {
    pub(crate) fn new() -> Result<Self, Failure> {
        let file = tempfile::NamedTempFile::new().attempt(|| "make a file for skipped tests".into())?;
        // Tests that start a database server run as root, the server's own helper does not: anybody may append.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o666))
                .attempt(|| "open the file for skipped tests".into())?;
        }
        Ok(Self { file })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Every skip once: several tests may need the same missing thing.
    pub(crate) fn read(&self) -> Result<Vec<Skip>, Failure> {
        let mut text = String::new();
        std::fs::File::open(self.path())
            .attempt(|| "read the skipped tests".into())?
            .take(SKIP_BYTES_MAX)
            .read_to_string(&mut text)
            .attempt(|| "read the skipped tests".into())?;
        Ok(parse_skips(&text))
    }

    #[cfg(test)]
    fn append(&mut self, line: &str) {
        use std::io::Write as _;
        self.file.write_all(line.as_bytes()).unwrap();
        self.file.flush().unwrap();
    }
}

fn parse_skips(text: &str) -> Vec<Skip> {
    let set: BTreeSet<Skip> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| match line.split_once('\t') {
            Some((what, why)) => Skip::new(what, why),
            None => Skip::new(line, "no reason given"),
        })
        .collect();
    set.into_iter().collect()
}

/// Totals over all test binaries.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    /// Names of the failed tests.
    pub(crate) failures: Vec<String>,
}

impl Counts {
    /// Takes `test result: ok. 3 passed; 0 failed; 1 ignored; …` and `test NAME ... FAILED`.
    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.passed += number_before(rest, " passed");
            self.failed += number_before(rest, " failed");
            self.ignored += number_before(rest, " ignored");
        } else if let Some(name) = line.strip_prefix("test ").and_then(|r| r.strip_suffix(" ... FAILED")) {
            self.failures.push(name.to_owned());
        }
    }
}

fn number_before(text: &str, word: &str) -> usize {
    text.split_once(word).and_then(|(before, _)| before.rsplit(' ').next()).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Which lines of `cargo test -- --show-output` are for people. With it, tests that passed show their output too, in
/// a section of its own: that is where tests without the testkit say what they skipped. The rest of it is hidden, and so
/// are the lines of tests that passed: thousands of them hide the one that did not.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    in_successes: bool,
    /// What passed tests said they skipped.
    pub(crate) skipped: Vec<Skip>,
}

impl Filter {
    /// Whether to show the line.
    pub(crate) fn shows(&mut self, line: &str) -> bool {
        let line = line.trim_end();
        match line {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            other if other.starts_with("test result: ") => self.in_successes = false,
            _ => {}
        }
        if self.in_successes {
            if let Some(said) = line.trim_start().strip_prefix("skipped: ") {
                let (what, why) = said.split_once(": ").unwrap_or((said, "no reason given"));
                self.skipped.push(Skip::new(what, why));
            }
            return false;
        }
        !(line.is_empty()
            || (line.starts_with("test ") && (line.ends_with(" ... ok") || line.ends_with(" ... ignored"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut counts = Counts::default();
        for line in [
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test result: FAILED. 11 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            counts.read_line(line);
        }
        assert_eq!((counts.passed, counts.failed, counts.ignored), (41, 1, 2));
        assert_eq!(counts.failures, ["a::c"]);
    }

    #[test]
    fn skips_are_listed_once() {
        let mut skips = Skips::new().unwrap();
        skips
            .append("rpm oracle\trpm is not installed\n\nrpm oracle\trpm is not installed\nbrowser\tno chromedriver\n");
        assert_eq!(
            skips.read().unwrap(),
            [Skip::new("browser", "no chromedriver"), Skip::new("rpm oracle", "rpm is not installed")]
        );
        assert_eq!(parse_skips("odd\n"), [Skip::new("odd", "no reason given")]);
    }

    #[test]
    fn only_the_lines_of_good_tests_are_hidden() {
        let mut filter = Filter::default();
        assert!(!filter.shows("test a ... ok"));
        assert!(filter.shows("test a ... FAILED"));
        assert!(filter.shows("thread 'a' panicked"));
    }

    #[test]
    fn what_passed_tests_skipped_is_read_from_their_output() {
        let mut filter = Filter::default();
        let shown: Vec<&str> = [
            "successes:",
            "---- a stdout ----",
            "skipped: order against rpm: rpm is not installed",
            "chatter",
            "successes:",
            "    a",
            "failures:",
            "---- b stdout ----",
            "skipped: is not a skip in a failed test",
            "test result: FAILED. 1 passed; 1 failed",
        ]
        .into_iter()
        .filter(|line| filter.shows(line))
        .collect();
        assert_eq!(shown.len(), 4, "{shown:?}");
        assert_eq!(filter.skipped, [Skip::new("order against rpm", "rpm is not installed")]);
    }
}
