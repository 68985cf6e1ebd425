//! The catalog: products and their variants, price lists, the categories they are shelved under and the brands they are sold
//! as; and how they are searched.
//!
//! One file per aggregate, with its state, commands, events and decisions. What is read of them lives in `domain/read-models`.

pub mod brand;
pub mod category;
pub mod gtin;
mod names;
mod price;
pub mod price_list;
pub mod product;
pub mod search_settings;

use headwater_kernel::AggregateRegistry;

/// The bounded context, as in routes and table names.
pub const CONTEXT: &str = "catalog";

/// The aggregates of this context, one line each.
pub fn register(registry: &mut impl AggregateRegistry) {
    registry.aggregate::<product::Product>();
    registry.aggregate::<price_list::PriceList>();
    registry.aggregate::<category::Category>();
    registry.aggregate::<brand::Brand>();
    registry.aggregate::<search_settings::SearchSettings>();
}

#[cfg(test)]
mod tests {
    use headwater_kernel::{Aggregate, AggregateRegistry, AggregateType};
    use serde_json::Value;

    type Variants = Vec<(String, String, Value)>;

    #[derive(Default)]
    struct Described(Vec<(&'static str, Variants, Variants)>);

    impl AggregateRegistry for Described {
        fn aggregate<A: Aggregate>(&mut self) {
            assert_eq!(A::CONTEXT, super::CONTEXT);
            let described = AggregateType::of::<A>();
            self.0.push((A::NAME, described.commands(), described.events()));
        }
    }

    fn names(of: &Variants) -> Vec<&str> {
        of.iter().map(|(name, ..)| name.as_str()).collect()
    }

    #[test]
    fn every_command_and_event_is_described() {
        let mut all = Described::default();
        super::register(&mut all);
        let listed: Vec<_> = all
            .0
            .iter()
            .map(|(name, commands, events)| (*name, names(commands), names(events)))
            .collect();
        assert_eq!(
            listed,
            [
                (
                    "products",
                    vec![
                        "create",
                        "import",
                        "change-price",
                        "revise",
                        "set-gtin",
                        "set-attributes",
                        "add-variant",
                        "change-variant",
                        "discontinue-variant",
                        "discontinue"
                    ],
                    vec![
                        "ProductCreated",
                        "ProductPriceChanged",
                        "ProductRevised",
                        "ProductGtinReplaced",
                        "ProductAttributesReplaced",
                        "ProductVariantAdded",
                        "ProductVariantChanged",
                        "ProductVariantDiscontinued",
                        "ProductDiscontinued"
                    ]
                ),
                (
                    "price-lists",
                    vec![
                        "create",
                        "rename",
                        "set-validity",
                        "set-entries",
                        "remove-entries",
                        "activate",
                        "retire"
                    ],
                    vec![
                        "PriceListCreated",
                        "PriceListRenamed",
                        "PriceListValidityChanged",
                        "PriceListEntriesSet",
                        "PriceListEntriesRemoved",
                        "PriceListActivated",
                        "PriceListRetired"
                    ]
                ),
                (
                    "categories",
                    vec!["define", "rename", "move", "retire"],
                    vec!["CategoryDefined", "CategoryRenamed", "CategoryMoved", "CategoryRetired"]
                ),
                (
                    "brands",
                    vec!["register", "rename", "retire"],
                    vec!["BrandRegistered", "BrandRenamed", "BrandRetired"]
                ),
                (
                    "search-settings",
                    vec!["set-synonyms", "set-weights", "set-boosts"],
                    vec![
                        "SearchSynonymsReplaced",
                        "SearchWeightsReplaced",
                        "SearchBoostsReplaced"
                    ]
                ),
            ]
        );
        for (name, description, schema) in all
            .0
            .iter()
            .flat_map(|(_, commands, events)| commands.iter().chain(events))
        {
            assert!(!description.is_empty(), "{name} has no description");
            assert_eq!(schema["type"], "object", "{name}: {schema}");
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                assert!(of["description"].is_string(), "{name}.{field} has no description: {of}");
            }
        }
    }
}
