//! Python versions: `[epoch!]release[pre][.postN][.devN][+local]`.
//!
//! Source: PEP 440 (now the "Version specifiers" specification), its normalisation rules, and its
//! appendix with the grammar; the order is that of the `packaging` library, which the tests ask for.
//!
//! # What is read
//! Everything the appendix allows, in any letter case: blanks around the text, a leading `v`, `-`, `_` or
//! `.` or nothing before a pre-, post- or development release and before its number, a missing number (0),
//! the spellings `alpha`, `beta`, `c`, `pre`, `preview` for `a`, `b`, `rc`, and `rev`, `r` and `1.0-1` for
//! `post`. `Display` writes the normalised form. Numbers have no upper limit.
//!
//! # Order
//! Epoch; release, without trailing zeros; then for one release `1.0.dev1` < `1.0a1.dev1` < `1.0a1` <
//! `1.0a1.post1` < `1.0b1` < `1.0rc1` < `1.0` < `1.0+local` < `1.0.post1.dev1` < `1.0.post1`. Local labels
//! compare segment by segment: words (in ASCII order, letter case ignored) before numbers, and a label that
//! is the beginning of another before it.

use std::cmp::Ordering;
use std::fmt;

use crate::number::Number;
use crate::{Read, Scheme, VersionError, equality_by_order};

/// A Python version.
///
/// `Ord` is PEP 440's order, and equality agrees with it: `1.0` equals `1` and `v1.0.0`.
#[derive(Debug, Clone)]
pub struct Version<'a> {
    epoch: Number<'a>,
    /// At least one number.
    release: Vec<Number<'a>>,
    pre: Option<(Phase, Number<'a>)>,
    post: Option<Number<'a>>,
    dev: Option<Number<'a>>,
    /// As written; empty when there is none.
    local: &'a str,
}

/// The kind of a pre-release; the variants stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Alpha,
    Beta,
    Candidate,
}

/// Spellings of pre-releases. A word stands before every word that it begins with.
const PRE: [(&str, Phase); 8] = [
    ("alpha", Phase::Alpha),
    ("a", Phase::Alpha),
    ("beta", Phase::Beta),
    ("b", Phase::Beta),
    ("preview", Phase::Candidate),
    ("pre", Phase::Candidate),
    ("c", Phase::Candidate),
    ("rc", Phase::Candidate),
];
const POST: [(&str, ()); 3] = [("post", ()), ("rev", ()), ("r", ())];
const DEV: [(&str, ()); 1] = [("dev", ())];

impl<'a> Version<'a> {
    /// Reads a version.
    ///
    /// # Errors
    /// When the text does not match the grammar of PEP 440, appendix B.
    pub fn parse(text: &'a str) -> Result<Self, VersionError> {
        Self::parse_or_explain(text)
    }

    /// Whether this is a pre-release or a development release, which installers skip unless asked.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// The local label as written, without the plus sign; empty when there is none.
    #[must_use]
    pub fn local(&self) -> &'a str {
        self.local
    }

    fn significant_release(&self) -> impl Iterator<Item = &Number<'a>> {
        let zeros = self.release.iter().rev().take_while(|n| **n == Number::ZERO).count();
        self.release.iter().take(self.release.len() - zeros)
    }

    /// Where this stands among the versions of one release: the parts in order of weight.
    fn rank(&self) -> (PreRank<'a>, Option<Number<'a>>, DevRank<'a>) {
        let pre = match (self.pre, self.post, self.dev) {
            (Some((phase, number)), _, _) => PreRank::Pre(phase, number),
            (None, None, Some(_)) => PreRank::OnlyDev,
            (None, _, _) => PreRank::Final,
        };
        (pre, self.post, self.dev.map_or(DevRank::Final, DevRank::Dev))
    }
}

/// The variants stand in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PreRank<'a> {
    OnlyDev,
    Pre(Phase, Number<'a>),
    Final,
}

