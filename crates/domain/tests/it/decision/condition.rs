//! The condition language: three-valued logic, limits, errors with places.

use patchwright_domain::decision::condition::{Condition, DEPTH_MAX, Schema, Truth, Type, Value, Variables};
use proptest::prelude::*;

pub(super) const SCHEMA: Schema = &[
    ("known.yes", Type::Bool),
    ("known.no", Type::Bool),
    ("known.int", Type::Int),
    ("known.double", Type::Double),
    ("known.text", Type::Str),
    ("known.list", Type::StrList),
    ("missing.bool", Type::Bool),
    ("missing.double", Type::Double),
    ("missing.text", Type::Str),
    ("missing.list", Type::StrList),
    ("nested", Type::Str),
    ("nested.deeper", Type::Str),
];

pub(super) fn variables() -> Variables {
    let mut v = Variables::unknown(SCHEMA);
    let text = |t: &str| Value::Str(t.to_owned().into());
    for (name, value) in [
        ("known.yes", Value::Bool(true)),
        ("known.no", Value::Bool(false)),
        ("known.int", Value::Int(7)),
        ("known.double", Value::Double(9.8)),
        ("known.text", text("openssl")),
        ("known.list", Value::List(vec![text("cde"), text("web")])),
        ("nested", text("outer")),
        ("nested.deeper", text("inner")),
    ] {
        assert!(v.set(SCHEMA, name, Some(value)));
    }
    assert!(!v.set(SCHEMA, "no.such", None));
    v
}

fn check(source: &str, expected: Truth) {
    let condition = Condition::parse(source, SCHEMA).unwrap_or_else(|e| panic!("{source}: {e} at {}", e.offset));
    assert_eq!(condition.evaluate(&variables()), expected, "{source}");
}

fn unknown(names: &[&str]) -> Truth {
    Truth::Unknown(names.iter().map(|n| format!("{n} is not known")).collect())
}

#[test]
fn missing_data_follows_kleene() {
    let m = || unknown(&["missing.bool"]);
    for (source, expected) in [
        ("missing.bool", m()),
        ("!missing.bool", m()),
        ("missing.bool || true", Truth::True),
        ("true || missing.bool", Truth::True),
        ("missing.bool || false", m()),
        ("false || missing.bool", m()),
        ("missing.bool && false", Truth::False),
        ("false && missing.bool", Truth::False),
        ("missing.bool && true", m()),
        ("missing.bool && missing.double > 1.0", unknown(&["missing.bool", "missing.double"])),
        ("missing.bool == missing.bool", m()),
        ("missing.double < 3.0 || known.yes", Truth::True),
        ("missing.bool ? true : true", m()),
        ("known.yes ? true : missing.bool", Truth::True),
        ("missing.text in [\"a\"]", unknown(&["missing.text"])),
        ("\"a\" in missing.list", unknown(&["missing.list"])),
        ("missing.list.exists(x, x == \"a\")", unknown(&["missing.list"])),
        ("known.list.exists(x, x == \"web\" || missing.bool)", Truth::True),
        ("known.list.exists(x, x == \"db\" || missing.bool)", m()),
        ("known.list.all(x, x != \"web\" && missing.bool)", Truth::False),
        ("known.list.all(x, x.size() == 3 && missing.bool)", m()),
        ("missing.text.startsWith(\"a\")", unknown(&["missing.text"])),
        ("has(missing.text)", Truth::False),
        ("has(known.text)", Truth::True),
        ("has(missing.text) && missing.text == \"x\"", Truth::False),
        ("1 / 0 == 1", Truth::Unknown(vec!["integer overflow or division by zero".to_owned()])),
        ("1 / 0 == 1 || true", Truth::True),
        ("9223372036854775807 + 1 > 0", Truth::Unknown(vec!["integer overflow or division by zero".to_owned()])),
        ("1.0 / 0.0 > 1.0", Truth::Unknown(vec!["a number that is not finite".to_owned()])),
    ] {
        check(source, expected);
    }
}

#[test]
fn values_and_functions() {
    for (source, holds) in [
        ("known.double >= 9.8", true),
        ("known.double > 9", true),
        ("known.int == 7.0", true),
        ("known.int + 1 == 8 && known.int % 4 == 3 && -known.int < 0", true),
        ("2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 10 - 2 - 3 == 5", true),
        ("known.text.contains(\"ssl\") && known.text.startsWith('open') && known.text.endsWith('ssl')", true),
        ("size(known.text) == 7 && known.list.size() == 2", true),
        ("'OpenSSL'.lowerAscii() == known.text", true),
        ("\"cde\" in known.list && !(\"x\" in known.list)", true),
        ("known.int in [1, 7] && known.double in [9.8] && known.int in [7.0]", true),
        ("known.list.all(tag, tag.size() == 3) && known.list.exists(tag, tag.startsWith('w'))", true),
        ("known.list.exists(a, known.list.exists(b, a != b))", true),
        ("[1, 2, -3].exists(n, n == -3)", true),
        ("[].exists(n, n == 'x') || [].all(n, n == 'x')", true),
        ("nested == 'outer' && nested.deeper == 'inner' && nested.startsWith('o') && nested.deeper.size() == 5", true),
        ("known.yes ? known.no : true", false),
        ("'a\\n\\'\\\\' == \"a\\n'\\\\\"", true),
        ("true // a comment\n && true", true),
        ("'a' < 'b' && 'b' >= 'b'", true),
    ] {
        check(source, if holds { Truth::True } else { Truth::False });
    }
}

