//! Reading a query. Every error names the place and, where there is one, the nearest right word.

use std::fmt;

use super::{Expr, Flag, Op, Pattern, Query, Set, Term, TextField};

/// Longest query, in bytes.
const TEXT_MAX: usize = 4_096;
/// Most terms.
const TERMS_MAX: usize = 200;
/// Deepest nesting of parentheses and `not`.
const DEPTH_MAX: usize = 50;

/// Every field with what it is compared with: for help texts and for hints.
pub const FIELDS: &[(&str, &str)] = &[
    ("cve", "vulnerability id, also `vuln`"),
    ("package", "source or binary package, or package of a language"),
    ("source", "source package alone, as patches are named"),
    ("ecosystem", "where the package is from: `PyPI`, `Debian:12`, or a family (`debian`)"),
    ("host", "host name"),
    ("os", "operating system of the host (`Debian:12`) or its family (`debian`)"),
    ("env", "environment"),
    ("zone", "zone or site"),
    ("owner", "accountable owner"),
    ("tier", "T1 (highest) to T4"),
    ("service", "service that the host carries"),
    ("tag", "regulatory tag"),
    ("exposure", "internet, internal, isolated, unknown"),
    ("data", "restricted, confidential, public, unknown"),
    ("urgency", "emergency, critical, high, medium, low"),
    ("severity", "critical, high, medium, low, none, unknown"),
    ("state", "fix, restart, reboot, none, subscription"),
    (
        "is",
        "kev (in CISA's catalogue), exploited (that, or somebody else reports attacks), overdue, excepted, set-aside",
    ),
    ("epss", "probability from 0 to 1"),
    ("cvss", "base score from 0 to 10"),
];

/// Other names of fields.
const ALIASES: &[(&str, &str)] =
    &[("vuln", "cve"), ("vulnerability", "cve"), ("pkg", "package"), ("environment", "env")];

const TIERS: &[&str] = &["t4", "t3", "t2", "t1"];
const EXPOSURES: &[&str] = &["internet", "internal", "isolated", "unknown"];
const DATA: &[&str] = &["restricted", "confidential", "public", "unknown"];
/// Least urgent first, so that `urgency>=high` reads as it is meant.
const URGENCIES: &[&str] = &["low", "medium", "high", "critical", "emergency"];
/// `unknown` last: no comparison includes it.
const SEVERITIES: &[&str] = &["none", "low", "medium", "high", "critical", "unknown"];
const STATES: &[&str] = &["fix", "restart", "reboot", "none", "subscription"];
const FLAGS: &[&str] = &["kev", "exploited", "overdue", "excepted", "set-aside"];

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Where, in characters from 0.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
    /// What to write.
    pub hint: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.what)
    }
}

impl std::error::Error for QueryError {}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(Raw),
}

/// A term as it was written.
#[derive(Clone, Debug, PartialEq)]
struct Raw {
    /// Field and operator with the place of the values; nothing for a bare word.
    field: Option<(String, String, usize)>,
    values: Vec<String>,
}

/// Reads a query. The empty text asks for every finding.
///
/// # Errors
/// [`QueryError`] with place and hint.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > TEXT_MAX {
        return Err(error(0, format!("the query is longer than {TEXT_MAX} bytes"), "ask in several queries"));
    }
    let tokens = tokens(&text.chars().collect::<Vec<char>>())?;
    let mut parser = Parser { tokens: &tokens, next: 0, terms: Vec::new(), end: text.chars().count() };
    if tokens.is_empty() {
        return Ok(Query { root: Expr::All, terms: Vec::new() });
    }
    let root = parser.or(0)?;
    match parser.peek() {
        None => Ok(Query { root, terms: parser.terms }),
        Some((at, _)) => Err(error(*at, "this parenthesis closes nothing".to_owned(), "remove it, or open one before")),
    }
}

/// A term that asks for exactly this value, in quotes where it needs them. A quotation mark inside of the value, which the
/// language cannot write, becomes `*`.
#[must_use]
pub fn term(field: &str, value: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '+' | '~' | '@' | '/');
    if !value.is_empty() && !value.starts_with('~') && value.chars().all(bare) {
        return format!("{field}:{value}");
    }
    format!("{field}:\"{}\"", value.replace('"', "*"))
}

