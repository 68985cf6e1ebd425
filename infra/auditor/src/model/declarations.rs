//! What one file declares, kept without its syntax tree: types with their fields, functions with their signatures, imports, constants.

use super::expression::{Segment, Written, of_bounds, of_path, of_return, of_type};
use syn::{Attribute, Fields, FnArg, GenericParam, Generics, Item, Signature, Stmt, UseTree, WherePredicate};

/// A generic parameter: its name and bounds.
pub type Generic = (String, Vec<Vec<Segment>>);

/// A function or method without its body.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its generic parameters.
    pub generics: Vec<Generic>,
    /// The types of its parameters, without `self`.
    pub parameters: Vec<Written>,
    /// What it returns; of an async function what its future does.
    pub returns: Written,
    /// Whether it takes `self`.
    pub method: bool,
}

/// What kind of type a declaration makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A struct or union.
    Struct,
    /// An enum.
    Enum,
    /// A trait.
    Trait,
}

/// One item of a module.
#[derive(Clone, Debug)]
pub enum Declaration {
    /// A struct, enum or trait.
    Type {
        /// Its name.
        name: String,
        /// Which of the three.
        kind: Kind,
        /// Its generic parameters.
        generics: Vec<Generic>,
        /// Fields by name (`0`, `1` in tuples); those of a variant as `Variant.field`.
        fields: Vec<(String, Written)>,
        /// Methods of a trait.
        functions: Vec<Function>,
        /// Associated types of a trait that have bounds.
        associated: Vec<Generic>,
        /// What a trait requires.
        supertraits: Vec<Vec<Segment>>,
    },
    /// `type A<T> = ..`.
    Alias(String, Vec<Generic>, Written),
    /// A function.
    Function(Function),
    /// A constant or static, with its text where it is a string.
    Constant(String, Written, Option<String>),
    /// An impl block.
    Impl {
        /// Its generic parameters.
        generics: Vec<Generic>,
        /// Whose it is.
        of: Written,
        /// Of which trait.
        r#trait: Option<Vec<Segment>>,
        /// Its functions.
        functions: Vec<Function>,
        /// Its associated types.
        associated: Vec<(String, Written)>,
        /// Its constants that are strings.
        constants: Vec<(String, String)>,
    },
    /// `mod a;`: name, `#[path]`, whether only under test.
    File(String, Option<String>, bool),
    /// `mod a { .. }`.
    Module(String, bool, Vec<Declaration>),
    /// An import: path, its name here (`*` for all).
    Use(Vec<String>, String),
}

/// Reads what items declare, also those within the bodies of functions.
pub fn of_items(items: &[Item]) -> Vec<Declaration> {
    let mut read = Vec::new();
    for item in items {
        of_item(item, &mut read);
    }
    read
}