#[test]
fn mistakes_are_found_when_the_condition_is_read() {
    for (source, offset, says) in [
        ("known.yess", 0, "unknown variable `known.yess`"),
        ("true && nothing.here", 8, "unknown variable `nothing.here`"),
        ("known.int", 0, "has to be true or false; this is a int"),
        ("known.int == 'x'", 0, "cannot be compared"),
        ("known.int + 1.0 > 2.0", 0, "does not mix"),
        ("known.yes < known.no", 0, "cannot be compared"),
        ("known.text.matches('a')", 11, "regular expressions have no step limit"),
        ("known.text.frob()", 11, "unknown function `frob`"),
        ("true and false", 5, "unexpected `and`"),
        ("known.yes = true", 10, "unexpected character `=`"),
        ("(true", 5, "expected `)`"),
        ("true &&", 7, "found the end"),
        ("'abc", 0, "does not end"),
        ("'a\\q' == 'a'", 3, "unknown escape"),
        ("99999999999999999999 > 1", 0, "does not fit"),
        ("1e5 > 1", 0, "runs into a letter"),
        ("known.list.exists(x, y)", 21, "unknown variable `y`"),
        ("known.list.exists(1, true)", 18, "expected a name"),
        ("'a' in ['a', 1]", 7, "one type"),
        ("known.yes ? 1 : true", 0, "of one type"),
        ("", 0, "expected a value"),
        ("known.text.contains()", 11, "takes texts"),
        ("!known.int", 1, "takes a bool"),
        ("[known.text].exists(x, true)", 1, "holds constants"),
    ] {
        let error = Condition::parse(source, SCHEMA).expect_err(source);
        assert!(error.message.contains(says), "{source}: {}", error.message);
        assert_eq!(error.offset, offset, "{source}: {}", error.message);
    }
    let error = Condition::parse("known.yess", SCHEMA).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean `known.yes`?"));
}

#[test]
fn depth_bombs_are_refused_without_deep_recursion() {
    let bomb = |open: &str, inner: &str, close: &str, n: usize| format!("{}{inner}{}", open.repeat(n), close.repeat(n));
    for (source, kind) in [
        (bomb("(", "true", ")", 2_000), "parentheses"),
        (bomb("!", "true", "", 4_000), "nots"),
        (bomb("- ", "1", " == 1", 1), "minus"),
        (format!("{}1 == 1", "1 + ".repeat(1_000)), "sums"),
        (format!("{}1 == 1", "true ? 1 : ".repeat(300)), "choices"),
        (bomb("[", "", "]", 2_000), "lists"),
        (format!("{}true{}", "known.list.all(x, ".repeat(200), ")".repeat(200)), "quantifiers"),
        (format!("'a'{} == 'a'", ".lowerAscii()".repeat(300)), "calls"),
        ("a".repeat(100_000), "long name"),
    ] {
        let result = Condition::parse(&source, SCHEMA);
        assert_eq!(result.is_err(), kind != "minus", "{kind}");
    }
    let deepest = bomb("(", "true", ")", DEPTH_MAX - 1);
    assert!(Condition::parse(&deepest, SCHEMA).is_ok());
    // Width is not depth.
    assert!(Condition::parse(&format!("{}true", "true && ".repeat(400)), SCHEMA).is_ok());
}

#[test]
fn nested_loops_stop_at_the_step_limit_as_unknown() {
    let list = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let source = format!("[{list}].all(a, [{list}].all(b, [{list}].all(c, a + b + c >= 0)))");
    check(&source, Truth::Unknown(vec!["stopped after 10000 steps".to_owned()]));
    // Not even a true beside it hides that parts were cut off.
    check(&format!("{source} || true"), Truth::Unknown(vec!["stopped after 10000 steps".to_owned()]));
}

#[test]
fn a_condition_tells_what_it_reads() {
    let c = Condition::parse("has(missing.text) || known.int > 1 && known.int < 9", SCHEMA).unwrap();
    assert_eq!(c.reads(), ["known.int", "missing.text"]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(source in "\\PC{0,200}") {
        if let Ok(c) = Condition::parse(&source, SCHEMA) {
            prop_assert_eq!(c.evaluate(&variables()), c.evaluate(&variables()));
        }
    }

    #[test]
    fn any_tokens_are_read_or_refused(tokens in proptest::collection::vec(proptest::sample::select(vec![
        "true", "false", "known.yes", "missing.bool", "known.int", "1", "2.5", "'a'", "(", ")", "[", "]", "&&", "||", "!", "==", "<",
        "+", "-", "/", "?", ":", ",", ".", "in", "has", "known.list", "exists", "x",
    ]), 0..40)) {
        let source = tokens.join(" ");
        if let Ok(c) = Condition::parse(&source, SCHEMA) {
            prop_assert_eq!(c.evaluate(&variables()), c.evaluate(&variables()));
        }
    }
}
