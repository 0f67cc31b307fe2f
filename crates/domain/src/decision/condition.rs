//! Policy conditions: a bounded, three-valued subset of the Common Expression Language (CEL).
//!
//! A condition is checked when the policy is read (names, types, nesting), so that at run time only data can be missing. Missing
//! data gives *unknown*, never false, by Kleene's strong logic: `unknown || true` is true, `unknown && true` is unknown. Each
//! evaluation has a step limit. Why this is not the `cel` crate: `docs/adr/0002-policy-conditions.md`.

use std::borrow::Cow;

mod check;
mod eval;
mod lex;
mod parse;

pub use eval::{STEPS_MAX, Truth};
pub(super) use parse::nearest;

/// Longest condition, in bytes: more than a page of text is a program, not a condition.
pub const SOURCE_BYTES_MAX: usize = 4_096;
/// Deepest nesting of the tree, so that recursion over it is bounded (16 KiB of stack at most in practice).
pub const DEPTH_MAX: usize = 32;

/// A type of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// true or false.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit float.
    Double,
    /// Text.
    Str,
    /// List of texts.
    StrList,
    /// List of integers (constants only).
    IntList,
    /// List of floats (constants only).
    DoubleList,
}

impl Type {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::Str => "string",
            Self::StrList => "list of strings",
            Self::IntList => "list of ints",
            Self::DoubleList => "list of doubles",
        }
    }
}

/// A value of the language.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// true or false.
    Bool(bool),
    /// 64-bit integer.
    Int(i64),
    /// 64-bit float.
    Double(f64),
    /// Text; the words of our own scales are not copied.
    Str(Cow<'static, str>),
    /// List of one type.
    List(Vec<Value>),
}

/// The variables that conditions of a policy may read: names and types, in a fixed order.
pub type Schema = &'static [(&'static str, Type)];

/// Values of a [`Schema`]'s variables by position; nothing is *unknown*.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables {
    values: Vec<Option<Value>>,
}

impl Variables {
    /// All unknown.
    #[must_use]
    pub fn unknown(schema: Schema) -> Self {
        Self { values: vec![None; schema.len()] }
    }

    /// All of a schema's values, in its order.
    pub(super) fn in_order<const N: usize>(values: [Option<Value>; N]) -> Self {
        Self { values: Vec::from(values) }
    }

    /// Sets a variable by name. A name outside the schema is ignored and gives `false`.
    pub fn set(&mut self, schema: Schema, name: &str, value: Option<Value>) -> bool {
        let place = schema.iter().position(|(n, _)| *n == name);
        match place.and_then(|p| self.values.get_mut(p)) {
            Some(slot) => {
                *slot = value;
                true
            }
            None => false,
        }
    }

    /// The value at a position of the schema.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Value> {
        self.values.get(place).and_then(Option::as_ref)
    }
}

/// How a condition uses one numeric variable.
#[derive(Clone, Debug, PartialEq)]
pub enum Use {
    /// Not at all.
    Unread,
    /// Only against these constants: two values with the same place among them get the same answer.
    Against(Vec<f64>),
    /// In some other way: every value may matter.
    Exact,
}

