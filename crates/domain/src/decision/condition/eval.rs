//! Evaluation in Kleene's three values with a step limit.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::{Arith, Compare, Expr, Function, Node, Quantifier, Schema, Value, Variables};

/// Most steps of one evaluation. A condition of the longest length over plain variables takes fewer than 2,000; only nested
/// quantifiers over long lists come near.
pub const STEPS_MAX: u32 = 10_000;

/// The answer of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told; why (`vuln.epss is not known`), sorted.
    Unknown(Vec<String>),
}

/// Why parts have no value. Nothing is written out before somebody reads it: most answers of "unknown" are dropped again.
type Unknown = BTreeSet<Why>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The variable of this name is not known.
    NotKnown(&'static str),
    /// Something else.
    Said(&'static str),
}

impl Why {
    fn line(self) -> String {
        match self {
            Self::NotKnown(name) => format!("{name} is not known"),
            Self::Said(text) => text.to_owned(),
        }
    }
}

/// A value on its way, borrowed wherever it can be.
#[derive(Clone, Debug)]
enum V<'a> {
    Bool(bool),
    Int(i64),
    Double(f64),
    Str(&'a str),
    Owned(String),
    List(&'a [Value]),
}

pub(super) fn evaluate(root: &Expr, schema: Schema, variables: &Variables) -> Truth {
    let mut run = Run { schema, variables, steps: 0, locals: Vec::new() };
    let answer = run.eval(root);
    if run.steps > STEPS_MAX {
        // Whatever came out was computed with parts cut off.
        return Truth::Unknown(vec![format!("stopped after {STEPS_MAX} steps")]);
    }
    match answer {
        Ok(V::Bool(true)) => Truth::True,
        Ok(V::Bool(false)) => Truth::False,
        Ok(_) => Truth::Unknown(vec!["the condition is not true or false".to_owned()]),
        Err(why) => {
            let mut lines: Vec<String> = why.into_iter().map(Why::line).collect();
            lines.sort_unstable();
            Truth::Unknown(lines)
        }
    }
}

/// Whether the answer is a plain true; the same as comparing [`evaluate`]'s answer, without writing out why it is not.
pub(super) fn holds(root: &Expr, schema: Schema, variables: &Variables) -> bool {
    let mut run = Run { schema, variables, steps: 0, locals: Vec::new() };
    let answer = run.eval(root);
    run.steps <= STEPS_MAX && matches!(answer, Ok(V::Bool(true)))
}

struct Run<'a> {
    schema: Schema,
    variables: &'a Variables,
    steps: u32,
    locals: Vec<V<'a>>,
}

fn unknown<T>(why: &'static str) -> Result<T, Unknown> {
    Err(BTreeSet::from([Why::Said(why)]))
}

impl<'a> Run<'a> {
    fn eval(&mut self, expr: &'a Expr) -> Result<V<'a>, Unknown> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > STEPS_MAX {
            return unknown("step limit");
        }
        match &expr.node {
            Node::Constant(value) => Ok(borrow(value)),
            Node::Variable(place) => match self.variables.get(*place) {
                Some(value) => Ok(borrow(value)),
                None => Err(BTreeSet::from([Why::NotKnown(self.name(*place))])),
            },
            Node::Local(place) => match self.locals.get(*place) {
                Some(value) => Ok(value.clone()),
                None => unknown("a name outside its list"),
            },
            Node::Has(place) => Ok(V::Bool(self.variables.get(*place).is_some())),
            Node::Not(inner) => Ok(V::Bool(!self.bool(inner)?)),
            Node::Negate(inner) => match self.eval(inner)? {
                V::Int(n) => n.checked_neg().map(V::Int).ok_or_else(|| BTreeSet::from([Why::Said("integer overflow")])),
                V::Double(n) => Ok(V::Double(-n)),
                V::Bool(_) | V::Str(_) | V::Owned(_) | V::List(_) => unknown("`-` on something that is not a number"),
            },
            Node::And(terms) => self.fold(terms, false),
            Node::Or(terms) => self.fold(terms, true),
            Node::Compare(op, a, b) => {
                let (left, right) = (self.eval(a), self.eval(b));
                let (left, right) = both(left, right)?;
                compare(*op, &left, &right)
            }
            Node::Arith(op, a, b) => {
                let (left, right) = (self.eval(a), self.eval(b));
                let (left, right) = both(left, right)?;
                arith(*op, &left, &right)
            }
            Node::In(a, b) => {
                let (left, right) = (self.eval(a), self.eval(b));
                let (needle, list) = both(left, right)?;
                let V::List(list) = list else {
                    return unknown("`in` on something that is not a list");
                };
                self.steps = self.steps.saturating_add(u32::try_from(list.len()).unwrap_or(u32::MAX));
                let found = list.iter().any(|item| order(&needle, &borrow(item)) == Some(Ordering::Equal));
                Ok(V::Bool(found))
            }
            Node::Choose(parts) => {
                let [condition, yes, no] = parts.as_ref();
                if self.bool(condition)? { self.eval(yes) } else { self.eval(no) }
            }
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Quantify(quantifier, list, body) => {
                let V::List(list) = self.eval(list)? else {
                    return unknown("exists() or all() on something that is not a list");
                };
                let deciding = *quantifier == Quantifier::Exists;
                let mut why = Unknown::new();
                for item in list {
                    self.locals.push(borrow(item));
                    let answer = self.bool(body);
                    self.locals.pop();
                    match answer {
                        Ok(b) if b == deciding => return Ok(V::Bool(deciding)),
                        Ok(_) => {}
                        Err(more) => why.extend(more),
                    }
                    if self.steps > STEPS_MAX {
                        return unknown("step limit");
                    }
                }
                if why.is_empty() { Ok(V::Bool(!deciding)) } else { Err(why) }
            }
        }
    }

    /// `&&` (deciding value false) and `||` (deciding value true): one deciding term decides, whatever is unknown beside it.
    fn fold(&mut self, terms: &'a [Expr], deciding: bool) -> Result<V<'a>, Unknown> {
        let mut why = Unknown::new();
        for term in terms {
            match self.bool(term) {
                Ok(b) if b == deciding => return Ok(V::Bool(deciding)),
                Ok(_) => {}
                Err(more) => why.extend(more),
            }
        }
        if why.is_empty() { Ok(V::Bool(!deciding)) } else { Err(why) }
    }

    fn bool(&mut self, expr: &'a Expr) -> Result<bool, Unknown> {
        match self.eval(expr)? {
            V::Bool(b) => Ok(b),
            V::Int(_) | V::Double(_) | V::Str(_) | V::Owned(_) | V::List(_) => unknown("a part is not true or false"),
        }
    }

    fn call(&mut self, function: Function, arguments: &'a [Expr]) -> Result<V<'a>, Unknown> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut why = Unknown::new();
        for argument in arguments {
            match self.eval(argument) {
                Ok(value) => values.push(value),
                Err(more) => why.extend(more),
            }
        }
        if !why.is_empty() {
            return Err(why);
        }
        if let (Function::Size, [V::List(list)]) = (function, values.as_slice()) {
            return Ok(V::Int(i64::try_from(list.len()).unwrap_or(i64::MAX)));
        }
        let texts: Vec<&str> = values.iter().filter_map(text).collect();
        match (function, texts.as_slice()) {
            (Function::Size, [t]) => Ok(V::Int(i64::try_from(t.chars().count()).unwrap_or(i64::MAX))),
            (Function::Contains, [t, part]) => Ok(V::Bool(t.contains(part))),
            (Function::StartsWith, [t, part]) => Ok(V::Bool(t.starts_with(part))),
            (Function::EndsWith, [t, part]) => Ok(V::Bool(t.ends_with(part))),
            (Function::LowerAscii, [t]) => Ok(V::Owned(t.to_ascii_lowercase())),
            (
                Function::Size | Function::Contains | Function::StartsWith | Function::EndsWith | Function::LowerAscii,
                _,
            ) => unknown("a function got values it does not take"),
        }
    }

    fn name(&self, place: usize) -> &'static str {
        self.schema.get(place).map_or("a variable", |(name, _)| name)
    }
}

fn borrow(value: &Value) -> V<'_> {
    match value {
        Value::Bool(b) => V::Bool(*b),
        Value::Int(n) => V::Int(*n),
        Value::Double(n) => V::Double(*n),
        Value::Str(s) => V::Str(s),
        Value::List(list) => V::List(list),
    }
}

