//! The expansion: an implementation of `Entity` and the typed keys and queries.

use crate::{
    input::{Entity, Index, inner},
    template::Part,
};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Type, spanned::Spanned};

pub(crate) fn expand(entity: &Entity) -> TokenStream {
    let Entity {
        ident,
        table,
        entity: discriminator,
        pk,
        sk,
        indexes,
        ..
    } = entity;
    let (pk_text, sk_text) = (&pk.literal, &sk.literal);
    let index_texts = indexes.iter().map(|index| {
        let (number, pk, sk) = (index.number, &index.pk.literal, &index.sk.literal);
        quote!((#number, #pk, #sk))
    });
    let own = |name: &str| {
        let span = place(entity, name);
        let field = format_ident!("{name}", span = span);
        quote_spanned!(span=> ::headwater_dynamo_schema::KeyPart::key_part(&self.#field))
    };
    let (partition, sort) = (write(pk.after_tenant(), true, &own), write(&sk.parts, false, &own));
    let index_keys = indexes.iter().map(|index| {
        let number = index.number;
        let (partition, sort) = (
            write(index.pk.after_tenant(), true, &own),
            write(&index.sk.parts, false, &own),
        );
        quote! {
            ::headwater_dynamo_schema::IndexKey {
                index: #number,
                key: (|| Some(::headwater_dynamo_schema::RowKey { partition: #partition?, sort: #sort? }))(),
            }
        }
    });
    let functions = table_functions(entity)
        .into_iter()
        .chain(indexes.iter().map(|index| index_function(entity, index)));
    quote! {
        #[automatically_derived]
        impl ::headwater_dynamo_schema::Entity for #ident {
            const SCHEMA: ::headwater_dynamo_schema::EntitySchema = ::headwater_dynamo_schema::EntitySchema {
                table: #table,
                entity: #discriminator,
                pk: #pk_text,
                sk: #sk_text,
                indexes: &[#(#index_texts),*],
            };

            fn row_key(&self) -> ::headwater_dynamo_schema::RowKey {
                ::headwater_dynamo_schema::RowKey {
                    partition: #partition.unwrap_or_default(),
                    sort: #sort.unwrap_or_default(),
                }
            }

            fn index_keys(&self) -> ::std::vec::Vec<::headwater_dynamo_schema::IndexKey> {
                ::std::vec![#(#index_keys),*]
            }
        }

        #[automatically_derived]
        impl ::headwater_dynamo_schema::FromRow for #ident {
            fn wants(entity: &str) -> bool {
                entity == #discriminator
            }

            fn from_row(
                _: &str,
                attributes: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            ) -> ::std::result::Result<Self, ::serde_json::Error> {
                ::serde_json::from_value(::serde_json::Value::Object(attributes))
            }
        }

        #[automatically_derived]
        #[allow(dead_code, reason = "not every query is used everywhere")]
        impl #ident {
            #(#functions)*
        }
    }
}

/// An expression of type `Option<String>` for a row of parts; with a leading `#` when it continues a key.
fn write(parts: &[Part], continues: bool, value: &dyn Fn(&str) -> TokenStream) -> TokenStream {
    let pieces = parts.iter().enumerate().map(|(n, part)| {
        let separator = if continues || n > 0 { "#" } else { "" };
        match part {
            Part::Label(label) => {
                let text = format!("{separator}{label}");
                quote!(key.push_str(#text);)
            }
            Part::Placeholder(name) => {
                let value = value(name);
                quote! {
                    key.push_str(#separator);
                    key.push_str(&#value?);
                }
            }
        }
    });
    quote! {
        (|| -> ::std::option::Option<::std::string::String> {
            #[allow(unused_mut, reason = "an empty tail is never pushed to")]
            let mut key = ::std::string::String::new();
            #(#pieces)*
            Some(key)
        })()
    }
}

/// Parameters for placeholders, typed as their fields are.
fn parameters<'a>(entity: &Entity, names: impl Iterator<Item = &'a str>) -> Vec<TokenStream> {
    names
        .filter_map(|name| {
            let (ty, _) = inner(&entity.field(name)?.ty);
            let ident = format_ident!("{name}");
            let is_text =
                matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "String"));
            Some(if is_text {
                quote!(#ident: &str)
            } else {
                quote!(#ident: &#ty)
            })
        })
        .collect()
}

/// Where it is said that a type cannot stand in a key: at the field's type, once for all the places it is used at.
fn place(entity: &Entity, name: &str) -> Span {
    let call = Span::call_site();
    entity
        .field(name)
        .map_or(call, |field| call.located_at(field.ty.span()))
}

fn argument(entity: &Entity, name: &str) -> TokenStream {
    let span = place(entity, name);
    let ident = format_ident!("{name}", span = span);
    quote_spanned!(span=> ::headwater_dynamo_schema::KeyPart::key_part(#ident))
}

fn placeholders(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Placeholder(name) => Some(name.as_str()),
        Part::Label(_) => None,
    })
}

/// `key`, and for each level of the sort key the rows of this entity in it and the whole tree below it.
fn table_functions(entity: &Entity) -> Vec<TokenStream> {
    let table = &entity.table;
    let tail = entity.pk.after_tenant();
    let argument = |name: &str| argument(entity, name);
    let partition = write(tail, true, &argument);
    let sort = write(&entity.sk.parts, false, &argument);
    let all = parameters(entity, placeholders(tail).chain(entity.sk.placeholders()));
    let mut functions = vec![quote! {
        /// The key of one row.
        pub fn key(#(#all),*) -> ::headwater_dynamo_schema::RowKey {
            ::headwater_dynamo_schema::RowKey { partition: #partition.unwrap_or_default(), sort: #sort.unwrap_or_default() }
        }
    }];
    // Each label that is followed by a placeholder begins a level.
    let parts = &entity.sk.parts;
    for (n, pair) in parts.windows(2).enumerate() {
        let [Part::Label(label), Part::Placeholder(_)] = pair else {
            continue;
        };
        let label = format_ident!("{}", label.to_ascii_lowercase());
        let is_last = n + 2 == parts.len();
        let root = &parts[..n + 2];
        let arguments = parameters(entity, placeholders(tail).chain(placeholders(root)));
        let root_key = write(root, false, &argument);
        let tree = format_ident!("tree_of_{label}");
        functions.push(quote! {
            /// This row and everything below it, of all entities: one query.
            pub fn #tree(#(#arguments),*) -> ::headwater_dynamo_schema::Range {
                ::headwater_dynamo_schema::Range::subtree(
                    #table,
                    ::headwater_dynamo_schema::RowKey { partition: #partition.unwrap_or_default(), sort: #root_key.unwrap_or_default() },
                )
            }
        });
        // What comes above the last level: the rows of this entity within it.
        let (name, above) = if is_last {
            match parts[..n].iter().rev().find_map(|part| match part {
                Part::Label(label) => Some(label.to_ascii_lowercase()),
                Part::Placeholder(_) => None,
            }) {
                Some(parent) => (format_ident!("in_{parent}"), &parts[..n]),
                None => (format_ident!("all"), &parts[..0]),
            }
        } else {
            continue;
        };
        let arguments = parameters(entity, placeholders(tail).chain(placeholders(above)));
        let mut prefix_parts = above.to_vec();
        prefix_parts.push(parts[n].clone());
        let prefix = write(&prefix_parts, false, &argument);
        functions.push(quote! {
            /// The rows of this entity one level below: one query.
            pub fn #name(#(#arguments),*) -> ::headwater_dynamo_schema::Range {
                ::headwater_dynamo_schema::Range::below(
                    #table,
                    #partition.unwrap_or_default(),
                    #prefix.unwrap_or_default() + "#",
                )
            }
        });
    }
    functions
}

/// The rows of one partition of an index.
fn index_function(entity: &Entity, index: &Index) -> TokenStream {
    let (table, number) = (&entity.table, index.number);
    let tail = index.pk.after_tenant();
    let argument = |name: &str| argument(entity, name);
    let name = format_ident!("{}", index.function());
    let arguments = parameters(entity, placeholders(tail));
    let partition = write(tail, true, &argument);
    let labels: Vec<Part> = index
        .sk
        .parts
        .iter()
        .take_while(|part| matches!(part, Part::Label(_)))
        .cloned()
        .collect();
    let prefix = write(&labels, false, &argument);
    let (made, separator) = if labels.len() == index.sk.parts.len() {
        (quote!(at_index), "")
    } else {
        (quote!(of_index), "#")
    };
    quote! {
        /// The rows of one partition of an index, in the order of its sort key: one query.
        pub fn #name(#(#arguments),*) -> ::headwater_dynamo_schema::Range {
            ::headwater_dynamo_schema::Range::#made(
                #table,
                #number,
                #partition.unwrap_or_default(),
                #prefix.unwrap_or_default() + #separator,
            )
        }
    }
}
