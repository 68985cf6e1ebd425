//! Reading the struct and its `#[dynamo(…)]` attribute.

use crate::{check::nearest, template::Template};
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Type, spanned::Spanned};

/// One index.
pub(crate) struct Index {
    pub(crate) number: u8,
    pub(crate) pk: Template,
    pub(crate) sk: Template,
    pub(crate) name: Option<LitStr>,
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

const NAMES: &[&str] = &[
    "table",
    "entity",
    "pk",
    "sk",
    "gsi1_pk",
    "gsi1_sk",
    "gsi1_name",
    "gsi2_pk",
    "gsi2_sk",
    "gsi2_name",
    "gsi3_pk",
    "gsi3_sk",
    "gsi3_name",
];

/// Adds an error to those there are.
pub(crate) fn add(errors: &mut Option<syn::Error>, error: syn::Error) {
    match errors {
        Some(all) => all.combine(error),
        None => *errors = Some(error),
    }
}

impl Entity {
    pub(crate) fn read(input: &DeriveInput) -> syn::Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(syn::Error::new(
                input.span(),
                "DynamoRepository is for structs; an enum of entities derives DynamoEntities",
            ));
        };
        let Fields::Named(fields) = &data.fields else {
            return Err(syn::Error::new(input.span(), "a row needs named fields"));
        };
        let mut errors = None;
        let mut given: Vec<(String, LitStr)> = Vec::new();
        for attribute in input
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("dynamo"))
        {
            let read = attribute.parse_nested_meta(|meta| {
                let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
                let value: LitStr = meta.value()?.parse()?;
                if NAMES.contains(&name.as_str()) {
                    given.push((name, value));
                } else if name.starts_with("gsi") {
                    add(
                        &mut errors,
                        meta.error(
                            "an entity has at most three indexes, gsi1 to gsi3; what needs more belongs in search",
                        ),
                    );
                } else {
                    let hint = nearest(&name, NAMES.iter().copied());
                    add(&mut errors, meta.error(format!("unknown attribute `{name}`{hint}")));
                }
                Ok(())
            });
            if let Err(error) = read {
                add(&mut errors, error);
            }
        }
        let get = |name: &str| {
            given
                .iter()
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.clone())
        };
        let span = input.ident.span();
        let mut template = |name: &str, required: bool| -> Option<Template> {
            let Some(literal) = get(name) else {
                if required {
                    add(
                        &mut errors,
                        syn::Error::new(span, format!("`{name}` is missing; write #[dynamo({name} = \"…\")]")),
                    );
                }
                return None;
            };
            Template::parse(&literal).map_err(|error| add(&mut errors, error)).ok()
        };
        let (pk, sk) = (template("pk", true), template("sk", true));
        let mut indexes = Vec::new();
        for number in 1..=3 {
            let (pk_name, sk_name) = (format!("gsi{number}_pk"), format!("gsi{number}_sk"));
            let used = get(&pk_name).is_some() || get(&sk_name).is_some();
            if let (Some(pk), Some(sk)) = (template(&pk_name, used), template(&sk_name, used)) {
                indexes.push(Index {
                    number,
                    pk,
                    sk,
                    name: get(&format!("gsi{number}_name")),
                });
            }
        }
        let table = get("table");
        if table.is_none() {
            add(
                &mut errors,
                syn::Error::new(
                    span,
                    "`table` is missing; write #[dynamo(table = \"…\")] with the bounded context",
                ),
            );
        }
        match (errors, table, pk, sk) {
            (None, Some(table), Some(pk), Some(sk)) => Ok(Self {
                entity: get("entity").map_or_else(|| screaming(&input.ident.to_string()), |name| name.value()),
                ident: input.ident.clone(),
                fields: fields.named.iter().cloned().collect(),
                table,
                pk,
                sk,
                indexes,
            }),
            (Some(errors), ..) => Err(errors),
            _ => Err(syn::Error::new(span, "the #[dynamo(…)] attribute is not complete")),
        }
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
