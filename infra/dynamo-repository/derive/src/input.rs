//! Reading the struct: its fields, its templates, its indexes.

use crate::{attributes::Attributes, errors::Errors, template::Template};
use proc_macro2::Span;
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Type, spanned::Spanned};

/// One index.
pub(crate) struct Index {
    pub(crate) number: u8,
    pub(crate) pk: Template,
    pub(crate) sk: Template,
    pub(crate) name: Option<LitStr>,
}

impl Index {
    /// The name of its query: what is given, else after the last placeholder of the partition key, or of the sort key when the tenant
    /// alone is the partition.
    pub(crate) fn function(&self) -> String {
        if let Some(name) = &self.name {
            return name.value();
        }
        let after_tenant = self.pk.placeholders().filter(|name| *name != "tenant_id");
        let last = after_tenant.last().or_else(|| self.sk.placeholders().next());
        format!("by_{}", last.unwrap_or("index"))
    }
}

/// A struct that derives `DynamoRepository`.
pub(crate) struct Entity {
    pub(crate) ident: Ident,
    pub(crate) fields: Vec<Field>,
    pub(crate) table: LitStr,
    pub(crate) entity: String,
    pub(crate) pk: Template,
    pub(crate) sk: Template,
    pub(crate) indexes: Vec<Index>,
}

/// One of the table's templates, or what stands in for it.
fn required(given: &Attributes, name: &str, span: Span, otherwise: &str, errors: &mut Errors) -> Template {
    let template = match given.get(name) {
        Some(literal) => Template::parse(literal).map_err(|error| errors.push(error)).ok(),
        None => {
            if !given.meant(name) {
                let example = if name == "pk" {
                    "TENANT#{tenant_id}"
                } else {
                    "ACCOUNT#{id}"
                };
                errors.add(
                    span,
                    format!("`{name}` is missing; write #[dynamo({name} = \"{example}\")]"),
                );
            }
            None
        }
    };
    template.unwrap_or_else(|| Template::known(otherwise, span))
}

/// An index, if any part of it is given.
fn index(given: &Attributes, number: u8, errors: &mut Errors) -> Option<Index> {
    let names = ["pk", "sk", "name"].map(|part| format!("gsi{number}_{part}"));
    let [pk, sk, name] = names.each_ref().map(|name| given.get(name));
    let there = pk.or(sk).or(name)?;
    for (literal, name) in [(pk, &names[0]), (sk, &names[1])] {
        if literal.is_none() && !given.meant(name) {
            errors.add(
                there.span(),
                format!("`{name}` is missing; an index has a partition key and a sort key"),
            );
        }
    }
    if let Some(name) = name
        && syn::parse_str::<Ident>(&name.value()).is_err()
    {
        errors.add(
            name.span(),
            "the name of an index becomes a function; write it as one, such as by_owner",
        );
        return None;
    }
    let (pk, sk) = (pk?, sk?);
    let mut parse = |literal: &LitStr| Template::parse(literal).map_err(|error| errors.push(error)).ok();
    let (parsed_pk, parsed_sk) = (parse(pk), parse(sk));
    let name = match (name, &parsed_pk, &parsed_sk) {
        (Some(name), ..) => Some(name.clone()),
        (None, Some(_), Some(_)) => None,
        _ => Some(LitStr::new(&format!("by_gsi{number}"), there.span())),
    };
    Some(Index {
        number,
        pk: parsed_pk.unwrap_or_else(|| Template::known("TENANT#{tenant_id}", pk.span())),
        sk: parsed_sk.unwrap_or_else(|| Template::known("ROW", sk.span())),
        name,
    })
}

impl Entity {
    /// Reads what can be read. What is missing or wrong is added to `errors` and stands in with something harmless, so that the rest is
    /// checked all the same.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let Data::Struct(data) = &input.data else {
            errors.add(
                input.ident.span(),
                "DynamoRepository is for structs; an enum of entities derives DynamoEntities",
            );
            return None;
        };
        let Fields::Named(fields) = &data.fields else {
            errors.add(input.ident.span(), "a row needs named fields");
            return None;
        };
        if !input.generics.params.is_empty() {
            errors.add(input.generics.span(), "a row is of one type; remove the parameters");
        }
        let given = Attributes::read(input, errors);
        let span = input.ident.span();
        if given.get("table").is_none() && !given.meant("table") {
            errors.add(
                span,
                "`table` is missing; write #[dynamo(table = \"…\")] with the bounded context",
            );
        }
        let indexes = (1..=3).filter_map(|number| index(&given, number, errors)).collect();
        Some(Self {
            entity: given
                .get("entity")
                .map_or_else(|| screaming(&input.ident.to_string()), LitStr::value),
            ident: input.ident.clone(),
            fields: fields.named.iter().cloned().collect(),
            table: given.get("table").cloned().unwrap_or_else(|| LitStr::new("", span)),
            pk: required(&given, "pk", span, "TENANT#{tenant_id}", errors),
            sk: required(&given, "sk", span, "ROW", errors),
            indexes,
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.ident.as_ref().is_some_and(|ident| ident == name))
    }
}

/// `CapsuleAccount` as `CAPSULE_ACCOUNT`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (n, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && n > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// The type inside an `Option`, or the type itself.
pub(crate) fn inner(ty: &Type) -> (&Type, bool) {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return (inner, true);
    }
    (ty, false)
}