fn of_item(item: &Item, into: &mut Vec<Declaration>) {
    match item {
        Item::Struct(item) => into.push(declared(
            item.ident.to_string(),
            Kind::Struct,
            &item.generics,
            fields(&item.fields, ""),
        )),
        Item::Union(item) => into.push(declared(
            item.ident.to_string(),
            Kind::Struct,
            &item.generics,
            fields(&Fields::Named(item.fields.clone()), ""),
        )),
        Item::Enum(item) => {
            let of_variants = item
                .variants
                .iter()
                .flat_map(|variant| fields(&variant.fields, &format!("{}.", variant.ident)))
                .collect();
            into.push(declared(
                item.ident.to_string(),
                Kind::Enum,
                &item.generics,
                of_variants,
            ));
        }
        Item::Trait(item) => {
            let mut functions = Vec::new();
            let mut associated = Vec::new();
            for inner in &item.items {
                match inner {
                    syn::TraitItem::Fn(inner) => {
                        functions.push(function(&inner.sig));
                        if let Some(block) = &inner.default {
                            of_statements(&block.stmts, into);
                        }
                    }
                    syn::TraitItem::Type(inner) => {
                        associated.push((inner.ident.to_string(), of_bounds(inner.bounds.iter())));
                    }
                    _ => {}
                }
            }
            into.push(Declaration::Type {
                name: item.ident.to_string(),
                kind: Kind::Trait,
                generics: generics(&item.generics),
                fields: Vec::new(),
                functions,
                associated,
                supertraits: of_bounds(item.supertraits.iter()),
            });
        }
        Item::Type(item) => into.push(Declaration::Alias(
            item.ident.to_string(),
            generics(&item.generics),
            of_type(&item.ty),
        )),
        Item::Fn(item) => {
            into.push(Declaration::Function(function(&item.sig)));
            of_statements(&item.block.stmts, into);
        }
        Item::Const(item) => into.push(Declaration::Constant(
            item.ident.to_string(),
            of_type(&item.ty),
            text(&item.expr),
        )),
        Item::Static(item) => into.push(Declaration::Constant(
            item.ident.to_string(),
            of_type(&item.ty),
            text(&item.expr),
        )),
        Item::Impl(item) => of_impl(item, into),
        Item::Mod(item) => {
            let name = item.ident.to_string();
            let test = only_in_tests(&item.attrs);
            match &item.content {
                Some((_, items)) => into.push(Declaration::Module(name, test, of_items(items))),
                None => into.push(Declaration::File(name, path_of(&item.attrs), test)),
            }
        }
        Item::Use(item) => of_use(&item.tree, &mut Vec::new(), into),
        Item::ExternCrate(item) => {
            let name = item.ident.to_string();
            let here = item
                .rename
                .as_ref()
                .map_or(name.clone(), |(_, rename)| rename.to_string());
            into.push(Declaration::Use(vec![String::new(), name], here));
        }
        Item::ForeignMod(item) => {
            for inner in &item.items {
                if let syn::ForeignItem::Fn(inner) = inner {
                    into.push(Declaration::Function(function(&inner.sig)));
                }
            }
        }
        Item::Macro(item) => of_macro(&item.mac, into),
        _ => {}
    }
}

fn declared(name: String, kind: Kind, of: &Generics, fields: Vec<(String, Written)>) -> Declaration {
    Declaration::Type {
        name,
        kind,
        generics: generics(of),
        fields,
        functions: Vec::new(),
        associated: Vec::new(),
        supertraits: Vec::new(),
    }
}

fn of_impl(item: &syn::ItemImpl, into: &mut Vec<Declaration>) {
    let mut functions = Vec::new();
    let mut associated = Vec::new();
    let mut constants = Vec::new();
    for inner in &item.items {
        match inner {
            syn::ImplItem::Fn(inner) => {
                functions.push(function(&inner.sig));
                of_statements(&inner.block.stmts, into);
            }
            syn::ImplItem::Type(inner) => associated.push((inner.ident.to_string(), of_type(&inner.ty))),
            syn::ImplItem::Const(inner) => {
                if let Some(text) = text(&inner.expr) {
                    constants.push((inner.ident.to_string(), text));
                }
            }
            _ => {}
        }
    }
    into.push(Declaration::Impl {
        generics: generics(&item.generics),
        of: of_type(&item.self_ty),
        r#trait: item.trait_.as_ref().map(|(_, path, _)| of_path(path)),
        functions,
        associated,
        constants,
    });
}

/// Items among the statements of a body; imports are left to whoever walks the body, since they hold only there.
fn of_statements(statements: &[Stmt], into: &mut Vec<Declaration>) {
    for statement in statements {
        if let Stmt::Item(item) = statement
            && !matches!(item, Item::Use(_) | Item::Mod(_))
        {
            of_item(item, into);
        }
    }
}

/// `lazy_static!` and `thread_local!` declare statics.
fn of_macro(mac: &syn::Macro, into: &mut Vec<Declaration>) {
    let name = mac.path.segments.last().map(|segment| segment.ident.to_string());
    if let Some("lazy_static" | "thread_local") = name.as_deref() {
        for (name, ty, _) in statics(mac.tokens.clone()) {
            into.push(Declaration::Constant(name, of_type(&ty), None));
        }
    } else if let Some("cfg_if") = name.as_deref() {
        for token in mac.tokens.clone() {
            if let proc_macro2::TokenTree::Group(group) = token
                && group.delimiter() == proc_macro2::Delimiter::Brace
                && let Ok(file) = syn::parse2::<syn::File>(group.stream())
            {
                into.extend(of_items(&file.items));
            }
        }
    }
}

