//! Method calls: operations of clients, methods of the workspace, and those of the standard library that hand a value on.

use super::{
    body::{Tracer, Val},
    facts::Key,
};
use crate::model::{
    expression::of_type,
    operations,
    types::{Bound, Ty},
};
use syn::{Expr, ExprMethodCall, GenericArgument};

/// Methods whose value is their receiver, wrapped or not.
const SAME: &[&str] = &[
    "clone",
    "cloned",
    "to_owned",
    "as_ref",
    "as_mut",
    "as_deref",
    "as_deref_mut",
    "borrow",
    "borrow_mut",
    "deref",
    "deref_mut",
    "by_ref",
    "map_err",
    "or_else",
    "inspect",
    "inspect_err",
    "instrument",
    "in_current_span",
    "boxed",
    "boxed_local",
    "into_future",
    "fuse",
    "shared",
    "context",
    "with_context",
    "wrap_err",
    "wrap_err_with",
    "lock",
    "read",
    "write",
    "try_lock",
    "get_ref",
    "get_mut",
    "load",
    "load_full",
    "as_arc",
    "iter",
    "iter_mut",
    "into_iter",
    "await_ready",
    "take",
    "downgrade",
    "upgrade",
    "get_or_insert",
    "insert",
    "timeout",
    "rev",
    "skip",
    "chain",
    "peekable",
    "ok",
    "err_into",
    "report",
    "change_context",
    "attach_printable",
    "into_report",
    "pin",
    "copied",
    "force",
    "value",
];

/// Methods that take a value out of what is around it.
const OUT: &[&str] = &[
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "unwrap_unchecked",
    "ok_or",
    "ok_or_else",
    "into_inner",
    "next",
    "first",
    "last",
    "pop",
    "get",
    "nth",
    "remove",
    "pop_front",
    "get_or_init",
    "get_or_try_init",
    "wait",
    "choose",
    "or_insert_with",
];

