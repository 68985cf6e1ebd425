//! `#[derive(DynamoRepository)]` and `#[derive(DynamoEntities)]`. They check key templates and expand to the pure description in
//! `headwater-dynamo-schema`. All mistakes of a struct are reported at once, each at its place.

mod attributes;
mod check;
mod entities;
mod errors;
mod expand;
mod input;
mod template;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Turns a struct and its key templates into a row that repositories keep.
///
/// `#[dynamo(table = "crm", pk = "TENANT#{tenant_id}", sk = "ACCOUNT#{id}", gsi1_pk = …, gsi1_sk = …)]`: every partition key begins with
/// the tenant, which is no field; other placeholders are fields. `entity = "…"` names the discriminator. Adds `key(…)`, `all()`,
/// `in_…(…)` and `tree_of_…(…)` for each level of the sort key, and `by_…(…)` for each index (`gsi1_name = "…"` calls it otherwise). A time
/// that is no `Timestamp` is declared by `#[dynamo(timestamp)]` on its field.
#[proc_macro_derive(DynamoRepository, attributes(dynamo))]
pub fn dynamo_repository(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut errors = errors::Errors::default();
    let entity = input::Entity::read(&input, &mut errors);
    if let Some(entity) = &entity {
        check::check(entity, &mut errors);
    }
    errors
        .or(|| entity.as_ref().map(expand::expand).unwrap_or_default())
        .into()
}

/// Lets an enum with one entity per variant be read from one query, told apart by their discriminators.
#[proc_macro_derive(DynamoEntities)]
pub fn dynamo_entities(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    entities::expand(&input).into()
}