/// A query narrowed by a term: joined by `and`, in parentheses where an `or` would come apart. What is no query stays as it
/// is in parentheses, so that it is refused and never read as something else.
#[must_use]
pub fn narrowed(text: &str, term: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return term.to_owned();
    }
    match parse(text) {
        Ok(Query { root: Expr::Or(_), .. }) | Err(_) => format!("({text}) and {term}"),
        Ok(_) if text == term || text.ends_with(&format!(" and {term}")) => text.to_owned(),
        Ok(_) => format!("{text} and {term}"),
    }
}

fn error(at: usize, what: String, hint: &str) -> QueryError {
    QueryError { at, what, hint: hint.to_owned() }
}

fn tokens(text: &[char]) -> Result<Vec<(usize, Token)>, QueryError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at).copied() {
        match c {
            c if c.is_whitespace() => at += 1,
            '(' => {
                out.push((at, Token::Open));
                at += 1;
            }
            ')' => {
                out.push((at, Token::Close));
                at += 1;
            }
            _ => {
                let (token, next) = word(text, at)?;
                out.push((at, token));
                at = next;
            }
        }
    }
    Ok(out)
}

fn ends(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')')
}

/// A term from `start`, and where it ends.
fn word(text: &[char], start: usize) -> Result<(Token, usize), QueryError> {
    let mut at = start;
    while text.get(at).is_some_and(|c| c.is_ascii_alphabetic()) {
        at += 1;
    }
    let head: String = text.get(start..at).unwrap_or(&[]).iter().collect();
    let mut field = None;
    if at > start && text.get(at).is_some_and(|c| matches!(c, ':' | '=' | '>' | '<')) {
        let mut op = String::new();
        while op.len() < 2 && text.get(at).is_some_and(|c| matches!(c, ':' | '=' | '>' | '<')) {
            // `os:=` is not an operator; the second sign can only be the `=` of `>=` and `<=`.
            if op.len() == 1 && (!matches!(op.as_str(), ">" | "<") || text.get(at) != Some(&'=')) {
                break;
            }
            op.extend(text.get(at));
            at += 1;
        }
        field = Some((head, op, at));
    } else {
        at = start;
    }
    let mut values = Vec::new();
    loop {
        let (value, next) = value(text, at, field.is_some()).map_err(|wrong| match &field {
            // Whatever is wrong behind it: the field is what has to be mended first.
            Some((head, _, _)) if !is_field(head) => unknown_field(start, head),
            Some(_) | None => wrong,
        })?;
        values.push(value);
        at = next;
        if field.is_none() || text.get(at) != Some(&',') {
            break;
        }
        at += 1;
    }
    let token = match (&field, values.first().map(|v| v.to_lowercase()).as_deref()) {
        // In quotes they are words.
        (None, _) if text.get(start) == Some(&'"') => Token::Word(Raw { field, values }),
        (None, Some("and")) => Token::And,
        (None, Some("or")) => Token::Or,
        (None, Some("not")) => Token::Not,
        _ => Token::Word(Raw { field, values }),
    };
    Ok((token, at))
}

