//! All mistakes of a struct, gathered so that they are reported at once.

use proc_macro2::{Span, TokenStream};
use std::fmt::Display;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn add(&mut self, span: Span, why: impl Display) {
        self.push(syn::Error::new(span, why));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// What was made, if nothing is wrong; else the errors, each where it belongs.
    pub(crate) fn or(self, made: impl FnOnce() -> TokenStream) -> TokenStream {
        self.0.map_or_else(made, syn::Error::into_compile_error)
    }
}
