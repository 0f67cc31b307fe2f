//! Text to tokens.

use super::ConditionError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Double(f64),
    Text(String),
    /// Punctuation and operators.
    Mark(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) offset: usize,
    pub(super) token: Token,
}

const MARKS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "?", ":", "+", "-", "*", "/", "%",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Placed>, ConditionError> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|r| !r.is_empty()) {
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first.is_ascii_whitespace() {
            at += 1;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if first.is_ascii_digit() {
            let (token, length) = number(rest, at)?;
            out.push(Placed { offset: at, token });
            at += length;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            out.push(Placed { offset: at, token: Token::Name(rest.get(..length).unwrap_or_default().to_owned()) });
            at += length;
        } else if first == '"' || first == '\'' {
            let (text, length) = quoted(rest, first, at)?;
            out.push(Placed { offset: at, token: Token::Text(text) });
            at += length;
        } else if let Some(mark) = MARKS.iter().find(|m| rest.starts_with(**m)) {
            out.push(Placed { offset: at, token: Token::Mark(mark) });
            at += mark.len();
        } else {
            let hint = match first {
                '=' => "compare with `==`",
                '&' => "write `&&`",
                '|' => "write `||`",
                _ => "conditions are written in CEL: && || ! == != < <= > >= in + - * / % ?: and functions",
            };
            return Err(ConditionError::new(at, format!("unexpected character `{first}`")).hint(hint));
        }
    }
    Ok(out)
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), ConditionError> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    let mut double = false;
    let fraction = rest.get(length..).and_then(|r| r.strip_prefix('.')).map_or(0, digits);
    if fraction > 0 {
        double = true;
        length += 1 + fraction;
    }
    let text = rest.get(..length).unwrap_or_default();
    if rest.get(length..).and_then(|r| r.chars().next()).is_some_and(|c| c.is_ascii_alphabetic() || c == '_') {
        return Err(ConditionError::new(at, format!("`{text}` runs into a letter"))
            .hint("numbers are written 7 or 7.0, without exponent or suffix"));
    }
    let token = if double { text.parse().ok().map(Token::Double) } else { text.parse().ok().map(Token::Int) };
    match token {
        Some(token) => Ok((token, length)),
        None => Err(ConditionError::new(at, format!("number `{text}` does not fit into 64 bits"))),
    }
}

fn quoted(rest: &str, quote: char, at: usize) -> Result<(String, usize), ConditionError> {
    let mut text = String::new();
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        if escaped {
            text.push(match c {
                'n' => '\n',
                't' => '\t',
                '\\' | '"' | '\'' => c,
                other => {
                    return Err(ConditionError::new(at + offset, format!("unknown escape `\\{other}`"))
                        .hint("known escapes: \\n \\t \\\\ \\\" \\'"));
                }
            });
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Ok((text, offset + 1));
        } else {
            text.push(c);
        }
    }
    Err(ConditionError::new(at, format!("text that starts with {quote} does not end")))
}
