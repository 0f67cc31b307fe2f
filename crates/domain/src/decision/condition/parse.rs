//! Tokens to a tree. Recursion is bounded twice: by the parser's own depth and by the depth of the tree it builds.

use super::lex::{Placed, Token};
use super::{Arith, Compare, ConditionError, DEPTH_MAX, Expr, Function, Node, Quantifier, Schema, Value};

pub(super) fn parse(tokens: &[Placed], end: usize, schema: Schema) -> Result<Expr, ConditionError> {
    let mut parser = Parser { tokens, at: 0, end, schema, depth: 0, locals: Vec::new() };
    let root = parser.expression()?;
    if let Some(extra) = tokens.get(parser.at) {
        return Err(ConditionError::new(
            extra.offset,
            format!("unexpected {} after the end of the condition", show(&extra.token)),
        )
        .hint("join conditions with && or ||"));
    }
    if too_deep(&root, DEPTH_MAX) {
        return Err(nested(root.offset));
    }
    Ok(root)
}

fn nested(offset: usize) -> ConditionError {
    ConditionError::new(offset, format!("nested deeper than {DEPTH_MAX} levels")).hint("split it into several rules")
}

/// Left-leaning chains (`1 + 1 + …`) deepen the tree without parser recursion, so the tree is measured too. The walk itself
/// stops at the limit.
fn too_deep(expr: &Expr, left: usize) -> bool {
    left == 0 || expr.children().into_iter().any(|child| too_deep(child, left - 1))
}

struct Parser<'t> {
    tokens: &'t [Placed],
    at: usize,
    end: usize,
    schema: Schema,
    depth: usize,
    locals: Vec<String>,
}

