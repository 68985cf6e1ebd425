//! Types as the tracer knows them, and what fields, methods and `Deref` make of them.

use super::{
    declarations::{Generic, Kind},
    expression::{Segment, Written},
    operations::of_camel,
    program::{FunctionId, Item, ModuleId, Program, TypeId},
    resolution::Found,
};
use std::collections::HashMap;

/// A type. References, boxes and futures stand for what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Not known.
    Unknown,
    /// The client; `true` is that of streams.
    Client(bool),
    /// A request being made, of an operation.
    Builder(&'static str),
    /// A paginator or its stream.
    Paginator(&'static str),
    /// An input that is not tied to a client.
    Input(&'static str),
    /// What an operation answers.
    Output(&'static str),
    /// Another type of the SDK.
    Sdk(String),
    /// A type of the workspace.
    Own(TypeId, Vec<Ty>),
    /// A type of another crate, by its last name.
    Other(String, Vec<Ty>),
    /// Several at once.
    Tuple(Vec<Ty>),
    /// A function or closure.
    Function(Vec<Ty>, Box<Ty>),
    /// Known by its traits: a generic parameter (with its name), `impl` or `dyn`.
    Bound(String, Vec<Bound>),
}

/// A bound of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A trait of the workspace.
    Own(TypeId, Vec<Ty>),
    /// A trait of another crate.
    Other(String, Vec<Ty>, Vec<(String, Ty)>),
    /// `Fn(A) -> B`.
    Function(Vec<Ty>, Ty),
}

/// Where a type is written: what its names mean there.
#[derive(Clone, Default)]
pub struct Place {
    /// The module.
    pub module: ModuleId,
    /// `Self`.
    pub own: Option<Ty>,
    /// Generic parameters that are known.
    pub given: HashMap<String, Ty>,
    /// Those that are not, with their bounds.
    pub generics: Vec<Generic>,
    /// Imports that hold only here: name, path.
    pub uses: Vec<(String, Vec<String>)>,
}

const DEEPEST: usize = 12;

/// Types that stand for what is in them.
const TRANSPARENT: &[&str] = &[
    "Arc",
    "Rc",
    "Box",
    "Pin",
    "Cow",
    "Ref",
    "RefMut",
    "MutexGuard",
    "BoxFuture",
    "LocalBoxFuture",
    "Weak",
    "ArcSwap",
    "MaybeUninit",
];

impl Program {
    /// What a written type is.
    pub fn ty(&self, written: &Written, place: &Place) -> Ty {
        self.ty_at(written, place, 0)
    }

    fn ty_at(&self, written: &Written, place: &Place, depth: usize) -> Ty {
        if depth > DEEPEST {
            return Ty::Unknown;
        }
        match written {
            Written::Path(path) => self.ty_of_path(path, place, depth),
            Written::Tuple(types) => Ty::Tuple(types.iter().map(|ty| self.ty_at(ty, place, depth + 1)).collect()),
            Written::Slice(ty) => Ty::Other("Vec".into(), vec![self.ty_at(ty, place, depth + 1)]),
            Written::Bounds(bounds) => self.bounded("", bounds, place, depth + 1),
            Written::Function(inputs, output) => Ty::Function(
                inputs.iter().map(|ty| self.ty_at(ty, place, depth + 1)).collect(),
                Box::new(self.ty_at(output, place, depth + 1)),
            ),
            Written::Associated(own, _, name) => {
                let own = self.ty_at(own, place, depth + 1);
                self.associated(&own, name, depth + 1)
            }
            Written::Unknown => Ty::Unknown,
        }
    }

    fn bounded(&self, name: &str, bounds: &[Vec<Segment>], place: &Place, depth: usize) -> Ty {
        let mut read = Vec::new();
        for path in bounds {
            let Some(last) = path.last() else { continue };
            let types: Vec<Ty> = last
                .arguments
                .iter()
                .map(|ty| self.ty_at(ty, place, depth + 1))
                .collect();
            let bindings: Vec<(String, Ty)> = last
                .bindings
                .iter()
                .map(|(name, ty)| (name.clone(), self.ty_at(ty, place, depth + 1)))
                .collect();
            let output = bindings
                .iter()
                .find(|(name, _)| name == "Output")
                .map(|(_, ty)| ty.clone());
            match (last.name.as_str(), output) {
                ("Future" | "IntoFuture", Some(output)) => return output,
                ("Fn" | "FnMut" | "FnOnce" | "AsyncFn" | "AsyncFnMut" | "AsyncFnOnce", output) => {
                    read.push(Bound::Function(types, output.unwrap_or(Ty::Unknown)));
                }
                _ => match self.type_at(place.module, path) {
                    Some(id) => read.push(Bound::Own(id, types)),
                    None => read.push(Bound::Other(last.name.clone(), types, bindings)),
                },
            }
        }
        Ty::Bound(name.into(), read)
    }

    fn ty_of_path(&self, path: &[Segment], place: &Place, depth: usize) -> Ty {
        let Some(last) = path.last() else { return Ty::Unknown };
        let first = &path[0];
        if path.len() == 1 {
            if first.name == "Self" {
                return place.own.clone().unwrap_or(Ty::Unknown);
            }
            if let Some(known) = place.given.get(&first.name) {
                return known.clone();
            }
            if let Some((name, bounds)) = place.generics.iter().find(|(name, _)| *name == first.name) {
                // A bound that names the parameter itself would never end.
                let mut inner = place.clone();
                inner.generics.retain(|(other, _)| other != name);
                return self.bounded(name, bounds, &inner, depth + 1);
            }
        } else if path.len() == 2
            && (first.name == "Self" || place.generics.iter().any(|(name, _)| *name == first.name))
        {
            let own = self.ty_of_path(&path[..1], place, depth + 1);
            return self.associated(&own, &last.name, depth + 1);
        }
        let arguments = || {
            last.arguments
                .iter()
                .map(|ty| self.ty_at(ty, place, depth + 1))
                .collect::<Vec<Ty>>()
        };
        let names: Vec<&str> = path.iter().map(|segment| segment.name.as_str()).collect();
        match self.find_here(place, &names, false) {
            Some(Found::Sdk(path, streams)) => sdk(&path, streams),
            Some(Found::Item(Item::Type(id))) => {
                let arguments = arguments();
                if self.types[id].kind == Kind::Trait {
                    return Ty::Bound(String::new(), vec![Bound::Own(id, arguments)]);
                }
                Ty::Own(id, arguments)
            }
            Some(Found::Item(Item::Alias(id))) => {
                let (module, generics, written) = &self.aliases[id];
                let given = generics.iter().map(|(name, _)| name.clone()).zip(arguments()).collect();
                let inner = Place {
                    module: *module,
                    given,
                    ..Place::default()
                };
                self.ty_at(written, &inner, depth + 1)
            }
            Some(Found::External(path)) => other(&path, arguments()),
            _ => other(
                &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
                arguments(),
            ),
        }
    }

    /// As [`Program::find`], with the imports of the body first.
    pub fn find_here(&self, place: &Place, path: &[&str], value: bool) -> Option<Found> {
        if let Some((first, rest)) = path.split_first()
            && let Some((_, used)) = place.uses.iter().rev().find(|(name, _)| name == first)
        {
            let whole: Vec<&str> = used.iter().map(String::as_str).chain(rest.iter().copied()).collect();
            if let Some(found) = self.find(place.module, &whole, value) {
                return Some(found);
            }
        }
        if let Some(found) = self.find(place.module, path, value)
            && !matches!(&found, Found::External(_))
        {
            return Some(found);
        }
        for (_, used) in place.uses.iter().filter(|(name, _)| name == "*") {
            let whole: Vec<&str> = used.iter().map(String::as_str).chain(path.iter().copied()).collect();
            if let Some(found) = self.find(place.module, &whole, value)
                && !matches!(&found, Found::External(_))
            {
                return Some(found);
            }
        }
        self.find(place.module, path, value)
    }

    fn associated(&self, own: &Ty, name: &str, depth: usize) -> Ty {
        match own {
            Ty::Own(id, arguments) => {
                for at in &self.types[*id].impls {
                    if let Some((_, written)) = self.impls[*at].associated.iter().find(|(known, _)| known == name) {
                        let place = self.place_of_impl(*at, Some((*id, arguments)));
                        return self.ty_at(written, &place, depth + 1);
                    }
                }
                Ty::Unknown
            }
            Ty::Bound(_, bounds) => {
                for bound in bounds {
                    match bound {
                        Bound::Other(_, _, bindings) => {
                            if let Some((_, ty)) = bindings.iter().find(|(known, _)| known == name) {
                                return ty.clone();
                            }
                        }
                        Bound::Own(id, _) => {
                            if let Some((_, bounds)) =
                                self.types[*id].associated.iter().find(|(known, _)| known == name)
                            {
                                let place = Place {
                                    module: self.types[*id].module,
                                    ..Place::default()
                                };
                                return self.bounded("", bounds, &place, depth + 1);
                            }
                        }
                        Bound::Function(..) => {}
                    }
                }
                Ty::Unknown
            }
            _ => Ty::Unknown,
        }
    }

    /// What names mean within an impl block; with what is known of the type's arguments.
    pub fn place_of_impl(&self, at: usize, known: Option<(TypeId, &[Ty])>) -> Place {
        let block = &self.impls[at];
        let mut place = Place {
            module: block.module,
            generics: block.generics.clone(),
            ..Place::default()
        };
        if let (Some((id, arguments)), Written::Path(path)) = (known, &block.of) {
            if let Some(last) = path.last() {
                for (written, ty) in last.arguments.iter().zip(arguments) {
                    if let Written::Path(path) = written
                        && let [only] = path.as_slice()
                        && block.generics.iter().any(|(name, _)| *name == only.name)
                        && *ty != Ty::Unknown
                    {
                        place.given.insert(only.name.clone(), ty.clone());
                    }
                }
            }
            place.own = Some(Ty::Own(id, arguments.to_vec()));
        } else {
            let own = self.ty(&block.of, &place);
            place.own = Some(own);
        }
        place
    }

    /// What names mean in a function.
    pub fn place_of(&self, id: FunctionId, receiver: Option<&Ty>) -> Place {
        let placed = &self.functions[id];
        let mut place = match (placed.within, receiver) {
            (Some(at), Some(Ty::Own(id, arguments))) => self.place_of_impl(at, Some((*id, arguments))),
            (Some(at), _) => self.place_of_impl(at, None),
            _ => Place {
                module: placed.module,
                ..Place::default()
            },
        };
        if let Some(id) = placed.of_trait {
            place.own = Some(
                receiver
                    .cloned()
                    .unwrap_or_else(|| Ty::Bound("Self".into(), vec![Bound::Own(id, Vec::new())])),
            );
            place.generics.extend(self.types[id].generics.clone());
        }
        place.generics.extend(placed.function.generics.clone());
        place
    }

    /// The type of a field.
    pub fn field(&self, ty: &Ty, name: &str) -> Option<Ty> {
        let mut ty = ty.clone();
        for _ in 0..6 {
            if let Ty::Own(id, arguments) = &ty
                && let Some(written) = self.types[*id].fields.get(name)
            {
                let definition = &self.types[*id];
                let given = definition
                    .generics
                    .iter()
                    .map(|(name, _)| name.clone())
                    .zip(arguments.iter().cloned())
                    .collect();
                let place = Place {
                    module: definition.module,
                    own: Some(ty.clone()),
                    given,
                    generics: definition.generics.clone(),
                    uses: Vec::new(),
                };
                return Some(self.ty(written, &place));
            }
            if let Ty::Tuple(types) = &ty {
                return name.parse::<usize>().ok().and_then(|at| types.get(at)).cloned();
            }
            ty = self.inner(&ty)?;
        }
        None
    }

    /// One step of `Deref`, or of what is like it: the argument of a wrapper.
    pub fn inner(&self, ty: &Ty) -> Option<Ty> {
        match ty {
            Ty::Own(id, arguments) => {
                for at in &self.types[*id].impls {
                    let block = &self.impls[*at];
                    let of = block.r#trait.as_ref().and_then(|path| path.last());
                    if of.is_some_and(|of| of.name == "Deref") {
                        let (_, written) = block.associated.iter().find(|(name, _)| name == "Target")?;
                        return Some(self.ty(written, &self.place_of_impl(*at, Some((*id, arguments)))));
                    }
                }
                None
            }
            Ty::Other(name, arguments) if name == "Result" => arguments.first().cloned(),
            Ty::Other(_, arguments) => arguments.last().cloned(),
            Ty::Bound(_, bounds) => bounds.iter().find_map(|bound| match bound {
                Bound::Other(name, arguments, bindings) => match name.as_str() {
                    "Deref" | "DerefMut" => bindings
                        .iter()
                        .find(|(name, _)| name == "Target")
                        .map(|(_, ty)| ty.clone()),
                    "AsRef" | "Borrow" | "Into" | "ToOwned" => arguments.first().cloned(),
                    "Iterator" | "IntoIterator" | "Stream" => bindings.first().map(|(_, ty)| ty.clone()),
                    _ => None,
                },
                _ => None,
            }),
            _ => None,
        }
    }

    /// The workspace's method of that name on a type, and the type that has it.
    pub fn method(&self, ty: &Ty, name: &str) -> Option<(FunctionId, Ty)> {
        let mut ty = ty.clone();
        for _ in 0..6 {
            if let Some(id) = self.own_method(&ty, name) {
                return Some((id, ty));
            }
            ty = self.inner(&ty)?;
        }
        None
    }

    fn own_method(&self, ty: &Ty, name: &str) -> Option<FunctionId> {
        match ty {
            Ty::Own(id, _) => {
                let impls = &self.types[*id].impls;
                // What is the type's own goes before what traits bring.
                let inherent = impls.iter().filter(|at| self.impls[**at].r#trait.is_none());
                let of_traits = impls.iter().filter(|at| self.impls[**at].r#trait.is_some());
                for at in inherent.chain(of_traits) {
                    if let Some(function) = self.impls[*at].functions.get(name) {
                        return Some(*function);
                    }
                }
                impls.iter().find_map(|at| {
                    let block = &self.impls[*at];
                    let of = self.type_at(block.module, block.r#trait.as_ref()?)?;
                    self.of_trait(of, name, 0)
                })
            }
            Ty::Bound(_, bounds) => bounds.iter().find_map(|bound| match bound {
                Bound::Own(id, _) => self.of_trait(*id, name, 0),
                _ => None,
            }),
            Ty::Client(_) | Ty::Builder(_) | Ty::Paginator(_) | Ty::Input(_) | Ty::Output(_) => {
                self.foreign_impls.iter().find_map(|at| {
                    let function = self.impls[*at].functions.get(name)?;
                    let own = self.place_of_impl(*at, None).own?;
                    (own == *ty || matches!(own, Ty::Bound(..))).then_some(*function)
                })
            }
            _ => None,
        }
    }

    fn of_trait(&self, id: TypeId, name: &str, depth: usize) -> Option<FunctionId> {
        let definition = &self.types[id];
        if let Some(function) = definition.functions.get(name) {
            return Some(*function);
        }
        if depth > DEEPEST {
            return None;
        }
        definition.supertraits.iter().find_map(|path| {
            let above = self.type_at(definition.module, path)?;
            self.of_trait(above, name, depth + 1)
        })
    }
}

fn other(path: &[String], mut arguments: Vec<Ty>) -> Ty {
    let Some(last) = path.last() else { return Ty::Unknown };
    if TRANSPARENT.contains(&last.as_str()) {
        return match arguments.len() {
            0 => Ty::Unknown,
            _ => arguments.remove(0),
        };
    }
    if last == "Result" {
        arguments.truncate(1);
    }
    let foreign_sdk = path.len() > 1 && (path[0].starts_with("aws_sdk_") || path[0].starts_with("rusoto"));
    let name = if foreign_sdk {
        format!("{}::{last}", path[0])
    } else {
        last.clone()
    };
    Ty::Other(name, arguments)
}

/// What a path within the SDK is.
pub fn sdk(path: &[String], streams: bool) -> Ty {
    let Some(last) = path.last() else { return Ty::Unknown };
    if last == "Client" {
        return Ty::Client(streams);
    }
    for (end, make) in [
        ("FluentBuilder", Ty::Builder as fn(&'static str) -> Ty),
        ("InputBuilder", Ty::Input),
        ("Input", Ty::Input),
        ("OutputBuilder", Ty::Output),
        ("Output", Ty::Output),
        ("Paginator", Ty::Paginator),
        ("PaginatorItems", Ty::Paginator),
    ] {
        if let Some(operation) = last.strip_suffix(end).and_then(of_camel) {
            return make(operation);
        }
    }
    if path.iter().any(|part| part == "fluent_builders")
        && let Some(operation) = of_camel(last)
    {
        return Ty::Builder(operation);
    }
    Ty::Sdk(last.clone())
}
