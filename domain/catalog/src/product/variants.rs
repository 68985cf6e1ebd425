//! The variants of a product: the sizes, colours and the like that it comes in, each with numbers of its own.
//!
//! Variants of one product need not have the same option names. One command changes one variant, so a product that gets a second option,
//! say colours beside its sizes, has some variants with it and some without for a while.

mod options;
mod payload;
#[cfg(test)]
mod tests;

pub use options::{MAX_OPTIONS, Options};
pub use payload::{NewVariant, VariantChange, VariantEnd};

use super::{Event, Product, changed};
use crate::gtin;
use headwater_kernel::{Currency, Id, Rejection};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most variants that a product ever has, those taken off sale too: their ids and GTINs stay taken.
pub const MAX_VARIANTS: usize = 200;

/// Most bytes that all variants take in a product's state as JSON, so that the largest product still has snapshots.
const MAX_JSON_BYTES: usize = 64 * 1024;

/// A product's variants by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Variants(BTreeMap<Id, Variant>);

/// One that was discontinued keeps its GTINs alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Variant {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sku: String,
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    options: Options,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gtin: Vec<String>,
    /// In the product's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price_cents: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    discontinued: bool,
}

fn normalized<'a>(gtin: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    gtin.into_iter().filter_map(|gtin| gtin::normalized(gtin)).collect()
}

fn taken(number: &str, by: &str) -> Rejection {
    let detail = format!("the GTIN {number} belongs to {by}; take it from there first");
    Rejection::field("already-taken", "/gtin", detail)
}

impl Variants {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The GTINs of all, those taken off sale too.
    pub(super) fn gtin(&self) -> impl Iterator<Item = &String> {
        self.0.values().flat_map(|variant| &variant.gtin)
    }

    fn on_sale(&self) -> impl Iterator<Item = (&Id, &Variant)> {
        self.0.iter().filter(|(_, variant)| !variant.discontinued)
    }

    /// Refuses GTINs of a variant, but for `except`.
    pub(super) fn check_gtin_is_free(&self, gtin: &[String], except: Option<&Id>) -> Result<(), Rejection> {
        let wanted = normalized(gtin);
        for (id, variant) in self.0.iter().filter(|(id, _)| Some(*id) != except) {
            if let Some(number) = normalized(&variant.gtin).intersection(&wanted).next() {
                return Err(taken(number, &format!("the variant {id} of this product")));
            }
        }
        Ok(())
    }

    /// Refuses another currency of the product while a variant has a price in the one it has.
    pub(super) fn check_without_prices(&self) -> Result<(), Rejection> {
        match self.on_sale().find(|(_, variant)| variant.price_cents.is_some()) {
            Some((id, _)) => {
                let detail = format!(
                    "the variant {id} has a price of its own in the product's currency; take the variants' prices away first, \
                     by change-variant with price_cents null"
                );
                Err(Rejection::field("priced-variants", "/currency", detail))
            }
            None => Ok(()),
        }
    }

    fn find_on_sale(&self, id: &Id) -> Result<&Variant, Rejection> {
        let refused = |code, detail| Err(Rejection::field(code, "/variant_id", detail));
        match self.0.get(id) {
            Some(variant) if variant.discontinued => {
                refused("variant-discontinued", "the variant was discontinued; add another")
            }
            Some(variant) => Ok(variant),
            None => refused(
                "no-such-variant",
                "the product has no variant with this id; add it first",
            ),
        }
    }

    fn check_options_are_new(&self, options: &Options, except: Option<&Id>) -> Result<(), Rejection> {
        let wanted = options::folded(options);
        let same = |(id, variant): &(&Id, &Variant)| Some(*id) != except && options::folded(&variant.options) == wanted;
        match self.on_sale().find(same) {
            Some((id, _)) => {
                let detail = format!("the variant {id} of the product has the same options");
                Err(Rejection::field("same-options", "/options", detail))
            }
            None => Ok(()),
        }
    }

