//! Arguments, the little that scripts need: words, `--flag` and `--key VALUE` or `--key=VALUE`.

use std::collections::VecDeque;

use crate::sh::Failure;

/// What is left of the command line.
#[derive(Debug)]
pub(crate) struct Args {
    words: VecDeque<String>,
}

impl Args {
    /// The words after the program's name.
    pub(crate) fn from_environment() -> Self {
        Self::new(std::env::args().skip(1))
    }

    fn new(words: impl IntoIterator<Item = String>) -> Self {
        let mut args = Self { words: words.into_iter().collect() };
        // `cargo xtask --help` and `-h` mean the overview, like no command at all.
        if args.words.front().is_some_and(|w| w == "--help" || w == "-h") {
            args.words.clear();
        }
        args
    }

    /// The next word that is not an option.
    pub(crate) fn positional(&mut self) -> Option<String> {
        if self.words.front()?.starts_with('-') {
            return None;
        }
        self.words.pop_front()
    }

    /// Takes `--name` out; true when it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.words.iter().position(|w| w == name) {
            Some(at) => self.words.remove(at).is_some(),
            None => false,
        }
    }

    /// Asks for help with this command.
    pub(crate) fn wants_help(&mut self) -> bool {
        self.flag("--help") || self.flag("-h")
    }

    /// Takes `--name VALUE` or `--name=VALUE` out.
    pub(crate) fn option(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let prefix = format!("{name}=");
        let Some(at) = self.words.iter().position(|w| w == name || w.starts_with(&prefix)) else {
            return Ok(None);
        };
        let word = self.words.remove(at).unwrap_or_default();
        if let Some(value) = word.strip_prefix(&prefix) {
            return Ok(Some(value.to_owned()));
        }
        match self.words.remove(at) {
            Some(value) if !value.starts_with("--") => Ok(Some(value)),
            Some(_) | None => Err(Failure::new(format!("`{name}` needs a value"))),
        }
    }

    /// Refuses words that nobody took: a misspelt option must not be ignored.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.words.front() {
            None => Ok(()),
            Some(word) => Err(Failure::new(format!(
                "unknown argument `{word}`\n\nhint: `--help` after the command lists what it takes"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_in_both_spellings() {
        let mut a = args("starter --from here --check");
        assert_eq!(a.positional().as_deref(), Some("starter"));
        assert_eq!(a.option("--from").unwrap().as_deref(), Some("here"));
        assert!(a.flag("--check"));
        a.finish().unwrap();
        assert_eq!(args("--from=x").option("--from").unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn a_missing_value_and_a_leftover_are_errors() {
        assert!(args("--from").option("--from").is_err());
        assert!(args("--from --check").option("--from").is_err());
        assert!(args("--chekc").finish().is_err());
    }

    #[test]
    fn help_alone_is_the_overview() {
        assert_eq!(args("--help").positional(), None);
        assert!(args("test --help").words.contains(&"--help".to_owned()));
    }
}
