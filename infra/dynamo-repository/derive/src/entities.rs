//! `#[derive(DynamoEntities)]`: an enum with one entity per variant.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, spanned::Spanned};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let Data::Enum(data) = &input.data else {
        errors.add(
            input.ident.span(),
            "DynamoEntities is for enums with one entity per variant",
        );
        return errors.or(TokenStream::new);
    };
    if data.variants.is_empty() {
        errors.add(input.ident.span(), "an enum of entities has at least one variant");
    }
    if !input.generics.params.is_empty() {
        errors.add(
            input.generics.span(),
            "an enum of entities is of one type; remove the parameters",
        );
    }
    let ident = &input.ident;
    let mut arms = Vec::new();
    let mut types = Vec::new();
    for variant in &data.variants {
        let name = &variant.ident;
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let ty = &fields.unnamed[0].ty;
                arms.push(quote! {
                    if <#ty as ::headwater_dynamo_schema::FromRow>::wants(entity) {
                        return <#ty as ::headwater_dynamo_schema::FromRow>::from_row(entity, attributes).map(Self::#name);
                    }
                });
                types.push(ty);
            }
            _ => errors.add(variant.span(), "a variant holds one entity: Account(AccountRow)"),
        }
    }
    errors.or(|| quote! {
        #[automatically_derived]
        impl ::headwater_dynamo_schema::FromRow for #ident {
            fn wants(entity: &str) -> bool {
                #(<#types as ::headwater_dynamo_schema::FromRow>::wants(entity))||*
            }

            fn from_row(
                entity: &str,
                attributes: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            ) -> ::std::result::Result<Self, ::serde_json::Error> {
                #(#arms)*
                Err(<::serde_json::Error as ::serde::de::Error>::custom("no entity of this enum has this discriminator"))
            }
        }
    })
}