/// The variants stand in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum DevRank<'a> {
    Dev(Number<'a>),
    Final,
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch != Number::ZERO {
            write!(f, "{}!", self.epoch)?;
        }
        for (at, number) in self.release.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        if let Some((phase, number)) = self.pre {
            let word = match phase {
                Phase::Alpha => "a",
                Phase::Beta => "b",
                Phase::Candidate => "rc",
            };
            write!(f, "{word}{number}")?;
        }
        if let Some(number) = self.post {
            write!(f, ".post{number}")?;
        }
        if let Some(number) = self.dev {
            write!(f, ".dev{number}")?;
        }
        for (at, segment) in local_segments(self.local).enumerate() {
            f.write_str(if at == 0 { "+" } else { "." })?;
            match segment {
                Segment::Number(number) => write!(f, "{number}")?,
                Segment::Word(word) => f.write_str(&word.0.to_ascii_lowercase())?,
            }
        }
        Ok(())
    }
}

impl<'a> Read<'a> for Version<'a> {
    const SCHEME: Scheme = Scheme::Pep440;

    fn read(text: &'a str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, check_local(local)?),
            None => (text, ""),
        };
        let (mut number, mut rest) = Number::take_some(public.as_bytes()).ok_or("it does not begin with a number")?;
        let mut epoch = Number::ZERO;
        if let [b'!', tail @ ..] = rest {
            epoch = number;
            (number, rest) = Number::take_some(tail).ok_or("no number follows the epoch's `!`")?;
        }
        let mut release = vec![number];
        while let [b'.', tail @ ..] = rest
            && let Some((number, tail)) = Number::take_some(tail)
        {
            release.push(number);
            rest = tail;
        }
        let pre = take_labelled(&mut rest, &PRE);
        let post = take_implicit_post(&mut rest).or_else(|| take_labelled(&mut rest, &POST).map(|((), number)| number));
        let dev = take_labelled(&mut rest, &DEV).map(|((), number)| number);
        if !rest.is_empty() {
            return Err("what follows the release is not a pre-, post- or development release");
        }
        Ok(Self { epoch, release, pre, post, dev, local })
    }
}

fn skip_separator(text: &[u8]) -> &[u8] {
    match text {
        [b'-' | b'_' | b'.', tail @ ..] => tail,
        _ => text,
    }
}

/// Takes `[sep] word [sep] [digits]`. A separator behind the word belongs to it even without digits: what
/// may follow can all do without one of its own, so nothing has to be tried twice.
fn take_labelled<'a, T: Copy>(rest: &mut &'a [u8], words: &[(&str, T)]) -> Option<(T, Number<'a>)> {
    let text = skip_separator(rest);
    let (meaning, tail) = words.iter().find_map(|(word, meaning)| {
        let (start, tail) = text.split_at_checked(word.len())?;
        start.eq_ignore_ascii_case(word.as_bytes()).then_some((*meaning, tail))
    })?;
    let (number, tail) = Number::take(skip_separator(tail));
    *rest = tail;
    Some((meaning, number))
}

/// Takes the post-release form `-N`.
fn take_implicit_post<'a>(rest: &mut &'a [u8]) -> Option<Number<'a>> {
    let [b'-', digits @ ..] = *rest else {
        return None;
    };
    let (number, tail) = Number::take_some(digits)?;
    *rest = tail;
    Some(number)
}

fn check_local(local: &str) -> Result<&str, &'static str> {
    let fine = |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if local.split(['-', '_', '.']).all(fine) {
        Ok(local)
    } else {
        Err("the local label behind `+` is not letters and digits in parts")
    }
}

/// The variants stand in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(Caseless<'a>),
    Number(Number<'a>),
}

/// ASCII text whose letter case does not count.
struct Caseless<'a>(&'a str);

impl Ord for Caseless<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.0.bytes().map(lower).cmp(other.0.bytes().map(lower))
    }
}

equality_by_order!(Caseless);

/// The segments of a local label; none for the empty text.
fn local_segments(local: &str) -> impl Iterator<Item = Segment<'_>> {
    local.split(['-', '_', '.']).filter(|segment| !segment.is_empty()).map(|segment| {
        match Number::take_some(segment.as_bytes()) {
            Some((number, [])) => Segment::Number(number),
            Some(_) | None => Segment::Word(Caseless(segment)),
        }
    })
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| self.significant_release().cmp(other.significant_release()))
            .then_with(|| self.rank().cmp(&other.rank()))
            .then_with(|| local_segments(self.local).cmp(local_segments(other.local)))
    }
}

equality_by_order!(Version);