/// What other languages write and this one does not, in a word without quotes: taken as a name that nothing has, it would find nothing
/// and say so as if that were the answer.
fn foreign(text: &[char], start: usize, end: usize, of_field: bool) -> Result<(), QueryError> {
    let word: String = text.get(start..end).unwrap_or(&[]).iter().collect();
    let joint = [("&&", "and"), ("||", "or")].into_iter().find(|(sign, _)| word.contains(sign));
    let single = [("&", "and"), ("|", "or")].into_iter().find(|(sign, _)| *sign == word);
    if let Some((sign, meant)) = joint.or(single) {
        let hint =
            format!("write `{meant}` between two terms, as in `zone:dmz {meant} is:kev`; in quotes it is a word");
        return Err(error(start, format!("`{sign}` is no sign of this language"), &hint));
    }
    if of_field {
        let first = word.chars().next().filter(|c| matches!(c, '=' | '<' | '>' | '~' | '!'));
        return first.map_or(Ok(()), |sign| {
            let hint = "write FIELD:VALUE, as in `host:web0`, and `not host:web0` for the others; a value in quotes may begin with any sign";
            Err(error(start, format!("a value does not begin with `{sign}`"), hint))
        });
    }
    let Some(at) = word.find(['=', '<', '>', '~']).or_else(|| word.starts_with('!').then_some(0)) else {
        return Ok(());
    };
    let negated = word.starts_with('!') || word.get(..at).is_some_and(|before| before.ends_with('!'));
    let at = if word.starts_with('!') { 0 } else { at.saturating_sub(usize::from(negated)) };
    let (field, rest) = (word.get(..at).unwrap_or_default(), word.get(at..).unwrap_or_default());
    let sign: String = rest.chars().take_while(|c| matches!(c, '!' | '=' | '<' | '>' | '~')).collect();
    let value = rest.get(sign.len()..).filter(|v| !v.is_empty()).unwrap_or("VALUE");
    let known = field.chars().all(|c| c.is_ascii_alphabetic()) && !field.is_empty();
    let field = if known { field } else { "FIELD" };
    let hint = match (negated, sign.as_str()) {
        (true, "!") if word.len() > 1 => format!("write `not {value}`"),
        (true, _) => format!("write `not {field}:{value}`"),
        (false, s) if s.contains('~') => format!("write `{field}:*{value}*`, where `*` stands for any characters"),
        (false, _) => {
            format!("write `{field}:{value}`, right after each other; numbers and ranks take `>`, `>=`, `<`, `<=` too")
        }
    };
    Err(error(start, format!("`{sign}` does not stand in a word"), &format!("{hint}; in quotes it is a word")))
}

