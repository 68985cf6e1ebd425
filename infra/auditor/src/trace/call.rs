//! Calls of paths: functions, constructors, operations as `Client::scan(&client)`, and paths as values.

use super::{
    body::{Tracer, Val},
    facts::Key,
};
use crate::model::{
    expression::{Segment, Written, of_path, of_type},
    operations,
    program::Item,
    resolution::Found,
    types::{Ty, sdk},
};
use syn::{Expr, ExprCall, ExprPath};

/// Functions whose value is their argument.
const HANDS_ON: &[&str] = &["Arc", "Rc", "Box", "Pin", "Cow", "Ref"];

impl Tracer<'_> {
    pub(super) fn call(&mut self, call: &ExprCall) -> Val {
        let Expr::Path(path) = &*call.func else {
            let callee = self.expression(&call.func);
            let mut handed = Val::unknown();
            for argument in &call.args {
                let value = self.expression(argument);
                handed = handed.or(value);
            }
            let callee = self.unfunction(callee);
            return if callee.ty == Ty::Unknown { handed } else { callee };
        };
        let segments = path_segments(path);
        let Some(last) = segments.last() else {
            return Val::unknown();
        };
        if let [only] = segments.as_slice() {
            if let Some(local) = self.local(&only.name).cloned() {
                let inputs = super::method::inputs_of(&local.ty);
                let mut handed = Val::unknown();
                for argument in &call.args {
                    let value = match argument {
                        Expr::Closure(closure) => self.closure(closure, &inputs, None),
                        other => self.expression(other),
                    };
                    handed = handed.or(value);
                }
                let ty = match &local.ty {
                    Ty::Function(_, returns) => (**returns).clone(),
                    Ty::Bound(_, bounds) => bounds
                        .iter()
                        .find_map(|bound| match bound {
                            crate::model::types::Bound::Function(_, output) => Some(output.clone()),
                            _ => None,
                        })
                        .unwrap_or(Ty::Unknown),
                    _ => Ty::Unknown,
                };
                if self.carries(&ty) && !handed.nodes.is_empty() {
                    return Val::at(ty, handed.nodes);
                }
                return Val::at(ty, local.nodes);
            }
            if matches!(only.name.as_str(), "Some" | "Ok" | "Ready" | "Err") {
                let inner = call
                    .args
                    .iter()
                    .map(|argument| self.expression(argument))
                    .fold(Val::unknown(), Val::or);
                let name = if only.name == "Some" { "Option" } else { "Result" };
                if only.name == "Err" {
                    return Val::unknown();
                }
                return Val {
                    ty: Ty::Other(name.into(), vec![inner.ty.clone()]),
                    ..inner
                };
            }
        }
        if let [before @ .., _] = segments.as_slice()
            && !before.is_empty()
        {
            let own = self.type_of(path, before);
            if let Some(value) = self.on_type(path, &own, last, call) {
                return value;
            }
        }
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        match self.program.find_here(&self.place, &names, true) {
            Some(Found::Item(Item::Function(id))) => {
                let turbofish = path.path.segments.last().and_then(|segment| match &segment.arguments {
                    syn::PathArguments::AngleBracketed(list) => Some(list),
                    _ => None,
                });
                return self.own_call(id, None, &Val::unknown(), call.args.iter(), turbofish);
            }
            Some(Found::Item(Item::Constant(id))) => {
                let value = self.of_constant(id);
                for argument in &call.args {
                    self.expression(argument);
                }
                return self.unfunction(value);
            }
            _ => {}
        }
        // A tuple struct or variant, or a function of another crate.
        let own = self.program.ty(&Written::Path(segments.clone()), &self.place);
        let mut handed = Val::unknown();
        for (at, argument) in call.args.iter().enumerate() {
            let value = self.expression(argument);
            match &own {
                Ty::Own(id, _) if self.sdk(&value.ty).is_some() => {
                    let to = self.node(Key::Field(*id, at.to_string()));
                    self.flow(&value.nodes, to);
                }
                _ => handed = handed.or(value),
            }
        }
        match own {
            Ty::Own(..) => Val::of(own),
            _ if self.carries(&handed.ty) => self.unfunction(handed),
            _ if matches!(self.sdk(&handed.ty), Some(Ty::Client(_))) && matches!(handed.ty, Ty::Function(..)) => {
                self.unfunction(handed)
            }
            _ => Val::unknown(),
        }
    }

    /// The type before the last name of a path.
    fn type_of(&self, path: &ExprPath, before: &[Segment]) -> Ty {
        if let Some(own) = &path.qself {
            return self.program.ty(&of_type(&own.ty), &self.place);
        }
        let names: Vec<&str> = before.iter().map(|segment| segment.name.as_str()).collect();
        if let Some(Found::Sdk(path, streams)) = self.program.find_here(&self.place, &names, false) {
            return sdk(&path, streams);
        }
        self.program.ty(&Written::Path(before.to_vec()), &self.place)
    }

    fn on_type(&mut self, path: &ExprPath, own: &Ty, last: &Segment, call: &ExprCall) -> Option<Val> {
        let span = path.path.segments.last()?.ident.span();
        if let Ty::Client(_) = own {
            if let Some(operation) = operations::named(&last.name)
                && call.args.len() <= 1
            {
                for argument in &call.args {
                    self.expression(argument);
                }
                let node = self.site(operation, span, 2, false);
                return Some(Val::at(Ty::Builder(operation), vec![node]));
            }
            for argument in &call.args {
                self.expression(argument);
            }
            return Some(match self.program.method(own, &last.name) {
                Some((id, _)) => Val::of(self.program.ty(
                    &self.program.functions[id].function.returns,
                    &self.program.place_of(id, Some(own)),
                )),
                None => Val::of(own.clone()),
            });
        }
        if let Ty::Input(operation) | Ty::Builder(operation) | Ty::Output(operation) = own {
            let node = if matches!(own, Ty::Input(_)) && last.name == "builder" {
                vec![self.node(Key::Site(usize::MAX - self.file, span.byte_range().start))]
            } else {
                Vec::new()
            };
            let first = call
                .args
                .iter()
                .map(|argument| self.expression(argument))
                .fold(Val::unknown(), Val::or);
            if last.name == "builder" || last.name == "default" {
                return Some(Val::at(own.clone(), node));
            }
            // `ScanFluentBuilder::send(request)`.
            if !first.nodes.is_empty() {
                let made = match last.name.as_str() {
                    "send" => {
                        self.say(&first.nodes, |facts| facts.sent = true);
                        Ty::Other("Result".into(), vec![Ty::Output(operation)])
                    }
                    "into_paginator" => {
                        self.say(&first.nodes, |facts| facts.paginator = true);
                        Ty::Paginator(operation)
                    }
                    _ => own.clone(),
                };
                return Some(Val::at(made, first.nodes));
            }
            return Some(Val::of(own.clone()));
        }
        if matches!(own, Ty::Own(..) | Ty::Bound(..))
            && let Some((id, on)) = self.program.method(own, &last.name)
        {
            let turbofish = path.path.segments.last().and_then(|segment| match &segment.arguments {
                syn::PathArguments::AngleBracketed(list) => Some(list),
                _ => None,
            });
            let method = self.program.functions[id].function.method;
            let mut arguments = call.args.iter();
            if method && let Some(receiver) = arguments.next() {
                let receiver = self.expression(receiver);
                return Some(self.own_call(id, Some(&on), &receiver, arguments, turbofish));
            }
            return Some(self.own_call(id, Some(&on), &Val::unknown(), arguments, turbofish));
        }
        let before = match own {
            Ty::Other(name, _) => name.as_str(),
            Ty::Unknown => path.path.segments.iter().rev().nth(1).map_or("", |_| ""),
            _ => return None,
        };
        let wrapper = path
            .path
            .segments
            .iter()
            .rev()
            .nth(1)
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        if HANDS_ON.contains(&wrapper.as_str()) {
            return Some(
                call.args
                    .iter()
                    .map(|argument| self.expression(argument))
                    .fold(Val::unknown(), Val::or),
            );
        }
        if !before.is_empty() && before.chars().next().is_some_and(char::is_uppercase) && !before.contains("::") {
            let inner = call
                .args
                .iter()
                .map(|argument| self.expression(argument))
                .fold(Val::unknown(), Val::or);
            let inner = self.unfunction(inner);
            let known = match own {
                Ty::Other(_, arguments) if !arguments.is_empty() => arguments.clone(),
                _ => vec![inner.ty.clone()],
            };
            if self.carries(&inner.ty)
                || matches!(
                    last.name.as_str(),
                    "new" | "from" | "default" | "with_value" | "new_with" | "const_new"
                )
            {
                return Some(Val {
                    ty: Ty::Other(before.to_owned(), known),
                    ..inner
                });
            }
            return Some(inner);
        }
        None
    }

    /// A path as a value.
    pub(super) fn path(&mut self, path: &ExprPath) -> Val {
        let segments = path_segments(path);
        let Some(last) = segments.last() else {
            return Val::unknown();
        };
        if let [only] = segments.as_slice()
            && let Some(local) = self.local(&only.name)
        {
            return local.clone();
        }
        if let [before @ .., _] = segments.as_slice()
            && !before.is_empty()
        {
            let own = self.type_of(path, before);
            if let Ty::Client(_) = own
                && let Some(operation) = operations::named(&last.name)
                && let Some(segment) = path.path.segments.last()
            {
                let node = self.site(operation, segment.ident.span(), 2, true);
                return Val::at(Ty::Function(vec![own], Box::new(Ty::Builder(operation))), vec![node]);
            }
            if let Ty::Own(..) = own
                && let Some((id, on)) = self.program.method(&own, &last.name)
            {
                let ty = self.program.ty(
                    &self.program.functions[id].function.returns,
                    &self.program.place_of(id, Some(&on)),
                );
                return Val::of(Ty::Function(Vec::new(), Box::new(ty)));
            }
        }
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        match self.program.find_here(&self.place, &names, true) {
            Some(Found::Item(Item::Function(id))) => {
                let ty = self.program.ty(
                    &self.program.functions[id].function.returns,
                    &self.program.place_of(id, None),
                );
                Val::of(Ty::Function(Vec::new(), Box::new(ty)))
            }
            Some(Found::Item(Item::Constant(id))) => self.of_constant(id),
            _ => Val::unknown(),
        }
    }

    /// A path given where a closure could be, called with `inner`.
    pub(super) fn applied(&mut self, path: &ExprPath, inner: Option<&Val>) -> Val {
        let value = self.path(path);
        let Some(inner) = inner.filter(|inner| self.carries(&inner.ty)) else {
            return value;
        };
        match path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .as_deref()
        {
            Some("Ok" | "Some" | "Box") => inner.clone(),
            _ => {
                self.say(&inner.nodes, |facts| facts.escaped = true);
                value
            }
        }
    }

    fn of_constant(&self, id: usize) -> Val {
        let (module, written, _) = &self.program.constants[id];
        let place = crate::model::types::Place {
            module: *module,
            ..Default::default()
        };
        Val::of(self.program.ty(written, &place))
    }

    /// The text of a constant that a path leads to.
    pub(super) fn constant(&self, path: &ExprPath) -> Option<String> {
        let segments = of_path(&path.path);
        let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
        if let Some(Found::Item(Item::Constant(id))) = self.program.find_here(&self.place, &names, true) {
            return self.program.constants[id].2.clone();
        }
        let [before @ .., last] = segments.as_slice() else {
            return None;
        };
        if before.is_empty() {
            return None;
        }
        if let Ty::Own(id, _) = self.program.ty(&Written::Path(before.to_vec()), &self.place) {
            return self.program.types[id].impls.iter().find_map(|at| {
                let block = &self.program.impls[*at];
                block
                    .constants
                    .iter()
                    .find(|(name, _)| *name == last.name)
                    .map(|(_, text)| text.clone())
            });
        }
        None
    }
}

fn path_segments(path: &ExprPath) -> Vec<Segment> {
    let mut segments = of_path(&path.path);
    if path.path.leading_colon.is_some() {
        segments.insert(0, Segment::default());
    }
    if path.qself.is_some() && segments.len() == 1 {
        segments.insert(0, Segment::default());
    }
    segments
}