impl Tracer<'_> {
    pub(super) fn method_call(&mut self, call: &ExprMethodCall) -> Val {
        let receiver = self.expression(&call.receiver);
        let name = call.method.to_string();
        let operation = if call.args.is_empty() {
            operations::named(&name)
        } else {
            None
        };
        let own = self.program.method(&receiver.ty, &name);
        let of_client = matches!(self.sdk(&receiver.ty), Some(Ty::Client(_))) && operation.is_some();
        if let Some((id, on)) = own
            && !(of_client && matches!(on, Ty::Client(_)))
        {
            return self.own_call(id, Some(&on), &receiver, call.args.iter(), call.turbofish.as_ref());
        }
        match self.sdk(&receiver.ty) {
            Some(Ty::Client(_)) => {
                if let Some(operation) = operation {
                    let sure = if receiver.guessed { 1 } else { 2 };
                    let node = self.site(operation, call.method.span(), sure, false);
                    return Val::at(Ty::Builder(operation), vec![node]);
                }
            }
            Some(Ty::Builder(operation)) if !matches!(receiver.ty, Ty::Function(..)) => {
                return self.request(call, receiver, operation, false);
            }
            Some(Ty::Input(operation)) => return self.request(call, receiver, operation, true),
            Some(Ty::Paginator(operation)) => {
                let closures: Vec<&Expr> = call.args.iter().collect();
                if name == "try_next" || name == "next" {
                    return Val::at(Ty::Other("Option".into(), vec![Ty::Output(operation)]), receiver.nodes);
                }
                let each = Val::at(Ty::Output(operation), receiver.nodes.clone());
                for argument in closures {
                    self.argument(argument, Some(&each));
                }
                return receiver;
            }
            Some(Ty::Output(operation)) if !receiver.items => {
                let direct = matches!(receiver.ty, Ty::Output(_))
                    || !SAME.contains(&name.as_str()) && !OUT.contains(&name.as_str());
                if direct
                    && call.args.is_empty()
                    && !matches!(name.as_str(), "clone" | "into" | "try_into" | "to_owned")
                {
                    return self.answer(&receiver, operation, &name);
                }
                if matches!(name.as_str(), "into" | "try_into") {
                    self.say(&receiver.nodes, |facts| facts.escaped = true);
                    return Val::unknown();
                }
            }
            _ => {}
        }
        if let Some(operation) = operation
            && let Some(value) = self.perhaps(operation, call, &receiver)
        {
            return value;
        }
        if matches!(
            name.as_str(),
            "last_evaluated_key" | "set_exclusive_start_key" | "exclusive_start_key"
        ) && receiver.nodes.is_empty()
        {
            self.untied.insert(self.function);
        }
        self.handed_on(call, receiver, &name)
    }

    /// An operation's name on what is not known: a site when the request is told more that only DynamoDB has.
    fn perhaps(&mut self, operation: &'static str, call: &ExprMethodCall, receiver: &Val) -> Option<Val> {
        if !self.imports || receiver.items {
            return None;
        }
        let possible = match &receiver.ty {
            Ty::Unknown | Ty::Own(..) => true,
            Ty::Other(name, _) => !name.contains("::"),
            Ty::Bound(_, bounds) => !bounds.iter().any(|bound| matches!(bound, Bound::Own(..))),
            _ => false,
        };
        if !possible || self.guessed_method(call.method.to_string().as_str()).is_some() {
            return None;
        }
        let node = self.site(operation, call.method.span(), 0, false);
        if named_like_client(&call.receiver) {
            self.say(&[node], |facts| facts.telling += 1);
        }
        Some(Val::at(Ty::Builder(operation), vec![node]))
    }

    /// The only method of the workspace with that name, where all of that name return the same of the SDK.
    fn guessed_method(&self, name: &str) -> Option<Ty> {
        let mut found: Option<Ty> = None;
        for id in self.program.methods.get(name)? {
            let place = self.program.place_of(*id, None);
            let ty = self.program.ty(&self.program.functions[*id].function.returns, &place);
            self.sdk(&ty)?;
            if found.as_ref().is_some_and(|known| *known != ty) {
                return None;
            }
            found = Some(ty);
        }
        found
    }

    fn handed_on(&mut self, call: &ExprMethodCall, receiver: Val, name: &str) -> Val {
        if receiver.items {
            return self.items_method(call, receiver, name);
        }
        if SAME.contains(&name) || OUT.contains(&name) {
            let made = call
                .args
                .iter()
                .map(|argument| self.argument(argument, None))
                .fold(Val::unknown(), Val::or);
            let value = if SAME.contains(&name) {
                receiver
            } else {
                self.unwrapped(receiver)
            };
            if value.ty == Ty::Unknown {
                if self.sdk(&made.ty).is_some() {
                    return self.unfunction(made);
                }
                if matches!(name, "get" | "value" | "load" | "read" | "write" | "lock") {
                    return self.guessed_value(call, name).unwrap_or(value);
                }
            }
            return value;
        }
        match name {
            "map"
            | "and_then"
            | "then"
            | "map_ok"
            | "flat_map"
            | "filter_map"
            | "with"
            | "map_or"
            | "map_or_else"
            | "for_each"
            | "and_then_async"
            | "buffer_unordered"
            | "buffered"
            | "inspect_ok"
            | "is_some_and"
            | "is_ok_and"
            | "scope"
            | "sync_scope"
            | "spawn"
            | "spawn_local"
            | "run"
            | "call"
            | "retry"
            | "retry_if"
            | "try_for_each"
            | "for_each_concurrent"
            | "find_map"
            | "partition"
            | "fold"
            | "try_fold" => {
                let inner = self.inside(&receiver);
                let mut value = Val::unknown();
                for argument in &call.args {
                    let made = self.argument(argument, Some(&inner));
                    value = value.or(self.unfunction(made));
                }
                if call.args.is_empty()
                    || value.ty == Ty::Unknown
                        && value.nodes.is_empty()
                        && matches!(name, "buffer_unordered" | "buffered")
                {
                    return receiver;
                }
                if matches!(receiver.ty, Ty::Other(..)) && !matches!(value.ty, Ty::Other(..)) && value.ty != Ty::Unknown
                {
                    value.ty = Ty::Other("Option".into(), vec![value.ty]);
                }
                value
            }
            _ => {
                let mut value = Val::unknown();
                for argument in &call.args {
                    let made = self.argument(argument, None);
                    if self.carries(&made.ty) {
                        value = value.or(self.unfunction(made));
                    }
                }
                if value.nodes.is_empty() {
                    self.guessed_value(call, name).unwrap_or(value)
                } else {
                    value
                }
            }
        }
    }

    fn guessed_value(&mut self, call: &ExprMethodCall, name: &str) -> Option<Val> {
        let ty = self.guessed_method(name)?;
        let _ = call;
        if !matches!(self.sdk(&ty), Some(Ty::Client(_) | Ty::Builder(_))) {
            return None;
        }
        let mut value = Val::of(ty);
        value.guessed = true;
        if let Some(ids) = self.program.methods.get(name)
            && let [only] = ids.as_slice()
            && self.carries(&value.ty)
        {
            let node = self.called(*only);
            value.nodes.push(node);
        }
        Some(value)
    }

    fn items_method(&mut self, call: &ExprMethodCall, receiver: Val, name: &str) -> Val {
        for argument in &call.args {
            self.argument(argument, None);
        }
        match name {
            "first" | "next" | "pop" | "nth" => {
                self.say_items(&receiver, true);
                Val::unknown()
            }
            "get" if call.args.len() == 1 => {
                self.say_items(&receiver, true);
                Val::unknown()
            }
            "is_empty" | "len" | "is_some" | "is_none" => {
                if name == "len" {
                    self.say_items(&receiver, false);
                }
                Val::unknown()
            }
            _ if SAME.contains(&name) || OUT.contains(&name) => receiver,
            "map" if matches!(&*call.receiver, Expr::Field(_) | Expr::MethodCall(_)) => receiver,
            _ => {
                self.say_items(&receiver, false);
                Val::unknown()
            }
        }
    }

    /// A value without the function that makes it.
    pub(super) fn unfunction(&self, mut value: Val) -> Val {
        if let Ty::Function(_, returns) = value.ty {
            value.ty = *returns;
        }
        value
    }

    /// A value out of one `Option`, `Result` or other wrapper; of what is none, itself.
    pub(super) fn unwrapped(&self, value: Val) -> Val {
        match &value.ty {
            Ty::Other(..) if !value.items => self.inside(&value),
            _ => value,
        }
    }

    /// An argument; a closure's first parameter is `inner`.
    pub(super) fn argument(&mut self, argument: &Expr, inner: Option<&Val>) -> Val {
        match argument {
            Expr::Closure(closure) => self.closure(closure, &[], inner),
            Expr::Path(path) if inner.is_some() => self.applied(path, inner),
            other => self.expression(other),
        }
    }

    /// A call of a function of the workspace.
    pub(super) fn own_call<'e>(
        &mut self,
        id: usize,
        on: Option<&Ty>,
        receiver: &Val,
        arguments: impl Iterator<Item = &'e Expr>,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
    ) -> Val {
        let mut place = self.program.place_of(id, on);
        let function = &self.program.functions[id].function;
        let types = turbofish
            .into_iter()
            .flat_map(|list| &list.args)
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(of_type(ty)),
                _ => None,
            });
        for ((name, _), written) in function.generics.iter().zip(types) {
            let ty = self.program.ty(&written, &self.place);
            place.given.insert(name.clone(), ty);
        }
        let mut carried = Vec::new();
        let mut handed: Option<Val> = None;
        for (at, argument) in arguments.enumerate() {
            let expected = function
                .parameters
                .get(at)
                .map_or(Ty::Unknown, |written| self.program.ty(written, &place));
            let value = match argument {
                Expr::Closure(closure) => self.closure(closure, &inputs_of(&expected), None),
                other => self.expression(other),
            };
            if let Ty::Bound(name, _) = &expected
                && !name.is_empty()
                && value.ty != Ty::Unknown
                && !matches!(value.ty, Ty::Function(..))
            {
                place.given.insert(name.clone(), value.ty.clone());
            }
            if let Ty::Function(_, returns) = &value.ty
                && let Some(Ty::Bound(name, _)) = output_of(&expected)
                && !name.is_empty()
                && **returns != Ty::Unknown
            {
                place.given.insert(name, (**returns).clone());
            }
            if !value.nodes.is_empty() && !value.items && self.sdk(&value.ty).is_some() {
                if !matches!(value.ty, Ty::Function(..)) {
                    let to = self.node(Key::Parameter(id, at));
                    self.flow(&value.nodes, to);
                }
                carried.extend(value.nodes.clone());
                handed = Some(value);
            }
        }
        let ty = self.program.ty(&function.returns, &place);
        let mut value = Val::of(ty);
        value.guessed = receiver.guessed;
        let carries = self.carries(&value.ty);
        if let Some(handed) = handed {
            if carries {
                value.nodes = carried;
            } else if matches!(value.ty, Ty::Unknown) || matches!(&value.ty, Ty::Bound(name, _) if !name.is_empty()) {
                return self.unfunction(handed);
            } else if let Ty::Other(_, arguments) = &value.ty
                && arguments.iter().any(|ty| matches!(ty, Ty::Unknown | Ty::Bound(..)))
            {
                return self.unfunction(handed);
            }
        } else if carries {
            let node = self.called(id);
            value.nodes.push(node);
        }
        value
    }
}

/// The types that a closure given for such a parameter is called with.
pub(super) fn inputs_of(expected: &Ty) -> Vec<Ty> {
    match expected {
        Ty::Function(inputs, _) => inputs.clone(),
        Ty::Bound(_, bounds) => bounds
            .iter()
            .find_map(|bound| match bound {
                Bound::Function(inputs, _) => Some(inputs.clone()),
                _ => None,
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn output_of(expected: &Ty) -> Option<Ty> {
    match expected {
        Ty::Function(_, output) => Some((**output).clone()),
        Ty::Bound(_, bounds) => bounds.iter().find_map(|bound| match bound {
            Bound::Function(_, output) => Some(output.clone()),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether an expression is called as clients of DynamoDB are.
fn named_like_client(expression: &Expr) -> bool {
    let name = match expression {
        Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        Expr::MethodCall(call) => Some(call.method.to_string()),
        Expr::Paren(inner) => return named_like_client(&inner.expr),
        Expr::Reference(inner) => return named_like_client(&inner.expr),
        _ => None,
    };
    name.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("dynamo") || name.contains("ddb")
    })
}
