//! What is within macros: arguments that are expressions or statements, and the bodies of `macro_rules!`.

use super::body::{Tracer, Val};
use crate::model::types::Ty;
use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use syn::{Expr, Token, parse::Parser, punctuated::Punctuated};

/// Macros whose tokens are not run.
const TEXT: &[&str] = &[
    "stringify",
    "concat",
    "include_str",
    "include_bytes",
    "include",
    "env",
    "compile_error",
];

const DEEPEST: usize = 32;

impl Tracer<'_> {
    pub(super) fn macro_call(&mut self, mac: &syn::Macro) -> Val {
        let name = mac
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        if TEXT.contains(&name.as_str()) {
            return Val::unknown();
        }
        if name == "macro_rules" {
            return Val::unknown();
        }
        let tokens = mac.tokens.clone();
        if matches!(name.as_str(), "quote" | "quote_spanned" | "parse_quote") {
            return Val::unknown();
        }
        if let Ok(list) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            let values: Vec<Val> = list.iter().map(|part| self.expression(part)).collect();
            return match name.as_str() {
                "join" | "try_join" | "zip" => {
                    let mut value = Val::of(Ty::Tuple(
                        values.iter().map(|part| self.unwrapped(part.clone()).ty).collect(),
                    ));
                    value.parts = values
                        .into_iter()
                        .map(|part| if name == "try_join" { self.unwrapped(part) } else { part })
                        .collect();
                    value
                }
                "vec" => {
                    let each = values.into_iter().fold(Val::unknown(), Val::or);
                    Val::at(Ty::Other("Vec".into(), vec![each.ty]), each.nodes)
                }
                _ => values
                    .into_iter()
                    .find(|value| self.sdk(&value.ty).is_some())
                    .unwrap_or_else(Val::unknown),
            };
        }
        self.tokens(tokens)
    }

    /// Tokens that may be statements, or anything with expressions in it.
    pub(super) fn tokens(&mut self, tokens: TokenStream) -> Val {
        self.tokens_at(tokens, 0)
    }

    fn tokens_at(&mut self, tokens: TokenStream, depth: usize) -> Val {
        if depth > DEEPEST || tokens.is_empty() {
            return Val::unknown();
        }
        if let Ok(statements) = syn::Block::parse_within.parse2(tokens.clone()) {
            self.scopes.push(Vec::new());
            let value = self.statements(&statements);
            self.scopes.pop();
            return value;
        }
        // Neither list nor statements: what stands between separators may be either.
        self.scopes.push(Vec::new());
        let mut value = Val::unknown();
        let mut part = Vec::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => {
                    value = value.or(self.part(std::mem::take(&mut part), depth));
                }
                TokenTree::Punct(punct) if punct.as_char() == '=' && is_arrow(punct, tokens.peek()) => {
                    tokens.next();
                    value = value.or(self.part(std::mem::take(&mut part), depth));
                }
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Brace && ends_arm(tokens.peek()) && part.is_empty() =>
                {
                    value = value.or(self.tokens_at(group.stream(), depth + 1));
                }
                _ => part.push(token),
            }
        }
        value = value.or(self.part(part, depth));
        self.scopes.pop();
        value
    }

    fn part(&mut self, part: Vec<TokenTree>, depth: usize) -> Val {
        if part.is_empty() {
            return Val::unknown();
        }
        let stream: TokenStream = part.iter().cloned().collect();
        if let Ok(expression) = syn::parse2::<Expr>(stream.clone()) {
            return self.expression(&expression);
        }
        // `pattern = future` of `select!`.
        if let Some(at) = part.iter().position(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=' && punct.spacing() == Spacing::Alone))
        {
            let after: TokenStream = part[at + 1..].iter().cloned().collect();
            if let Ok(expression) = syn::parse2::<Expr>(after) {
                let value = self.expression(&expression);
                let before: TokenStream = part[..at].iter().cloned().collect();
                if let Ok(pattern) = syn::Pat::parse_multi.parse2(before) {
                    self.bind(&pattern, &value);
                }
                return value;
            }
        }
        let mut value = Val::unknown();
        for token in part {
            if let TokenTree::Group(group) = token {
                value = value.or(self.tokens_at(group.stream(), depth + 1));
            }
        }
        value
    }

    /// The bodies of `macro_rules!`: `$x` stands for something unknown.
    pub(super) fn rules_of_macro(&mut self, tokens: &TokenStream) {
        let mut after_arrow = false;
        let mut before = ' ';
        for token in tokens.clone() {
            match token {
                TokenTree::Punct(punct) => {
                    after_arrow = before == '=' && punct.as_char() == '>';
                    before = punct.as_char();
                }
                TokenTree::Group(group) => {
                    if after_arrow {
                        let plain = plain(group.stream(), 0);
                        self.outside_of_function("macro", |tracer| {
                            if let Ok(file) = syn::parse2::<syn::File>(plain.clone()) {
                                tracer.items(&file.items);
                            } else {
                                tracer.tokens(plain);
                            }
                        });
                    }
                    after_arrow = false;
                    before = ' ';
                }
                _ => before = ' ',
            }
        }
    }
}

fn is_arrow(punct: &Punct, next: Option<&TokenTree>) -> bool {
    punct.spacing() == Spacing::Joint && matches!(next, Some(TokenTree::Punct(next)) if next.as_char() == '>')
}

fn ends_arm(next: Option<&TokenTree>) -> bool {
    !matches!(next, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '.' | '?'))
}

/// A macro's body with its variables as plain names and its repetitions once.
fn plain(tokens: TokenStream, depth: usize) -> TokenStream {
    let mut made = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match tokens.next() {
                Some(TokenTree::Ident(name)) => made.push(TokenTree::Ident(name)),
                Some(TokenTree::Group(group)) if depth < DEEPEST => {
                    made.extend(plain(group.stream(), depth + 1));
                    // The separator, then the mark of the repetition.
                    while let Some(TokenTree::Punct(punct)) = tokens.peek() {
                        let mark = punct.as_char();
                        if !matches!(mark, '*' | '+' | '?' | ',' | ';') {
                            break;
                        }
                        if mark == ',' || mark == ';' {
                            made.push(TokenTree::Punct(punct.clone()));
                        }
                        tokens.next();
                        if matches!(mark, '*' | '+' | '?') {
                            break;
                        }
                    }
                }
                Some(other) => made.push(other),
                None => {}
            },
            TokenTree::Group(group) if depth < DEEPEST => {
                let mut inner = Group::new(group.delimiter(), plain(group.stream(), depth + 1));
                inner.set_span(group.span());
                made.push(TokenTree::Group(inner));
            }
            other => made.push(other),
        }
    }
    made.into_iter().collect()
}