/// One value from `start`, and where it ends.
fn value(text: &[char], start: usize, of_field: bool) -> Result<(String, usize), QueryError> {
    if text.get(start) == Some(&'"') {
        let mut out = String::new();
        let mut at = start + 1;
        loop {
            match text.get(at).copied() {
                None => {
                    return Err(error(start, "this quotation mark has no second one".to_owned(), "close it with `\"`"));
                }
                Some('"') => return Ok((out, at + 1)),
                Some(c) => out.push(c),
            }
            at += 1;
        }
    }
    let mut at = start;
    while text.get(at).is_some_and(|c| !ends(*c) && *c != '"' && !(of_field && *c == ',')) {
        at += 1;
    }
    if at == start && of_field {
        return Err(error(
            start,
            "a value is missing here".to_owned(),
            "write it right after the field, as in `zone:dmz`",
        ));
    }
    foreign(text, start, at, of_field)?;
    // A quotation mark inside of a bare word would otherwise make no progress.
    let at = if at == start { start + 1 } else { at };
    Ok((text.get(start..at).unwrap_or(&[]).iter().collect(), at))
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    next: usize,
    terms: Vec<Term>,
    /// Characters of the text.
    end: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t (usize, Token)> {
        self.tokens.get(self.next)
    }

    fn or(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = vec![self.and(depth)?];
        while matches!(self.peek(), Some((_, Token::Or))) {
            self.next += 1;
            parts.push(self.and(depth)?);
        }
        Ok(joined(parts, Expr::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut parts = vec![self.unary(depth)?];
        loop {
            match self.peek() {
                Some((_, Token::And)) => self.next += 1,
                Some((_, Token::Open | Token::Not | Token::Word(_))) => {}
                Some((_, Token::Or | Token::Close)) | None => return Ok(joined(parts, Expr::And)),
            }
            parts.push(self.unary(depth)?);
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let Some((at, token)) = self.peek() else {
            return Err(error(
                self.end,
                "the query ends where a term is expected".to_owned(),
                "add a term, as `zone:dmz`",
            ));
        };
        if depth > DEPTH_MAX {
            return Err(error(*at, format!("nested deeper than {DEPTH_MAX}"), "ask in several queries"));
        }
        self.next += 1;
        match token {
            Token::Not => Ok(Expr::Not(Box::new(self.unary(depth + 1)?))),
            Token::Open => {
                let inner = self.or(depth + 1)?;
                match self.peek() {
                    Some((_, Token::Close)) => {
                        self.next += 1;
                        Ok(inner)
                    }
                    Some(_) | None => Err(error(*at, "this parenthesis is not closed".to_owned(), "close it with `)`")),
                }
            }
            Token::Word(raw) => {
                if self.terms.len() >= TERMS_MAX {
                    return Err(error(
                        *at,
                        format!("more than {TERMS_MAX} terms"),
                        "name several values at once: `host:a,b,c`",
                    ));
                }
                self.terms.push(read_term(*at, raw)?);
                Ok(Expr::Term(self.terms.len() - 1))
            }
            Token::And | Token::Or | Token::Close => Err(error(
                *at,
                "a term is expected here".to_owned(),
                "write a term, as `zone:dmz`, or remove this; `\"and\"` in quotes is a word",
            )),
        }
    }
}

fn joined(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.pop().unwrap_or(Expr::All),
        _ => many(parts),
    }
}

fn read_term(at: usize, raw: &Raw) -> Result<Term, QueryError> {
    let Some((written, op, value_at)) = &raw.field else {
        let text = raw.values.first().map_or("", String::as_str);
        return Ok(Term::Word(Pattern::within(text)));
    };
    let lower = written.to_lowercase();
    let field = ALIASES.iter().find(|(alias, _)| *alias == lower).map_or(lower.as_str(), |(_, field)| field);
    let text = |field| {
        if !matches!(op.as_str(), ":" | "=") {
            return Err(error(
                at,
                format!("`{written}` is text and cannot be compared with `{op}`"),
                &format!("write `{written}:VALUE`; `*` stands for any characters"),
            ));
        }
        Ok(Term::Text(field, raw.values.iter().map(|v| Pattern::new(v)).collect()))
    };
    let set = |words: &[&str]| set(*value_at, written, op, &raw.values, words, words.len());
    match field {
        "cve" => text(TextField::Vuln),
        "package" => text(TextField::Package),
        "source" => text(TextField::Source),
        "ecosystem" => text(TextField::Ecosystem),
        "host" => text(TextField::Host),
        "os" => text(TextField::Os),
        "env" => text(TextField::Environment),
        "zone" => text(TextField::Zone),
        "owner" => text(TextField::Owner),
        "service" => text(TextField::Service),
        "tag" => text(TextField::Tag),
        "tier" => Ok(Term::Tier(set(TIERS)?)),
        "exposure" => Ok(Term::Exposure(plain(*value_at, written, op, &raw.values, EXPOSURES)?)),
        "data" => Ok(Term::Data(plain(*value_at, written, op, &raw.values, DATA)?)),
        "urgency" => Ok(Term::Urgency(set(URGENCIES)?)),
        "severity" => {
            Ok(Term::Severity(self::set(*value_at, written, op, &raw.values, SEVERITIES, SEVERITIES.len() - 1)?))
        }
        "state" => Ok(Term::State(plain(*value_at, written, op, &raw.values, STATES)?)),
        "epss" => number(*value_at, written, op, &raw.values, 1.0).map(|(op, v)| Term::Epss(op, v * 100_000.0)),
        "cvss" => number(*value_at, written, op, &raw.values, 10.0).map(|(op, v)| Term::Cvss(op, v * 10.0)),
        "is" => flag(*value_at, op, &raw.values),
        _ => Err(unknown_field(at, written)),
    }
}

fn is_field(written: &str) -> bool {
    let lower = written.to_lowercase();
    FIELDS.iter().any(|(name, _)| *name == lower) || ALIASES.iter().any(|(alias, _)| *alias == lower)
}

fn unknown_field(at: usize, written: &str) -> QueryError {
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).chain(ALIASES.iter().map(|(name, _)| *name)).collect();
    let all: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let hint = match nearest(&written.to_lowercase(), &names) {
        Some(near) => format!("did you mean `{near}`? Fields: {}", all.join(", ")),
        None => format!("fields: {}; put a word with a colon in quotes", all.join(", ")),
    };
    QueryError { at, what: format!("there is no field `{written}`"), hint }
}

fn unknown_value(at: usize, field: &str, value: &str, words: &[&str]) -> QueryError {
    // Tiers are written with a capital everywhere, and the most important one comes first.
    let shown = |w: &str| if words == TIERS { w.to_uppercase() } else { w.to_owned() };
    let near =
        nearest(&value.to_lowercase(), words).map(|w| format!("did you mean `{}`? ", shown(w))).unwrap_or_default();
    let mut all: Vec<String> = words.iter().map(|w| shown(w)).collect();
    if words == TIERS {
        all.reverse();
    }
    QueryError {
        at,
        what: format!("`{value}` is no value of `{field}`"),
        hint: format!("{near}Values: {}", all.join(", ")),
    }
}

/// A set without an order.
fn plain(at: usize, field: &str, op: &str, values: &[String], words: &[&str]) -> Result<Set, QueryError> {
    if !matches!(op, ":" | "=") {
        return Err(error(
            at,
            format!("the values of `{field}` have no order"),
            &format!("write `{field}:{}`", words.join(",")),
        ));
    }
    set(at, field, op, values, words, 0)
}

/// A set of words; the first `ordered` of them rise.
fn set(at: usize, field: &str, op: &str, values: &[String], words: &[&str], ordered: usize) -> Result<Set, QueryError> {
    let place = |value: &String| {
        let lower = value.to_lowercase();
        // `tier:1` is what people write too.
        let lower = if words == TIERS && lower.len() == 1 { format!("t{lower}") } else { lower };
        words.iter().position(|w| *w == lower).ok_or_else(|| unknown_value(at, field, value, words))
    };
    let mut out = Set::default();
    if matches!(op, ":" | "=") {
        for value in values {
            out.add(place(value)?);
        }
        return Ok(out);
    }
    let (op, value) = compared(at, field, op, values)?;
    let want = place(value)?;
    if want >= ordered {
        return Err(error(
            at,
            format!("`{value}` has no place in the order of `{field}`"),
            &format!("write `{field}:{value}`"),
        ));
    }
    for have in 0..ordered {
        let holds = match op {
            Op::Greater => have > want,
            Op::AtLeast => have >= want,
            Op::Less => have < want,
            Op::AtMost => have <= want,
            Op::Equal => have == want,
        };
        if holds {
            out.add(have);
        }
    }
    Ok(out)
}

/// Operator and the one value of a comparison.
fn compared<'v>(at: usize, field: &str, op: &str, values: &'v [String]) -> Result<(Op, &'v String), QueryError> {
    let op = match op {
        ">" => Op::Greater,
        ">=" => Op::AtLeast,
        "<" => Op::Less,
        "<=" => Op::AtMost,
        _ => Op::Equal,
    };
    match values {
        [value] => Ok((op, value)),
        _ => {
            Err(error(at, format!("`{field}` is compared with one value"), "write several comparisons, joined by `or`"))
        }
    }
}

