//! Types, checked once when the policy is read.

use super::{ConditionError, Expr, Function, Node, Schema, Type, Value};

pub(super) fn check(root: &Expr, schema: Schema) -> Result<Type, ConditionError> {
    Checker { schema, locals: Vec::new() }.expr(root)
}

struct Checker {
    schema: Schema,
    locals: Vec<Type>,
}

impl Checker {
    fn expr(&mut self, expr: &Expr) -> Result<Type, ConditionError> {
        let wrong = |message: String| Err(ConditionError::new(expr.offset, message));
        match &expr.node {
            Node::Constant(value) => constant(value, expr.offset),
            Node::Variable(place) => Ok(self.schema.get(*place).map_or(Type::Bool, |(_, t)| *t)),
            Node::Local(place) => Ok(self.locals.get(*place).copied().unwrap_or(Type::Str)),
            Node::Has(_) => Ok(Type::Bool),
            Node::Not(inner) => {
                self.want(inner, Type::Bool, "`!`")?;
                Ok(Type::Bool)
            }
            Node::Negate(inner) => match self.expr(inner)? {
                t @ (Type::Int | Type::Double) => Ok(t),
                t => wrong(format!("`-` takes a number, not a {}", t.word())),
            },
            Node::And(terms) | Node::Or(terms) => {
                for term in terms {
                    self.want(term, Type::Bool, "`&&` and `||`")?;
                }
                Ok(Type::Bool)
            }
            Node::Compare(op, a, b) => {
                let (left, right) = (self.expr(a)?, self.expr(b)?);
                let equality = matches!(op, super::Compare::Eq | super::Compare::Ne);
                match (left, right) {
                    (Type::Int | Type::Double, Type::Int | Type::Double) | (Type::Str, Type::Str) => Ok(Type::Bool),
                    (Type::Bool, Type::Bool) if equality => Ok(Type::Bool),
                    (l, r) => wrong(format!("a {} cannot be compared so with a {}", l.word(), r.word())),
                }
            }
            Node::Arith(op, a, b) => match (op, self.expr(a)?, self.expr(b)?) {
                (_, Type::Int, Type::Int) => Ok(Type::Int),
                (super::Arith::Rem, Type::Double, Type::Double) => wrong("`%` takes integers".to_owned()),
                (_, Type::Double, Type::Double) => Ok(Type::Double),
                (_, l, r) => Err(ConditionError::new(
                    expr.offset,
                    format!("arithmetic does not mix a {} and a {}", l.word(), r.word()),
                )
                .hint("write 7.0 instead of 7 beside a double")),
            },
            Node::In(a, b) => match (self.expr(a)?, self.expr(b)?) {
                (Type::Str, Type::StrList) | (Type::Int | Type::Double, Type::IntList | Type::DoubleList) => {
                    Ok(Type::Bool)
                }
                (l, r) => Err(ConditionError::new(
                    expr.offset,
                    format!("`in` cannot look for a {} in a {}", l.word(), r.word()),
                )
                .hint("write `value in [\"a\", \"b\"]` or `\"tag\" in asset.tags`")),
            },
            Node::Choose(parts) => {
                let [condition, yes, no] = parts.as_ref();
                self.want(condition, Type::Bool, "`?:`")?;
                let (yes, no) = (self.expr(yes)?, self.expr(no)?);
                if yes == no {
                    Ok(yes)
                } else {
                    wrong(format!("both answers of `?:` have to be of one type, not {} and {}", yes.word(), no.word()))
                }
            }
            Node::Call(function, arguments) => self.call(*function, arguments, expr.offset),
            Node::Quantify(_, list, body) => {
                let element = match self.expr(list)? {
                    Type::StrList => Type::Str,
                    Type::IntList => Type::Int,
                    Type::DoubleList => Type::Double,
                    t => {
                        return wrong(format!("exists() and all() take a list, not a {}", t.word()));
                    }
                };
                self.locals.push(element);
                let body = self.want(body, Type::Bool, "exists() and all()");
                self.locals.pop();
                body.map(|()| Type::Bool)
            }
        }
    }

    fn want(&mut self, expr: &Expr, wanted: Type, by: &str) -> Result<(), ConditionError> {
        let found = self.expr(expr)?;
        if found == wanted {
            Ok(())
        } else {
            Err(ConditionError::new(expr.offset, format!("{by} takes a {}, not a {}", wanted.word(), found.word())))
        }
    }

    fn call(&mut self, function: Function, arguments: &[Expr], offset: usize) -> Result<Type, ConditionError> {
        let mut types = Vec::new();
        for argument in arguments {
            types.push(self.expr(argument)?);
        }
        match (function, types.as_slice()) {
            (Function::Size, [Type::Str | Type::StrList | Type::IntList | Type::DoubleList]) => Ok(Type::Int),
            (Function::Contains | Function::StartsWith | Function::EndsWith, [Type::Str, Type::Str]) => Ok(Type::Bool),
            (Function::LowerAscii, [Type::Str]) => Ok(Type::Str),
            (Function::Size, _) => Err(ConditionError::new(offset, "size() takes one text or list")),
            (Function::Contains | Function::StartsWith | Function::EndsWith, _) => {
                Err(ConditionError::new(offset, "this function takes texts: text.startsWith(\"x\")"))
            }
            (Function::LowerAscii, _) => Err(ConditionError::new(offset, "lowerAscii() takes one text")),
        }
    }
}

fn constant(value: &Value, offset: usize) -> Result<Type, ConditionError> {
    match value {
        Value::Bool(_) => Ok(Type::Bool),
        Value::Int(_) => Ok(Type::Int),
        Value::Double(_) => Ok(Type::Double),
        Value::Str(_) => Ok(Type::Str),
        Value::List(list) => {
            let all = |test: fn(&Value) -> bool| list.iter().all(test);
            if all(|v| matches!(v, Value::Str(_))) {
                Ok(Type::StrList)
            } else if all(|v| matches!(v, Value::Int(_))) {
                Ok(Type::IntList)
            } else if all(|v| matches!(v, Value::Double(_))) {
                Ok(Type::DoubleList)
            } else {
                Err(ConditionError::new(offset, "a list holds values of one type"))
            }
        }
    }
}
