//! Key templates: `LABEL#{field}#LABEL#{field}`.

use proc_macro2::Span;
use syn::LitStr;

/// One part of a template between two `#`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Label(String),
    Placeholder(String),
}

/// A template with the literal that it was written as.
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) parts: Vec<Part>,
}

impl Template {
    pub(crate) fn parse(literal: &LitStr) -> syn::Result<Self> {
        let text = literal.value();
        let fail = |why: String| Err(syn::Error::new(literal.span(), why));
        let mut parts = Vec::new();
        for part in text.split('#') {
            if let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return fail(format!(
                        "`{{{name}}}` is no placeholder; write a field's name between the braces"
                    ));
                }
                parts.push(Part::Placeholder(name.to_owned()));
            } else if part.is_empty() {
                return fail("every # separates two parts, and one of them is empty".to_owned());
            } else if !part
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            {
                return fail(format!(
                    "`{part}` is no label; between two # stands either a label of A-Z, 0-9 and _ or one placeholder such as {{id}}"
                ));
            } else {
                parts.push(Part::Label(part.to_owned()));
            }
        }
        Ok(Self {
            literal: literal.clone(),
            parts,
        })
    }

    /// A template that is known to be right.
    pub(crate) fn known(text: &str, span: Span) -> Self {
        let literal = LitStr::new(text, span);
        let parts = Self::parse(&literal).map(|template| template.parts).unwrap_or_default();
        Self { literal, parts }
    }

    /// The names of the placeholders, in order.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Label(_) => None,
        })
    }

    /// Whether it begins with the tenant.
    pub(crate) fn begins_with_tenant(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Label(label), Part::Placeholder(name), ..] if label == "TENANT" && name == "tenant_id")
    }

    /// What follows the tenant.
    pub(crate) fn after_tenant(&self) -> &[Part] {
        self.parts.get(2..).unwrap_or_default()
    }
}
