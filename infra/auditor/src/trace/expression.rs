//! Walks expressions; each is walked once, and says what its value is.

use super::{
    body::{Around, Tracer, Val},
    facts::Key,
};
use crate::model::{
    expression::{of_return, of_type},
    types::Ty,
};
use syn::{Expr, ExprClosure, Pat};

impl Tracer<'_> {
    pub(super) fn expression(&mut self, expression: &Expr) -> Val {
        match expression {
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Call(call) => self.call(call),
            Expr::Path(path) => self.path(path),
            Expr::Field(field) => {
                let base = self.expression(&field.base);
                let name = match &field.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(at) => at.index.to_string(),
                };
                self.read_field(&base, &name)
            }
            Expr::Await(inner) => {
                let value = self.expression(&inner.base);
                if self.loops.last() == Some(&Around::Each) {
                    self.say(&value.nodes, |facts| facts.serial = true);
                }
                value
            }
            Expr::Try(inner) => {
                let value = self.expression(&inner.expr);
                self.unwrapped(value)
            }
            Expr::Reference(inner) => self.expression(&inner.expr),
            Expr::Paren(inner) => self.expression(&inner.expr),
            Expr::Group(inner) => self.expression(&inner.expr),
            Expr::Unary(inner) => self.expression(&inner.expr),
            Expr::Cast(inner) => self.expression(&inner.expr),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Const(inner) => self.block(&inner.block),
            Expr::TryBlock(inner) => self.block(&inner.block),
            Expr::Async(inner) => {
                let before = std::mem::take(&mut self.returned);
                let value = self.around(Around::Later, |tracer| tracer.block(&inner.block));
                let returned = std::mem::replace(&mut self.returned, before);
                returned.into_iter().fold(value, Val::or)
            }
            Expr::Closure(closure) => self.closure(closure, &[], None),
            Expr::Let(inner) => {
                let value = self.expression(&inner.expr);
                self.bind(&inner.pat, &value);
                Val::unknown()
            }
            Expr::If(inner) => {
                self.scopes.push(Vec::new());
                self.expression(&inner.cond);
                let then = self.block(&inner.then_branch);
                self.scopes.pop();
                match &inner.else_branch {
                    Some((_, otherwise)) => {
                        let otherwise = self.expression(otherwise);
                        then.or(otherwise)
                    }
                    None => then,
                }
            }
            Expr::Match(inner) => self.arms(inner),
            Expr::ForLoop(inner) => {
                let over = self.expression(&inner.expr);
                self.say_items(&over, false);
                let each = self.inside(&over);
                self.around(Around::Each, |tracer| {
                    tracer.bind(&inner.pat, &each);
                    tracer.block(&inner.body)
                });
                Val::unknown()
            }
            Expr::While(inner) => {
                let each = matches!(&*inner.cond, Expr::Let(_)) && is_next(&inner.cond);
                self.around(if each { Around::Each } else { Around::Again }, |tracer| {
                    tracer.expression(&inner.cond);
                    tracer.block(&inner.body)
                });
                Val::unknown()
            }
            Expr::Loop(inner) => self.around(Around::Again, |tracer| tracer.block(&inner.body)),
            Expr::Assign(inner) => {
                let value = self.expression(&inner.right);
                self.assigned(&inner.left, value);
                Val::unknown()
            }
            Expr::Return(inner) => {
                if let Some(value) = &inner.expr {
                    let value = self.expression(value);
                    self.returned.push(value);
                }
                Val::unknown()
            }
            Expr::Break(inner) => inner
                .expr
                .as_ref()
                .map_or_else(Val::unknown, |value| self.expression(value)),
            Expr::Yield(inner) => inner
                .expr
                .as_ref()
                .map_or_else(Val::unknown, |value| self.expression(value)),
            Expr::Tuple(inner) => {
                let parts: Vec<Val> = inner.elems.iter().map(|part| self.expression(part)).collect();
                let mut value = Val::of(Ty::Tuple(parts.iter().map(|part| part.ty.clone()).collect()));
                value.parts = parts;
                value
            }
            Expr::Array(inner) => {
                let each = inner
                    .elems
                    .iter()
                    .map(|part| self.expression(part))
                    .fold(Val::unknown(), Val::or);
                Val::at(Ty::Other("Vec".into(), vec![each.ty]), each.nodes)
            }
            Expr::Repeat(inner) => {
                let each = self.expression(&inner.expr);
                self.expression(&inner.len);
                Val::at(Ty::Other("Vec".into(), vec![each.ty]), each.nodes)
            }
            Expr::Index(inner) => {
                let over = self.expression(&inner.expr);
                self.expression(&inner.index);
                self.say_items(&over, true);
                self.inside(&over)
            }
            Expr::Struct(inner) => self.made(inner),
            Expr::Binary(inner) => {
                self.expression(&inner.left);
                self.expression(&inner.right);
                Val::unknown()
            }
            Expr::Range(inner) => {
                for end in [&inner.start, &inner.end].into_iter().flatten() {
                    self.expression(end);
                }
                Val::unknown()
            }
            Expr::Macro(inner) => self.macro_call(&inner.mac),
            Expr::Verbatim(tokens) => self.tokens(tokens.clone()),
            _ => Val::unknown(),
        }
    }

    fn arms(&mut self, inner: &syn::ExprMatch) -> Val {
        let over = self.expression(&inner.expr);
        let mut value: Option<Val> = None;
        for arm in &inner.arms {
            self.scopes.push(Vec::new());
            self.bind(&arm.pat, &over);
            if let Some((_, guard)) = &arm.guard {
                self.expression(guard);
            }
            let made = self.expression(&arm.body);
            self.scopes.pop();
            value = Some(match value {
                Some(value) => value.or(made),
                None => made,
            });
        }
        value.unwrap_or_else(Val::unknown)
    }

    fn assigned(&mut self, left: &Expr, value: Val) {
        match left {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
                self.assign(&name, value);
            }
            Expr::Tuple(tuple) => {
                for (at, part) in tuple.elems.iter().enumerate() {
                    let own = value.parts.get(at).cloned().unwrap_or_else(Val::unknown);
                    self.assigned(part, own);
                }
            }
            Expr::Unary(inner) => self.assigned(&inner.expr, value),
            Expr::Field(field) => {
                let place = self.expression(left);
                if let Some(first) = place.nodes.first()
                    && !value.nodes.contains(first)
                {
                    self.flow(&value.nodes, *first);
                } else if place.nodes.is_empty() {
                    self.leaves(&value, None);
                }
                let _ = field;
            }
            Expr::Infer(_) => self.say(&value.nodes, |facts| facts.dropped = true),
            other => {
                self.expression(other);
            }
        }
    }

    /// A field of a value.
    pub(super) fn read_field(&mut self, base: &Val, name: &str) -> Val {
        if let Ok(at) = name.parse::<usize>()
            && let Some(part) = base.parts.get(at)
        {
            return part.clone();
        }
        if let Some(Ty::Output(operation)) = self.sdk(&base.ty) {
            return self.answer(base, operation, name);
        }
        if matches!(name, "last_evaluated_key" | "next_token" | "last_evaluated_table_name") {
            self.untied.insert(self.function);
        }
        match self.program.field(&base.ty, name) {
            Some(ty) => {
                let mut value = Val::of(ty);
                value.guessed = base.guessed;
                if self.carries(&value.ty) {
                    let mut own = base.ty.clone();
                    for _ in 0..6 {
                        if let Ty::Own(id, _) = own
                            && self.program.types[id].fields.contains_key(name)
                        {
                            value.nodes.push(self.node(Key::Field(id, name.to_owned())));
                            break;
                        }
                        let Some(inner) = self.program.inner(&own) else { break };
                        own = inner;
                    }
                }
                value
            }
            None => self.guessed_field(base, name),
        }
    }

    /// The field of an unknown struct, where all structs of the workspace with such a field hold a client in it.
    fn guessed_field(&mut self, base: &Val, name: &str) -> Val {
        if base.ty != Ty::Unknown && !matches!(base.ty, Ty::Bound(..)) {
            return Val::unknown();
        }
        let mut found: Option<Ty> = None;
        for id in self.program.fields.get(name).into_iter().flatten() {
            let ty = self
                .program
                .field(&Ty::Own(*id, Vec::new()), name)
                .unwrap_or(Ty::Unknown);
            if !matches!(self.sdk(&ty), Some(Ty::Client(_))) || found.as_ref().is_some_and(|known| *known != ty) {
                return Val::unknown();
            }
            found = Some(ty);
        }
        let mut value = Val::of(found.unwrap_or(Ty::Unknown));
        value.guessed = true;
        value
    }

    fn made(&mut self, inner: &syn::ExprStruct) -> Val {
        let names: Vec<String> = inner
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let path = crate::model::expression::of_path(&inner.path);
        let ty = self
            .program
            .ty(&crate::model::expression::Written::Path(path), &self.place);
        for field in &inner.fields {
            let value = self.expression(&field.expr);
            let name = match &field.member {
                syn::Member::Named(name) => name.to_string(),
                syn::Member::Unnamed(at) => at.index.to_string(),
            };
            match &ty {
                Ty::Own(id, _)
                    if self.program.types[*id].fields.contains_key(&name) && self.sdk(&value.ty).is_some() =>
                {
                    let to = self.node(Key::Field(*id, name));
                    self.flow(&value.nodes, to);
                }
                _ => self.leaves(&value, None),
            }
        }
        if let Some(rest) = &inner.rest {
            self.expression(rest);
        }
        let _ = names;
        Val::of(ty)
    }

    /// A closure: its parameters have the types that are expected, or stand for a value.
    pub(super) fn closure(&mut self, closure: &ExprClosure, expected: &[Ty], given: Option<&Val>) -> Val {
        let before = std::mem::take(&mut self.returned);
        let value = self.around(Around::Later, |tracer| {
            for (at, input) in closure.inputs.iter().enumerate() {
                let value = match (given, expected.get(at)) {
                    (Some(given), _) if at == 0 => given.clone(),
                    (_, Some(ty)) => Val::of(ty.clone()),
                    _ => Val::unknown(),
                };
                match input {
                    Pat::Type(typed) => {
                        let written = tracer.program.ty(&of_type(&typed.ty), &tracer.place);
                        let mut value = value;
                        if written != Ty::Unknown {
                            value.ty = written;
                        }
                        tracer.bind(&typed.pat, &value);
                    }
                    other => tracer.bind(other, &value),
                }
            }
            tracer.expression(&closure.body)
        });
        let returned = std::mem::replace(&mut self.returned, before);
        let value = returned.into_iter().fold(value, Val::or);
        let mut ty = value.ty.clone();
        if !matches!(closure.output, syn::ReturnType::Default) && self.sdk(&ty).is_none() {
            ty = self.program.ty(&of_return(&closure.output), &self.place);
        }
        Val {
            ty: Ty::Function(Vec::new(), Box::new(ty)),
            ..value
        }
    }
}

/// `while let Some(x) = queue.next()` and the like.
fn is_next(condition: &Expr) -> bool {
    let Expr::Let(condition) = condition else { return false };
    let mut inner = &*condition.expr;
    loop {
        match inner {
            Expr::Await(next) => inner = &next.base,
            Expr::Try(next) => inner = &next.expr,
            Expr::MethodCall(call) => {
                return ["next", "pop", "pop_front", "recv", "try_next"]
                    .iter()
                    .any(|name| call.method == name);
            }
            _ => return false,
        }
    }
}