impl Parser<'_> {
    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |p| p.offset)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|p| &p.token)
    }

    fn take_mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(m)) if *m == mark);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect_mark(&mut self, mark: &str) -> Result<(), ConditionError> {
        if self.take_mark(mark) {
            return Ok(());
        }
        let found = self.peek().map_or("the end of the condition".to_owned(), show);
        Err(ConditionError::new(self.offset(), format!("expected `{mark}`, found {found}")))
    }

    fn expression(&mut self) -> Result<Expr, ConditionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(nested(self.offset()));
        }
        let offset = self.offset();
        let condition = self.or()?;
        let result = if self.take_mark("?") {
            let yes = self.expression()?;
            self.expect_mark(":")?;
            let no = self.expression()?;
            Expr { offset, node: Node::Choose(Box::new([condition, yes, no])) }
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn or(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let first = self.and()?;
        let mut terms = vec![first];
        while self.take_mark("||") {
            terms.push(self.and()?);
        }
        Ok(single(terms).unwrap_or_else(|terms| Expr { offset, node: Node::Or(terms) }))
    }

    fn and(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let first = self.relation()?;
        let mut terms = vec![first];
        while self.take_mark("&&") {
            terms.push(self.relation()?);
        }
        Ok(single(terms).unwrap_or_else(|terms| Expr { offset, node: Node::And(terms) }))
    }

    fn relation(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let mut left = self.sum()?;
        loop {
            let compare = match self.peek() {
                Some(Token::Mark("==")) => Some(Compare::Eq),
                Some(Token::Mark("!=")) => Some(Compare::Ne),
                Some(Token::Mark("<")) => Some(Compare::Lt),
                Some(Token::Mark("<=")) => Some(Compare::Le),
                Some(Token::Mark(">")) => Some(Compare::Gt),
                Some(Token::Mark(">=")) => Some(Compare::Ge),
                Some(Token::Name(name)) if name == "in" => None,
                Some(_) | None => return Ok(left),
            };
            self.at += 1;
            let right = Box::new(self.sum()?);
            let node = match compare {
                Some(compare) => Node::Compare(compare, Box::new(left), right),
                None => Node::In(Box::new(left), right),
            };
            left = Expr { offset, node };
        }
    }

    fn sum(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Some(Token::Mark("+")) => Arith::Add,
                Some(Token::Mark("-")) => Arith::Sub,
                Some(_) | None => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = Expr { offset, node: Node::Arith(op, Box::new(left), Box::new(right)) };
        }
    }

    fn product(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Some(Token::Mark("*")) => Arith::Mul,
                Some(Token::Mark("/")) => Arith::Div,
                Some(Token::Mark("%")) => Arith::Rem,
                Some(_) | None => return Ok(left),
            };
            self.at += 1;
            let right = self.unary()?;
            left = Expr { offset, node: Node::Arith(op, Box::new(left), Box::new(right)) };
        }
    }

    fn unary(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let not = self.take_mark("!");
        if !not && !self.take_mark("-") {
            return self.member();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(nested(offset));
        }
        let inner = Box::new(self.unary()?);
        self.depth -= 1;
        Ok(Expr { offset, node: if not { Node::Not(inner) } else { Node::Negate(inner) } })
    }

    /// A primary and the method calls behind it.
    fn member(&mut self) -> Result<Expr, ConditionError> {
        let mut target = self.primary()?;
        while matches!(self.peek(), Some(Token::Mark("."))) {
            self.at += 1;
            let offset = self.offset();
            let Some(Token::Name(name)) = self.peek().cloned() else {
                return Err(ConditionError::new(offset, "expected a name after `.`"));
            };
            self.at += 1;
            target = self.method(target, &name, offset)?;
        }
        Ok(target)
    }

    fn method(&mut self, target: Expr, name: &str, offset: usize) -> Result<Expr, ConditionError> {
        self.expect_mark("(")?;
        if let Some(quantifier) = match name {
            "exists" => Some(Quantifier::Exists),
            "all" => Some(Quantifier::All),
            _ => None,
        } {
            let local_at = self.offset();
            let Some(Token::Name(local)) = self.peek().cloned() else {
                return Err(ConditionError::new(local_at, format!("expected a name: list.{name}(x, condition on x)")));
            };
            self.at += 1;
            self.expect_mark(",")?;
            self.locals.push(local);
            let body = self.expression()?;
            self.locals.pop();
            self.expect_mark(")")?;
            return Ok(Expr { offset, node: Node::Quantify(quantifier, Box::new(target), Box::new(body)) });
        }
        let function = function(name, offset)?;
        let mut arguments = vec![target];
        arguments.extend(self.arguments()?);
        Ok(Expr { offset, node: Node::Call(function, arguments) })
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, ConditionError> {
        let mut list = Vec::new();
        if self.take_mark(")") {
            return Ok(list);
        }
        loop {
            list.push(self.expression()?);
            if self.take_mark(")") {
                return Ok(list);
            }
            self.expect_mark(",")?;
        }
    }

    fn primary(&mut self) -> Result<Expr, ConditionError> {
        let offset = self.offset();
        let Some(token) = self.peek().cloned() else {
            return Err(ConditionError::new(offset, "expected a value, found the end of the condition"));
        };
        self.at += 1;
        let node = match token {
            Token::Int(n) => Node::Constant(Value::Int(n)),
            Token::Double(n) => Node::Constant(Value::Double(n)),
            Token::Text(text) => Node::Constant(Value::Str(text.into())),
            Token::Mark("(") => {
                let inner = self.expression()?;
                self.expect_mark(")")?;
                return Ok(inner);
            }
            Token::Mark("[") => Node::Constant(Value::List(self.constants()?)),
            Token::Mark(mark) => {
                return Err(ConditionError::new(offset, format!("expected a value, found `{mark}`")));
            }
            Token::Name(name) => self.named(&name, offset)?,
        };
        Ok(Expr { offset, node })
    }

    /// A keyword, a function call, a local or a variable (whose dotted name is read as far as the schema knows it).
    fn named(&mut self, name: &str, offset: usize) -> Result<Node, ConditionError> {
        match name {
            "true" => return Ok(Node::Constant(Value::Bool(true))),
            "false" => return Ok(Node::Constant(Value::Bool(false))),
            "has" => {
                self.expect_mark("(")?;
                let at = self.offset();
                let Some(Token::Name(first)) = self.peek().cloned() else {
                    return Err(ConditionError::new(at, "has() takes a variable"));
                };
                self.at += 1;
                let place = self.variable(&first, at)?;
                self.expect_mark(")")?;
                return Ok(Node::Has(place));
            }
            _ => {}
        }
        if let Some(place) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(place));
        }
        if matches!(self.peek(), Some(Token::Mark("("))) {
            self.at += 1;
            let function = function(name, offset)?;
            return Ok(Node::Call(function, self.arguments()?));
        }
        Ok(Node::Variable(self.variable(name, offset)?))
    }

    fn variable(&mut self, first: &str, offset: usize) -> Result<usize, ConditionError> {
        let mut name = first.to_owned();
        loop {
            if let Some(place) = self.schema.iter().position(|(n, _)| *n == name) {
                // `vuln.ssvc` could be both a variable and a prefix: the longest name wins.
                if !self.longer_exists(&name) {
                    return Ok(place);
                }
            }
            let next = match (self.peek(), self.tokens.get(self.at + 1).map(|p| &p.token)) {
                (Some(Token::Mark(".")), Some(Token::Name(next))) => next.clone(),
                _ => break,
            };
            self.at += 2;
            name = format!("{name}.{next}");
        }
        let known = self.schema.iter().position(|(n, _)| *n == name);
        known.ok_or_else(|| {
            let error = ConditionError::new(offset, format!("unknown variable `{name}`"));
            let near = nearest(&name, self.schema.iter().map(|(n, _)| *n));
            match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => {
                    error.hint(format!("known: {}", self.schema.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ")))
                }
            }
        })
    }

    fn longer_exists(&self, name: &str) -> bool {
        let (Some(Token::Mark(".")), Some(Token::Name(next))) =
            (self.peek(), self.tokens.get(self.at + 1).map(|p| &p.token))
        else {
            return false;
        };
        let longer = format!("{name}.{next}");
        self.schema
            .iter()
            .any(|(n, _)| n.strip_prefix(longer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// The constants of a list, behind its `[`.
    fn constants(&mut self) -> Result<Vec<Value>, ConditionError> {
        let mut list = Vec::new();
        if self.take_mark("]") {
            return Ok(list);
        }
        loop {
            let offset = self.offset();
            let negative = self.take_mark("-");
            let value = match (self.peek(), negative) {
                (Some(Token::Text(text)), false) => Value::Str(text.clone().into()),
                (Some(Token::Int(n)), false) => Value::Int(*n),
                (Some(Token::Int(n)), true) => Value::Int(-*n),
                (Some(Token::Double(n)), false) => Value::Double(*n),
                (Some(Token::Double(n)), true) => Value::Double(-*n),
                (Some(_) | None, _) => {
                    return Err(ConditionError::new(offset, "a list holds constants: texts or numbers"));
                }
            };
            self.at += 1;
            list.push(value);
            if self.take_mark("]") {
                return Ok(list);
            }
            self.expect_mark(",")?;
        }
    }
}

fn single(mut terms: Vec<Expr>) -> Result<Expr, Vec<Expr>> {
    if terms.len() == 1 { terms.pop().ok_or(terms) } else { Err(terms) }
}

fn function(name: &str, offset: usize) -> Result<Function, ConditionError> {
    match name {
        "size" => Ok(Function::Size),
        "contains" => Ok(Function::Contains),
        "startsWith" => Ok(Function::StartsWith),
        "endsWith" => Ok(Function::EndsWith),
        "lowerAscii" => Ok(Function::LowerAscii),
        "matches" => Err(ConditionError::new(offset, "`matches` is left out: regular expressions have no step limit")
            .hint("use startsWith, endsWith or contains")),
        other => Err(ConditionError::new(offset, format!("unknown function `{other}`"))
            .hint("known: size, contains, startsWith, endsWith, lowerAscii, has, exists, all")),
    }
}

fn show(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Int(n) => format!("`{n}`"),
        Token::Double(n) => format!("`{n}`"),
        Token::Text(_) => "a text".to_owned(),
        Token::Mark(mark) => format!("`{mark}`"),
    }
}

/// The known name that is at most two edits away.
pub(in crate::decision) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(d, _)| *d <= 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance; names are short (bounded by the condition's length).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(x != y);
            left = cost.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
