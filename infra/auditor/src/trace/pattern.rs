//! Binds patterns to values.

use super::body::{Tracer, Val};
use crate::model::{
    expression::of_type,
    program::Item,
    resolution::Found,
    types::{Place, Ty},
};
use syn::Pat;

impl Tracer<'_> {
    pub(super) fn bind(&mut self, pattern: &Pat, value: &Val) {
        match pattern {
            Pat::Ident(ident) => {
                self.bind_name(&ident.ident.to_string(), value.clone());
                if let Some((_, inner)) = &ident.subpat {
                    self.bind(inner, value);
                }
            }
            Pat::Reference(inner) => self.bind(&inner.pat, value),
            Pat::Paren(inner) => self.bind(&inner.pat, value),
            Pat::Type(typed) => {
                let written = self.program.ty(&of_type(&typed.ty), &self.place);
                let mut value = value.clone();
                if self.sdk(&written).is_some() || value.ty == Ty::Unknown {
                    value.ty = written;
                }
                self.bind(&typed.pat, &value);
            }
            Pat::Tuple(tuple) => self.bind_parts(tuple.elems.iter(), value),
            Pat::Slice(slice) => {
                let inner = self.inside(value);
                for pattern in &slice.elems {
                    self.bind(pattern, &inner);
                }
            }
            Pat::Or(or) => {
                for pattern in &or.cases {
                    self.bind(pattern, value);
                }
            }
            Pat::TupleStruct(pattern) => {
                let name = pattern
                    .path
                    .segments
                    .last()
                    .map(|segment| segment.ident.to_string())
                    .unwrap_or_default();
                if matches!(name.as_str(), "Some" | "Ok" | "Ready" | "Continue") || name == "Break" {
                    let inner = self.inside(value);
                    for pattern in &pattern.elems {
                        self.bind(pattern, &inner);
                    }
                    return;
                }
                for (at, inner) in pattern.elems.iter().enumerate() {
                    let found = self.part_of(&pattern.path, &at.to_string(), value);
                    self.bind(inner, &found);
                }
            }
            Pat::Struct(pattern) => {
                for field in &pattern.fields {
                    let name = match &field.member {
                        syn::Member::Named(name) => name.to_string(),
                        syn::Member::Unnamed(at) => at.index.to_string(),
                    };
                    let inner = if matches!(self.sdk(&value.ty), Some(Ty::Output(_))) && !value.nodes.is_empty() {
                        self.read_field(value, &name)
                    } else {
                        self.part_of(&pattern.path, &name, value)
                    };
                    self.bind(&field.pat, &inner);
                }
            }
            _ => {}
        }
    }

    fn bind_parts<'p>(&mut self, patterns: impl Iterator<Item = &'p Pat>, value: &Val) {
        for (at, pattern) in patterns.enumerate() {
            let inner = match value.parts.get(at) {
                Some(part) => part.clone(),
                None => {
                    let ty = self.program.field(&value.ty, &at.to_string()).unwrap_or(Ty::Unknown);
                    let nodes = if self.carries(&ty) {
                        value.nodes.clone()
                    } else {
                        Vec::new()
                    };
                    Val::at(ty, nodes)
                }
            };
            self.bind(pattern, &inner);
        }
    }

    /// What is in `Some`, `Ok`, a list.
    pub(super) fn inside(&self, value: &Val) -> Val {
        let mut inner = value.clone();
        if let Ty::Other(name, arguments) = &value.ty {
            inner.ty = if name == "Result" {
                arguments.first()
            } else {
                arguments.last()
            }
            .cloned()
            .unwrap_or(Ty::Unknown);
        } else if let Ty::Bound(..) = &value.ty {
            inner.ty = self.program.inner(&value.ty).unwrap_or(Ty::Unknown);
        }
        inner
    }

    /// A field of the struct or variant that a pattern names.
    fn part_of(&mut self, path: &syn::Path, name: &str, value: &Val) -> Val {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let short: Vec<&str> = names.iter().map(String::as_str).collect();
        if short == ["Self"] {
            return self.read_field(value, name);
        }
        let whole = self.program.find_here(&self.place, &short, false);
        if let Some(Found::Item(Item::Type(id))) = whole {
            let arguments = match self.program.field(&value.ty, name) {
                Some(ty) => return Val::of(ty),
                None => Vec::new(),
            };
            return Val::of(self.program.field(&Ty::Own(id, arguments), name).unwrap_or(Ty::Unknown));
        }
        if let [before @ .., variant] = short.as_slice()
            && !before.is_empty()
        {
            let place = Place::clone(&self.place);
            let found = if before == ["Self"] {
                place.own.clone()
            } else {
                match self.program.find_here(&place, before, false) {
                    Some(Found::Item(Item::Type(id))) => Some(Ty::Own(id, Vec::new())),
                    _ => None,
                }
            };
            if let Some(own) = found
                && let Some(ty) = self.program.field(&own, &format!("{variant}.{name}"))
            {
                return Val::of(ty);
            }
        }
        if let Ty::Own(..) = &value.ty
            && let Some(ty) = self.program.field(&value.ty, name)
        {
            return Val::of(ty);
        }
        // `State(client): State<Client>` and the like of other crates.
        self.inside(value)
    }
}