    /// Refuses an event after which the variants take too much.
    fn check_size_after(&self, event: Event) -> Result<Event, Rejection> {
        let mut after = self.clone();
        after.apply(&event);
        let bytes = serde_json::to_string(&after).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_JSON_BYTES {
            let detail = format!(
                "the variants of the product would take {bytes} bytes as JSON; at most {MAX_JSON_BYTES} are allowed, \
                 so put some under another product"
            );
            return Err(Rejection::rule("too-large", detail));
        }
        Ok(event)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::ProductVariantAdded {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency: _,
            } => {
                let added = Variant {
                    sku,
                    options,
                    gtin,
                    price_cents,
                    discontinued: false,
                };
                self.0.insert(variant_id, added);
            }
            Event::ProductVariantChanged {
                variant_id,
                sku,
                options,
                gtin,
                price_cents,
                currency: _,
            } => {
                let variant = self.0.entry(variant_id).or_default();
                variant.sku = sku.unwrap_or_else(|| std::mem::take(&mut variant.sku));
                variant.options = options.unwrap_or_else(|| std::mem::take(&mut variant.options));
                variant.gtin = gtin.unwrap_or_else(|| std::mem::take(&mut variant.gtin));
                variant.price_cents = price_cents.unwrap_or(variant.price_cents);
            }
            Event::ProductVariantDiscontinued { variant_id, .. } => {
                let variant = self.0.entry(variant_id).or_default();
                *variant = Variant {
                    gtin: std::mem::take(&mut variant.gtin),
                    discontinued: true,
                    ..Variant::default()
                };
            }
            _ => {}
        }
    }
}

/// Deciding what becomes of the variants of a product that is on sale.
impl Product {
    /// Refuses GTINs of the product itself and of its variants but for `except`.
    fn check_gtin_for_variant(&self, gtin: &[String], except: Option<&Id>) -> Result<(), Rejection> {
        if let Some(number) = normalized(&self.gtin).intersection(&normalized(gtin)).next() {
            return Err(taken(number, "the product itself"));
        }
        self.variants.check_gtin_is_free(gtin, except)
    }

    fn check_currency(&self, currency: Option<Currency>) -> Result<(), Rejection> {
        if currency.is_some_and(|currency| currency != self.currency) {
            let detail = "a variant's price is in its product's currency";
            return Err(Rejection::field("other-currency", "/currency", detail));
        }
        Ok(())
    }

    pub(super) fn add_variant(&self, variant: NewVariant) -> Result<Event, Rejection> {
        let NewVariant {
            variant_id,
            sku,
            options,
            gtin,
            price_cents,
            currency,
        } = variant;
        if self.variants.0.contains_key(&variant_id) {
            let detail = "the product has or had a variant with this id; choose another";
            return Err(Rejection::field("duplicate-variant", "/variant_id", detail));
        }
        if self.variants.0.len() >= MAX_VARIANTS {
            let detail = format!(
                "a product has at most {MAX_VARIANTS} variants, those taken off sale included; add it to another product"
            );
            return Err(Rejection::rule("too-many", detail));
        }
        self.check_currency(currency)?;
        self.variants.check_options_are_new(&options, None)?;
        self.check_gtin_for_variant(&gtin, None)?;
        self.variants.check_size_after(Event::ProductVariantAdded {
            variant_id,
            sku,
            options,
            gtin,
            currency: price_cents.map(|_| self.currency),
            price_cents,
        })
    }

    pub(super) fn change_variant(&self, change: VariantChange) -> Result<Option<Event>, Rejection> {
        let VariantChange {
            variant_id,
            sku,
            options,
            gtin,
            price_cents,
            currency,
        } = change;
        let variant = self.variants.find_on_sale(&variant_id)?;
        self.check_currency(currency)?;
        if let Some(options) = &options {
            self.variants.check_options_are_new(options, Some(&variant_id))?;
        }
        if let Some(gtin) = &gtin {
            self.check_gtin_for_variant(gtin, Some(&variant_id))?;
        }
        let sku = sku.and_then(|new| changed(new, &variant.sku));
        let options = options.and_then(|new| changed(new, &variant.options));
        let gtin = gtin.and_then(|new| changed(new, &variant.gtin));
        let price_cents = price_cents.and_then(|new| changed(new, &variant.price_cents));
        if sku.is_none() && options.is_none() && gtin.is_none() && price_cents.is_none() {
            return Ok(None);
        }
        let event = Event::ProductVariantChanged {
            variant_id,
            sku,
            options,
            gtin,
            currency: price_cents.flatten().map(|_| self.currency),
            price_cents,
        };
        self.variants.check_size_after(event).map(Some)
    }

    pub(super) fn discontinue_variant(&self, end: VariantEnd) -> Result<Event, Rejection> {
        let VariantEnd { variant_id, reason } = end;
        self.variants.find_on_sale(&variant_id)?;
        Ok(Event::ProductVariantDiscontinued { variant_id, reason })
    }
}