fn text<'v>(value: &'v V<'_>) -> Option<&'v str> {
    match value {
        V::Str(s) => Some(s),
        V::Owned(s) => Some(s),
        V::Bool(_) | V::Int(_) | V::Double(_) | V::List(_) => None,
    }
}

fn both<'a>(left: Result<V<'a>, Unknown>, right: Result<V<'a>, Unknown>) -> Result<(V<'a>, V<'a>), Unknown> {
    match (left, right) {
        (Ok(l), Ok(r)) => Ok((l, r)),
        (Err(mut why), Err(more)) => {
            why.extend(more);
            Err(why)
        }
        (Err(why), Ok(_)) | (Ok(_), Err(why)) => Err(why),
    }
}

fn order(left: &V<'_>, right: &V<'_>) -> Option<Ordering> {
    // An i64 beyond 2^53 loses digits as a float; the variables are scores and counts, far below.
    #[expect(clippy::cast_precision_loss, reason = "documented: values compared with doubles are small")]
    let double = |n: i64| n as f64;
    match (left, right) {
        (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
        (V::Double(a), V::Double(b)) => a.partial_cmp(b),
        (V::Int(a), V::Double(b)) => double(*a).partial_cmp(b),
        (V::Double(a), V::Int(b)) => a.partial_cmp(&double(*b)),
        (V::Bool(a), V::Bool(b)) => Some(a.cmp(b)),
        (l, r) => Some(text(l)?.cmp(text(r)?)),
    }
}

fn compare<'a>(op: Compare, left: &V<'_>, right: &V<'_>) -> Result<V<'a>, Unknown> {
    let Some(ordering) = order(left, right) else {
        return unknown("two values that cannot be compared");
    };
    Ok(V::Bool(match op {
        Compare::Eq => ordering.is_eq(),
        Compare::Ne => ordering.is_ne(),
        Compare::Lt => ordering.is_lt(),
        Compare::Le => ordering.is_le(),
        Compare::Gt => ordering.is_gt(),
        Compare::Ge => ordering.is_ge(),
    }))
}

fn arith<'a>(op: Arith, left: &V<'_>, right: &V<'_>) -> Result<V<'a>, Unknown> {
    match (left, right) {
        (V::Int(a), V::Int(b)) => {
            let result = match op {
                Arith::Add => a.checked_add(*b),
                Arith::Sub => a.checked_sub(*b),
                Arith::Mul => a.checked_mul(*b),
                Arith::Div => a.checked_div(*b),
                Arith::Rem => a.checked_rem(*b),
            };
            match result {
                Some(n) => Ok(V::Int(n)),
                None => unknown("integer overflow or division by zero"),
            }
        }
        (V::Double(a), V::Double(b)) => {
            let result = match op {
                Arith::Add => a + b,
                Arith::Sub => a - b,
                Arith::Mul => a * b,
                Arith::Div => a / b,
                Arith::Rem => a % b,
            };
            // NaN and infinity would make comparisons depend on their order.
            if result.is_finite() { Ok(V::Double(result)) } else { unknown("a number that is not finite") }
        }
        (_, _) => unknown("arithmetic on something that is not a number"),
    }
}
