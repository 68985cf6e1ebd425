//! `#[derive(DynamoEntities)]`: an enum with one entity per variant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, spanned::Spanned};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(
            input.span(),
            "DynamoEntities is for enums with one entity per variant",
        ));
    };
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
            _ => {
                return Err(syn::Error::new(
                    variant.span(),
                    "a variant holds one entity: Account(AccountRow)",
                ));
            }
        }
    }
    Ok(quote! {
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
