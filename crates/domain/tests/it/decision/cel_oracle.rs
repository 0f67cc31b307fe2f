//! Our conditions against the `cel` crate: random conditions mean the same in both. Where `cel` gives an error, ours is unknown.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Program, Value as Cel};
use patchwright_domain::decision::condition::{Condition, Truth};

use super::condition::{SCHEMA, variables};
use super::support::Seeded;

fn context() -> Context<'static, 'static> {
    let text = |t: &str| Cel::String(Arc::new(t.to_owned()));
    let list = Cel::List(Arc::new(vec![text("cde"), text("web")]));
    let known: HashMap<String, Cel> = [
        ("yes", Cel::Bool(true)),
        ("no", Cel::Bool(false)),
        ("int", Cel::Int(7)),
        ("double", Cel::Float(9.8)),
        ("text", text("openssl")),
        ("list", list),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_owned(), v))
    .collect();
    let mut context = Context::default();
    context.add_variable_from_value("known", known);
    context.add_variable_from_value("missing", HashMap::<String, Cel>::new());
    context
}

fn boolean(s: &mut Seeded, depth: usize) -> String {
    if depth == 0 {
        return s.pick(&["true", "false", "known.yes", "known.no", "missing.bool"]).to_owned();
    }
    let d = depth - 1;
    match s.below(12) {
        0 | 1 => format!("({} && {})", boolean(s, d), boolean(s, d)),
        2 | 3 => format!("({} || {})", boolean(s, d), boolean(s, d)),
        4 => format!("!{}", boolean(s, d)),
        5 => format!("({} ? {} : {})", boolean(s, d), boolean(s, d), boolean(s, d)),
        6 => format!("({} {} {})", int(s, d), s.pick(&["==", "!=", "<", "<=", ">", ">="]), int(s, d)),
        7 => format!("({} {} {})", double(s), s.pick(&["==", "!=", "<", "<=", ">", ">="]), double(s)),
        8 => format!("{}.{}({})", text(s), s.pick(&["contains", "startsWith", "endsWith"]), text(s)),
        9 => format!("({} in {})", text(s), s.pick(&["known.list", "missing.list", "['web', 'openssl']"])),
        10 => format!("known.list.{}(x, {} || x == {})", s.pick(&["exists", "all"]), boolean(s, d), text(s)),
        _ => format!("has({})", s.pick(&["known.text", "missing.text", "missing.bool"])),
    }
}

fn int(s: &mut Seeded, depth: usize) -> String {
    if depth == 0 {
        return s.pick(&["0", "1", "7", "known.int", "-3", "size(known.text)"]).to_owned();
    }
    let d = depth - 1;
    format!("({} {} {})", int(s, d), s.pick(&["+", "-", "*", "/", "%"]), int(s, d))
}

fn double(s: &mut Seeded) -> String {
    s.pick(&["9.8", "0.5", "known.double", "missing.double", "(known.double + 1.5)"]).to_owned()
}

fn text(s: &mut Seeded) -> String {
    s.pick(&["'web'", "'openssl'", "known.text", "missing.text", "'ssl'"]).to_owned()
}

#[test]
fn random_conditions_mean_the_same_as_in_cel() {
    let mut seeded = Seeded(7);
    let (context, ours) = (context(), variables());
    let mut counts = [0_u32; 3];
    for _ in 0..3_000 {
        let depth = 1 + seeded.below(3);
        let source = boolean(&mut seeded, depth);
        let theirs = Program::compile(&source).unwrap().execute(&context);
        let answer = Condition::parse(&source, SCHEMA).unwrap_or_else(|e| panic!("{source}: {e}")).evaluate(&ours);
        match (&answer, &theirs) {
            (Truth::True, Ok(Cel::Bool(true))) => counts[0] += 1,
            (Truth::False, Ok(Cel::Bool(false))) => counts[1] += 1,
            (Truth::Unknown(_), Err(_)) => counts[2] += 1,
            (_, _) => panic!("{source}: ours {answer:?}, cel {theirs:?}"),
        }
    }
    assert!(counts.iter().all(|n| *n > 200), "true, false, unknown: {counts:?}");
}