fn number(at: usize, field: &str, op: &str, values: &[String], most: f64) -> Result<(Op, f64), QueryError> {
    let (op, value) = compared(at, field, op, values)?;
    let parsed = value.parse::<f64>().ok().filter(|n| n.is_finite() && (0.0..=most).contains(n));
    match parsed {
        Some(n) => Ok((op, n)),
        None => Err(error(
            at,
            format!("`{value}` is no number from 0 to {most}"),
            &format!("as in `{field}>={}`", most * 0.7),
        )),
    }
}

fn flag(at: usize, op: &str, values: &[String]) -> Result<Term, QueryError> {
    let [value] = values else {
        return Err(error(at, "`is` takes one value".to_owned(), "write `(is:kev or is:overdue)`"));
    };
    if !matches!(op, ":" | "=") {
        return Err(error(at, "`is` cannot be compared".to_owned(), "write `is:kev`"));
    }
    match value.to_lowercase().as_str() {
        "kev" => Ok(Term::Is(Flag::Kev)),
        "exploited" => Ok(Term::Is(Flag::Exploited)),
        "overdue" => Ok(Term::Is(Flag::Overdue)),
        "excepted" => Ok(Term::Is(Flag::Excepted)),
        "set-aside" => Ok(Term::Is(Flag::SetAside)),
        _ => Err(unknown_value(at, "is", value, FLAGS)),
    }
}

/// The word that takes the fewest edits, if it is near at all: half of a short word changed is another word.
fn nearest<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    words
        .iter()
        .map(|w| (edits(text, w), *w))
        .min()
        .filter(|(distance, w)| *distance <= 2.min(w.chars().count() / 2))
        .map(|(_, w)| w)
}

/// Insertions, removals and replacements between two words (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let here = (left + 1).min(*above + 1).min(diagonal + usize::from(x != *y));
            diagonal = std::mem::replace(above, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