/// The statics within `lazy_static!` or `thread_local!`: name, type, value.
pub fn statics(tokens: proc_macro2::TokenStream) -> Vec<(String, syn::Type, syn::Expr)> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        let mut found = Vec::new();
        while !input.is_empty() {
            input.call(Attribute::parse_outer)?;
            input.parse::<syn::Visibility>()?;
            if input.peek(syn::Token![const]) {
                input.parse::<syn::Token![const]>()?;
            } else {
                input.parse::<syn::Token![static]>()?;
            }
            if input.peek(syn::Token![ref]) {
                input.parse::<syn::Token![ref]>()?;
            }
            let name: syn::Ident = input.parse()?;
            input.parse::<syn::Token![:]>()?;
            let ty: syn::Type = input.parse()?;
            input.parse::<syn::Token![=]>()?;
            let value: syn::Expr = input.parse()?;
            if input.peek(syn::Token![;]) {
                input.parse::<syn::Token![;]>()?;
            }
            found.push((name.to_string(), ty, value));
        }
        Ok(found)
    };
    syn::parse::Parser::parse2(parser, tokens).unwrap_or_default()
}

fn fields(of: &Fields, before: &str) -> Vec<(String, Written)> {
    of.iter()
        .enumerate()
        .map(|(at, field)| {
            let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            (format!("{before}{name}"), of_type(&field.ty))
        })
        .collect()
}

/// Generic parameters with the bounds of the where clause.
pub fn generics(of: &Generics) -> Vec<Generic> {
    let mut read: Vec<Generic> = of
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(ty) => Some((ty.ident.to_string(), of_bounds(ty.bounds.iter()))),
            _ => None,
        })
        .collect();
    for predicate in of.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Type(predicate) = predicate
            && let Written::Path(path) = of_type(&predicate.bounded_ty)
            && let [only] = path.as_slice()
        {
            let bounds = of_bounds(predicate.bounds.iter());
            match read.iter_mut().find(|(name, _)| *name == only.name) {
                Some((_, known)) => known.extend(bounds),
                None => read.push((only.name.clone(), bounds)),
            }
        }
    }
    read
}

/// A signature.
pub fn function(of: &Signature) -> Function {
    Function {
        name: of.ident.to_string(),
        generics: generics(&of.generics),
        parameters: of
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(input) => Some(of_type(&input.ty)),
            })
            .collect(),
        returns: of_return(&of.output),
        method: of.receiver().is_some(),
    }
}

/// The imports of a `use` tree.
pub fn of_use(tree: &UseTree, before: &mut Vec<String>, into: &mut Vec<Declaration>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            of_use(&path.tree, before, into);
            before.pop();
        }
        UseTree::Name(name) => named(name.ident.to_string(), None, before, into),
        UseTree::Rename(name) => named(name.ident.to_string(), Some(name.rename.to_string()), before, into),
        UseTree::Glob(_) => into.push(Declaration::Use(before.clone(), "*".into())),
        UseTree::Group(group) => {
            for tree in &group.items {
                of_use(tree, before, into);
            }
        }
    }
}

fn named(name: String, rename: Option<String>, before: &[String], into: &mut Vec<Declaration>) {
    let mut path = before.to_vec();
    if name != "self" {
        path.push(name.clone());
    }
    let own = path.last().cloned().unwrap_or(name);
    into.push(Declaration::Use(path, rename.unwrap_or(own)));
}

/// The text of an expression that is a string literal.
pub fn text(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        syn::Expr::Reference(inner) => text(&inner.expr),
        syn::Expr::Paren(inner) => text(&inner.expr),
        syn::Expr::Group(inner) => text(&inner.expr),
        _ => None,
    }
}

/// Whether something is compiled for tests only.
pub fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            let mut words = String::new();
            if let syn::Meta::List(list) = &attribute.meta {
                words = list.tokens.to_string();
            }
            let plain = words.replace(' ', "");
            return plain == "test"
                || plain.starts_with("all(test,")
                || plain.ends_with(",test)") && plain.starts_with("all(");
        }
        path.segments
            .last()
            .is_some_and(|segment| segment.ident == "test" || segment.ident == "rstest" || segment.ident == "test_case")
    })
}

fn path_of(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => text(&pair.value),
        _ => None,
    })
}