/// What is wrong with a condition, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// Byte offset in the condition.
    pub offset: usize,
    /// Lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl ConditionError {
    fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A checked condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    source: String,
    schema: Schema,
    root: Expr,
    /// Places in the schema of the variables it reads, in the order of their names.
    reads: Vec<usize>,
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// [`ConditionError`] for text that is too long or too deep, that is not in the language, that names an unknown variable or
    /// function, whose types do not fit, or whose result is not true-or-false.
    pub fn parse(source: &str, schema: Schema) -> Result<Self, ConditionError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(ConditionError::new(0, format!("read a condition: longer than {SOURCE_BYTES_MAX} bytes"))
                .hint("split it into several rules"));
        }
        let tokens = lex::tokens(source)?;
        let root = parse::parse(&tokens, source.len(), schema)?;
        let found = check::check(&root, schema)?;
        if found == Type::Bool {
            let mut reads = Vec::new();
            root.collect_variables(&mut reads);
            reads.sort_unstable_by_key(|place| schema.get(*place).map(|(name, _)| *name));
            reads.dedup();
            Ok(Self { source: source.to_owned(), schema, root, reads })
        } else {
            Err(ConditionError::new(0, format!("a condition has to be true or false; this is a {}", found.word())))
        }
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates. Same variables, same answer.
    #[must_use]
    pub fn evaluate(&self, variables: &Variables) -> Truth {
        eval::evaluate(&self.root, self.schema, variables)
    }

    /// Whether it is plainly true: not false, and not unknown.
    #[must_use]
    pub fn holds(&self, variables: &Variables) -> bool {
        eval::holds(&self.root, self.schema, variables)
    }

    /// How it uses the numeric variable `name`.
    #[must_use]
    pub fn uses(&self, name: &str) -> Use {
        let Some(place) = self.schema.iter().position(|(n, _)| *n == name) else {
            return Use::Unread;
        };
        let (mut all, mut compared) = (Vec::new(), Vec::new());
        self.root.collect_variables(&mut all);
        self.root.collect_comparisons(place, &mut compared);
        match all.iter().filter(|p| **p == place).count() {
            0 => Use::Unread,
            // Every place where it stands is a comparison with a constant (or a question whether it is known).
            n if n == compared.len() => Use::Against(compared.into_iter().flatten().collect()),
            _ => Use::Exact,
        }
    }

    /// Places in the schema and names of the variables it reads, in the order of the names.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, &'static str)> + Clone + '_ {
        self.reads.iter().filter_map(|place| self.schema.get(*place).map(|(name, _)| (*place, *name)))
    }

    /// Names of the variables it reads, sorted.
    #[must_use]
    pub fn reads(&self) -> Vec<&'static str> {
        self.places().map(|(_, name)| name).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    Exists,
    All,
}

/// A node with the offset of its text.
#[derive(Clone, Debug, PartialEq)]
struct Expr {
    offset: usize,
    node: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Constant(Value),
    Variable(usize),
    /// The variable of the enclosing quantifier, counted from the outside.
    Local(usize),
    Has(usize),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    Arith(Arith, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    Choose(Box<[Expr; 3]>),
    Call(Function, Vec<Expr>),
    Quantify(Quantifier, Box<Expr>, Box<Expr>),
}

impl Expr {
    fn children(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Constant(_) | Node::Variable(_) | Node::Local(_) | Node::Has(_) => Vec::new(),
            Node::Not(a) | Node::Negate(a) => vec![a],
            Node::And(list) | Node::Or(list) | Node::Call(_, list) => list.iter().collect(),
            Node::Compare(_, a, b) | Node::Arith(_, a, b) | Node::In(a, b) | Node::Quantify(_, a, b) => vec![a, b],
            Node::Choose(parts) => parts.iter().collect(),
        }
    }

    /// One entry for each place where the variable is compared with a number, or only asked for with `has`.
    fn collect_comparisons(&self, place: usize, out: &mut Vec<Option<f64>>) {
        match &self.node {
            Node::Has(p) if *p == place => out.push(None),
            Node::Compare(_, a, b) => {
                for (variable, constant) in [(a, b), (b, a)] {
                    if variable.node == Node::Variable(place)
                        && let Some(number) = constant.number()
                    {
                        out.push(Some(number));
                    }
                }
            }
            Node::Constant(_)
            | Node::Variable(_)
            | Node::Local(_)
            | Node::Has(_)
            | Node::Not(_)
            | Node::Negate(_)
            | Node::And(_)
            | Node::Or(_)
            | Node::Arith(..)
            | Node::In(..)
            | Node::Choose(_)
            | Node::Call(..)
            | Node::Quantify(..) => {}
        }
        for child in self.children() {
            child.collect_comparisons(place, out);
        }
    }

    fn number(&self) -> Option<f64> {
        match &self.node {
            Node::Constant(Value::Double(n)) => Some(*n),
            Node::Constant(Value::Int(n)) => i32::try_from(*n).ok().map(f64::from),
            _ => None,
        }
    }

    fn collect_variables(&self, places: &mut Vec<usize>) {
        if let Node::Variable(place) | Node::Has(place) = &self.node {
            places.push(*place);
        }
        for child in self.children() {
            child.collect_variables(places);
        }
    }
}
