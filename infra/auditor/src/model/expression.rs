//! Types as they are written, without lifetimes and spans: small enough to keep for every declaration of a workspace.

use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

/// One segment of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The identifier.
    pub name: String,
    /// Type arguments; of `Fn(A, B)` the parameters.
    pub arguments: Vec<Written>,
    /// `Item = T` within the angle brackets; of `Fn(..) -> T` one named `Output`.
    pub bindings: Vec<(String, Written)>,
}

/// A type as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// `a::B<C>`.
    Path(Vec<Segment>),
    /// `<T as Trait>::Name`.
    Associated(Box<Written>, Vec<Segment>, String),
    /// `(A, B)`.
    Tuple(Vec<Written>),
    /// `impl A + B`, `dyn A`.
    Bounds(Vec<Vec<Segment>>),
    /// `fn(A) -> B`.
    Function(Vec<Written>, Box<Written>),
    /// `[T]`, `[T; N]`.
    Slice(Box<Written>),
    /// `_`, `!`, macros and what else there is.
    Unknown,
}

/// Reads a type; references are dropped.
pub fn of_type(ty: &Type) -> Written {
    match ty {
        Type::Path(path) => match &path.qself {
            None => Written::Path(of_path(&path.path)),
            Some(own) => {
                let mut segments = of_path(&path.path);
                let name = segments.pop().map(|segment| segment.name).unwrap_or_default();
                Written::Associated(Box::new(of_type(&own.ty)), segments, name)
            }
        },
        Type::Reference(inner) => of_type(&inner.elem),
        Type::Ptr(inner) => of_type(&inner.elem),
        Type::Paren(inner) => of_type(&inner.elem),
        Type::Group(inner) => of_type(&inner.elem),
        Type::Tuple(tuple) => Written::Tuple(tuple.elems.iter().map(of_type).collect()),
        Type::Array(inner) => Written::Slice(Box::new(of_type(&inner.elem))),
        Type::Slice(inner) => Written::Slice(Box::new(of_type(&inner.elem))),
        Type::ImplTrait(inner) => Written::Bounds(of_bounds(inner.bounds.iter())),
        Type::TraitObject(inner) => Written::Bounds(of_bounds(inner.bounds.iter())),
        Type::BareFn(inner) => Written::Function(
            inner.inputs.iter().map(|input| of_type(&input.ty)).collect(),
            Box::new(of_return(&inner.output)),
        ),
        _ => Written::Unknown,
    }
}

/// Reads what a function returns; nothing is the empty tuple.
pub fn of_return(output: &ReturnType) -> Written {
    match output {
        ReturnType::Default => Written::Tuple(Vec::new()),
        ReturnType::Type(_, ty) => of_type(ty),
    }
}

/// Reads the traits among bounds.
pub fn of_bounds<'a>(bounds: impl Iterator<Item = &'a TypeParamBound>) -> Vec<Vec<Segment>> {
    bounds
        .filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(of_path(&bound.path)),
            _ => None,
        })
        .collect()
}

/// Reads a path with its arguments.
pub fn of_path(path: &syn::Path) -> Vec<Segment> {
    path.segments
        .iter()
        .map(|segment| {
            let mut read = Segment {
                name: segment.ident.to_string(),
                ..Segment::default()
            };
            match &segment.arguments {
                PathArguments::None => {}
                PathArguments::AngleBracketed(arguments) => {
                    for argument in &arguments.args {
                        match argument {
                            GenericArgument::Type(ty) => read.arguments.push(of_type(ty)),
                            GenericArgument::AssocType(binding) => {
                                read.bindings.push((binding.ident.to_string(), of_type(&binding.ty)));
                            }
                            GenericArgument::Constraint(constraint) => read.bindings.push((
                                constraint.ident.to_string(),
                                Written::Bounds(of_bounds(constraint.bounds.iter())),
                            )),
                            _ => {}
                        }
                    }
                }
                PathArguments::Parenthesized(arguments) => {
                    read.arguments = arguments.inputs.iter().map(of_type).collect();
                    read.bindings.push(("Output".into(), of_return(&arguments.output)));
                }
            }
            read
        })
        .collect()
}
