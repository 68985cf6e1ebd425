//! What the methods of requests, paginators and answers say about a call.

use super::{
    body::{Around, Tracer, Val},
    facts::{Limit, Said},
};
use crate::model::{declarations::text, operations, types::Ty};
use quote::ToTokens;
use syn::{Expr, ExprMethodCall};

impl Tracer<'_> {
    /// A method of a request.
    pub(super) fn request(&mut self, call: &ExprMethodCall, request: Val, operation: &'static str, input: bool) -> Val {
        let name = call.method.to_string();
        let arguments: Vec<Val> = call.args.iter().map(|argument| self.expression(argument)).collect();
        let nodes = &request.nodes;
        if operations::tells(&name) {
            self.say(nodes, |facts| facts.telling += 1);
        }
        let first = call.args.first();
        let plain = name.strip_prefix("set_").unwrap_or(&name);
        // `set_x(None)` says nothing.
        let given = first.map(|first| {
            if name.starts_with("set_") {
                within_some(first)
            } else {
                Some(first)
            }
        });
        let nothing = matches!(given, Some(None)) && first.is_some_and(is_none);
        let value = given.flatten();
        if !nothing {
            self.said(nodes, plain, &name, value.or(first));
        }
        match name.as_str() {
            "send" => {
                self.say(nodes, |facts| facts.sent = true);
                Val {
                    ty: Ty::Other("Result".into(), vec![Ty::Output(operation)]),
                    ..request
                }
            }
            "send_with" => {
                if let Some(Ty::Client(_)) = arguments.first().and_then(|client| self.sdk(&client.ty)) {
                    let node = self.site(operation, call.method.span(), 2, false);
                    let known = request.nodes.clone();
                    for other in known {
                        self.flow(&[node], other);
                    }
                    self.say(&[node], |facts| facts.sent = true);
                    return Val::at(Ty::Other("Result".into(), vec![Ty::Output(operation)]), vec![node]);
                }
                Val {
                    ty: Ty::Other("Result".into(), vec![Ty::Output(operation)]),
                    ..request
                }
            }
            "into_paginator" => {
                self.say(nodes, |facts| {
                    facts.paginator = true;
                    facts.sent = true;
                });
                Val {
                    ty: Ty::Paginator(operation),
                    ..request
                }
            }
            "customize" | "config_override" | "clone" | "to_owned" | "build" | "as_input" | "unwrap" | "expect"
            | "by_ref" => request,
            name if name.starts_with("get_") && !input && call.args.is_empty() => Val::unknown(),
            "map" | "and_then" | "pipe" | "then" => arguments
                .into_iter()
                .next()
                .map_or(request.clone(), |made| self.unfunction(made).or(request)),
            _ => request,
        }
    }

    fn said(&mut self, nodes: &[usize], plain: &str, name: &str, value: Option<&Expr>) {
        let said = |tracer: &Self| value.map(|value| tracer.said_of(value));
        match plain {
            "table_name" => {
                let table = said(self);
                self.say(nodes, |facts| facts.table.clone_from(&table));
            }
            "index_name" => {
                let index = said(self);
                self.say(nodes, |facts| facts.index.clone_from(&index));
            }
            "key_condition_expression" | "update_expression" => {
                let Some(Said::Text(words)) = said(self) else { return };
                if plain == "update_expression" {
                    self.say(nodes, |facts| facts.update = Some(words.clone()));
                } else {
                    self.say(nodes, |facts| facts.key_condition = Some(words.clone()));
                }
            }
            "filter_expression" | "scan_filter" | "query_filter" => self.say(nodes, |facts| facts.filter = true),
            "condition_expression" | "expected" => self.say(nodes, |facts| facts.condition = true),
            "consistent_read" => {
                let off = value.is_some_and(|value| value.to_token_stream().to_string() == "false");
                self.say(nodes, |facts| facts.consistent |= !off);
            }
            "limit" => {
                let limit = match value.map(number) {
                    Some(Some(number)) => Limit::Number(number),
                    _ if name == "set_limit" && value.is_none_or(|value| within_some(value).is_none()) => {
                        Limit::Perhaps
                    }
                    _ => Limit::Said,
                };
                self.say(nodes, |facts| facts.limit = Some(limit.clone()));
            }
            "exclusive_start_key" | "next_token" | "exclusive_start_table_name" => {
                self.say(nodes, |facts| facts.start_key = true);
            }
            "transact_items" => {
                let looped = self.loops.iter().any(|around| *around != Around::Later);
                let writes = match value {
                    Some(value) if name.starts_with("set_") => list_of(value).unwrap_or(2),
                    _ if looped => 2,
                    _ => 1,
                };
                self.say(nodes, |facts| facts.transact += writes);
            }
            _ => {}
        }
    }

    /// A field or getter of an answer.
    pub(super) fn answer(&mut self, answer: &Val, operation: &'static str, name: &str) -> Val {
        match name {
            "last_evaluated_key"
            | "next_token"
            | "last_evaluated_table_name"
            | "last_evaluated_shard_id"
            | "next_shard_iterator" => {
                if answer.nodes.is_empty() {
                    self.untied.insert(self.function);
                }
                self.say(&answer.nodes, |facts| facts.key_read = true);
                Val::unknown()
            }
            "unprocessed_items" | "unprocessed_keys" => {
                self.say(&answer.nodes, |facts| facts.unprocessed = true);
                Val::unknown()
            }
            "items" | "take_items" => {
                let mut value = Val::at(Ty::Other("Items".into(), Vec::new()), answer.nodes.clone());
                value.items = true;
                value
            }
            "count" | "scanned_count" => {
                self.say(&answer.nodes, |facts| facts.many = true);
                Val::unknown()
            }
            _ => {
                let _ = operation;
                Val::unknown()
            }
        }
    }

    /// Items of an answer were used: the first only, or all.
    pub(super) fn say_items(&mut self, value: &Val, first: bool) {
        if value.items {
            self.say(&value.nodes, |facts| {
                if first {
                    facts.first = true;
                } else {
                    facts.many = true;
                }
            });
        }
    }

    /// What an expression gives as text.
    pub(super) fn said_of(&self, value: &Expr) -> Said {
        if let Some(text) = self.text_of(value) {
            return Said::Text(text);
        }
        let mut words = value.to_token_stream().to_string();
        for (from, to) in [
            (" . ", "."),
            (" :: ", "::"),
            (" (", "("),
            ("( ", "("),
            (" )", ")"),
            ("& ", "&"),
            (" ,", ","),
            (" ?", "?"),
        ] {
            words = words.replace(from, to);
        }
        for end in [
            ".clone()",
            ".to_string()",
            ".as_str()",
            ".to_owned()",
            ".into()",
            ".as_ref()",
        ] {
            while let Some(shorter) = words.strip_suffix(end) {
                words = shorter.to_owned();
            }
        }
        Said::Expression(words.trim_start_matches('&').chars().take(120).collect())
    }

    fn text_of(&self, value: &Expr) -> Option<String> {
        match value {
            Expr::Reference(inner) => self.text_of(&inner.expr),
            Expr::Paren(inner) => self.text_of(&inner.expr),
            Expr::Group(inner) => self.text_of(&inner.expr),
            Expr::MethodCall(call)
                if ["to_string", "to_owned", "into", "clone", "as_str", "as_ref"]
                    .iter()
                    .any(|name| call.method == name) =>
            {
                self.text_of(&call.receiver)
            }
            Expr::Call(call) if call.args.len() == 1 => {
                match &*call.func {
                    Expr::Path(path)
                        if path.path.segments.last().is_some_and(|last| {
                            last.ident == "from" || last.ident == "Some" || last.ident == "new"
                        }) =>
                    {
                        self.text_of(call.args.first()?)
                    }
                    _ => None,
                }
            }
            Expr::Macro(inner) if inner.mac.path.is_ident("format") || inner.mac.path.is_ident("concat") => {
                match inner.mac.tokens.clone().into_iter().next()? {
                    proc_macro2::TokenTree::Literal(literal) => syn::parse2::<syn::LitStr>(literal.to_token_stream())
                        .ok()
                        .map(|text| text.value()),
                    _ => None,
                }
            }
            Expr::Path(path) => self.constant(path),
            other => text(other),
        }
    }
}

/// `Some(x)` is `x`.
fn within_some(value: &Expr) -> Option<&Expr> {
    match value {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.path.is_ident("Some") => call.args.first(),
            _ => None,
        },
        _ => None,
    }
}

fn is_none(value: &Expr) -> bool {
    matches!(value, Expr::Path(path) if path.path.is_ident("None"))
}

fn number(value: &Expr) -> Option<u64> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        Expr::Call(_) => within_some(value).and_then(number),
        Expr::Paren(inner) => number(&inner.expr),
        _ => None,
    }
}

/// How many a `vec![a, b]` holds.
fn list_of(value: &Expr) -> Option<usize> {
    match value {
        Expr::Macro(inner) if inner.mac.path.is_ident("vec") => {
            let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
            syn::parse::Parser::parse2(parser, inner.mac.tokens.clone())
                .ok()
                .map(|list| list.len())
        }
        _ => None,
    }
}
