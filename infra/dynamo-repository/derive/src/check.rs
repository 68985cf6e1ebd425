//! What fields and templates must hold.

use crate::{
    attributes::{hint, nearest},
    errors::Errors,
    input::{Entity, inner},
    template::{Part, Template},
};
use proc_macro2::Span;
use syn::{Expr, LitStr, Token, Type, spanned::Spanned};

/// Attribute names that the repository writes itself.
const RESERVED: &[&str] = &["pk", "sk", "entity", "version", "ttl"];

/// Checks everything and reports all that is wrong.
pub(crate) fn check(entity: &Entity, errors: &mut Errors) {
    for field in &entity.fields {
        let (name, span) = stored_name(field);
        let small = name.to_ascii_lowercase();
        if name == "tenant_id" {
            errors.add(
                span,
                "the tenant is no field: it always comes from the TenantScope; remove it",
            );
        } else if RESERVED.contains(&small.as_str()) || small.starts_with("gsi") {
            errors.add(
                span,
                format!("`{name}` is an attribute of the repository's own; rename the field"),
            );
        }
    }
    template(entity, &entity.pk, true, false, errors);
    template(entity, &entity.sk, false, false, errors);
    for index in &entity.indexes {
        template(entity, &index.pk, true, true, errors);
        template(entity, &index.sk, false, true, errors);
    }
    time_series(entity, errors);
    functions(entity, errors);
}

fn template(entity: &Entity, template: &Template, partition: bool, index: bool, errors: &mut Errors) {
    if partition && !template.begins_with_tenant() {
        errors.add(
            template.literal.span(),
            "a partition key begins with TENANT#{tenant_id}, so that no row can belong to another tenant",
        );
    }
    // Empty text is no key, and a range needs something to begin with.
    if !partition && !matches!(template.parts.first(), Some(Part::Label(_))) {
        errors.add(
            template.literal.span(),
            "a sort key begins with a label, such as ACCOUNT#{id}",
        );
    }
    for (n, part) in template.parts.iter().enumerate() {
        let Part::Placeholder(name) = part else { continue };
        if name == "tenant_id" {
            if !partition || n != 1 {
                errors.add(
                    template.literal.span(),
                    "the tenant stands at the beginning of the partition key and nowhere else",
                );
            }
            continue;
        }
        match entity.field(name) {
            None => errors.add(
                template.literal.span(),
                format!("`{{{name}}}` is no field of {}{}", entity.ident, meant(entity, name)),
            ),
            Some(field) if !index && inner(&field.ty).1 => errors.add(
                field.ty.span(),
                format!(
                    "`{name}` is part of the table's key, so it cannot be an Option; only an index may leave a row out"
                ),
            ),
            Some(_) => {}
        }
    }
}

/// The field that a placeholder is near to.
fn meant(entity: &Entity, name: &str) -> String {
    let fields: Vec<_> = entity
        .fields
        .iter()
        .filter_map(|field| field.ident.as_ref().map(ToString::to_string))
        .collect();
    hint(nearest(name, fields.iter().map(String::as_str).chain(["tenant_id"])))
}

fn time_series(entity: &Entity, errors: &mut Errors) {
    let times: Vec<_> = entity.sk.placeholders().collect();
    if let [only] = times.as_slice()
        && entity
            .field(only)
            .is_some_and(|field| is_timestamp(&field.ty) || declares_timestamp(field))
    {
        errors.add(
            entity.sk.literal.span(),
            "a sort key of nothing but a time is a time series, which costs five times as much here; write it as a metric",
        );
    }
}

/// Each index gets a function of its own.
fn functions(entity: &Entity, errors: &mut Errors) {
    let mut names: Vec<String> = ["key", "all"].map(str::to_owned).into();
    for index in &entity.indexes {
        let (number, name) = (index.number, index.function());
        if names.contains(&name) {
            let span = index.name.as_ref().unwrap_or(&index.pk.literal).span();
            errors.add(
                span,
                format!("there is a function `{name}` already; name this index's with gsi{number}_name = \"by_…\""),
            );
        }
        names.push(name);
    }
}

/// What a field is called in the row, and where that is said.
fn stored_name(field: &syn::Field) -> (String, Span) {
    let mut name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut span = field.ident.span();
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        // What serde does not understand, serde reports.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") && meta.input.peek(Token![=]) {
                let renamed: LitStr = meta.value()?.parse()?;
                (name, span) = (renamed.value(), renamed.span());
            } else if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            }
            Ok(())
        });
    }
    (name, span)
}

fn is_timestamp(ty: &Type) -> bool {
    matches!(inner(ty).0, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Timestamp"))
}

/// `#[dynamo(timestamp)]`: a time of another type.
fn declares_timestamp(field: &syn::Field) -> bool {
    field.attrs.iter().any(|attribute| {
        attribute.path().is_ident("dynamo")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|ident| ident == "timestamp")
    })
}
