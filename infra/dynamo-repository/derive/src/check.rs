//! What templates must hold, and the errors that say so.

use crate::{
    input::{Entity, add, inner},
    template::{Part, Template},
};
use syn::{Type, spanned::Spanned};

/// Attribute names that the repository writes itself.
const RESERVED: &[&str] = &["pk", "sk", "entity", "version", "ttl"];

/// Checks everything and reports all that is wrong.
pub(crate) fn check(entity: &Entity) -> syn::Result<()> {
    let mut errors = None;
    for field in &entity.fields {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        if name == "tenant_id" {
            add(
                &mut errors,
                syn::Error::new(
                    field.span(),
                    "the tenant is no field: it always comes from the TenantScope; remove it",
                ),
            );
        } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) || name.to_ascii_lowercase().starts_with("gsi")
        {
            add(
                &mut errors,
                syn::Error::new(
                    field.span(),
                    format!("`{name}` is an attribute of the repository's own; rename the field"),
                ),
            );
        }
    }
    let indexes = entity
        .indexes
        .iter()
        .flat_map(|index| [(&index.pk, true, true), (&index.sk, false, true)]);
    for (template, partition, index) in [(&entity.pk, true, false), (&entity.sk, false, false)]
        .into_iter()
        .chain(indexes)
    {
        if partition && !template.begins_with_tenant() {
            add(
                &mut errors,
                at(
                    template,
                    "a partition key begins with TENANT#{tenant_id}, so that no row can belong to another tenant",
                ),
            );
        }
        placeholders(entity, template, partition, index, &mut errors);
    }
    if !matches!(entity.sk.parts.first(), Some(Part::Label(_))) {
        add(
            &mut errors,
            at(&entity.sk, "a sort key begins with a label, such as ACCOUNT#{id}"),
        );
    }
    let times: Vec<_> = entity.sk.placeholders().collect();
    if let [only] = times.as_slice()
        && entity
            .field(only)
            .is_some_and(|field| is_timestamp(&field.ty) || declares_timestamp(field))
    {
        add(
            &mut errors,
            at(
                &entity.sk,
                "a sort key of nothing but a time is a time series, which costs five times as much here; write it as a metric",
            ),
        );
    }
    errors.map_or(Ok(()), Err)
}

fn at(template: &Template, why: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(template.literal.span(), why)
}

fn placeholders(entity: &Entity, template: &Template, partition: bool, index: bool, errors: &mut Option<syn::Error>) {
    for (n, part) in template.parts.iter().enumerate() {
        let Part::Placeholder(name) = part else { continue };
        if name == "tenant_id" {
            if !partition || n != 1 {
                add(
                    errors,
                    at(
                        template,
                        "the tenant stands at the beginning of the partition key and nowhere else",
                    ),
                );
            }
            continue;
        }
        match entity.field(name) {
            None => {
                let fields = entity
                    .fields
                    .iter()
                    .filter_map(|field| field.ident.as_ref().map(ToString::to_string))
                    .collect::<Vec<_>>();
                let hint = nearest(name, fields.iter().map(String::as_str));
                add(
                    errors,
                    at(template, format!("`{{{name}}}` is no field of {}{hint}", entity.ident)),
                );
            }
            Some(field) if !index && inner(&field.ty).1 => {
                add(
                    errors,
                    syn::Error::new(
                        field.ty.span(),
                        format!("`{name}` is part of the table's key, so it cannot be an Option"),
                    ),
                );
            }
            Some(_) => {}
        }
    }
}

fn is_timestamp(ty: &Type) -> bool {
    matches!(inner(ty).0, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Timestamp"))
}

fn declares_timestamp(field: &syn::Field) -> bool {
    field.attrs.iter().any(|attribute| {
        attribute.path().is_ident("dynamo")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|ident| ident == "timestamp")
    })
}

/// `; did you mean …?` when something is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|known| (distance(name, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(3) / 3)
        .min()
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// Levenshtein's distance (Wagner and Fischer 1974).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
