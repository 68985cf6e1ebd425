//! Events of price lists as they were before variants belonged to products. Entries for variants had no product then.

use headwater_kernel::Upcast;
use serde_json::Value;

/// The version that is written now.
pub(super) fn schema_version(event_type: &str) -> u32 {
    member(event_type).map_or(1, |_| 2)
}

/// Which member has the entries, or what they were for.
fn member(event_type: &str) -> Option<&'static str> {
    match event_type {
        "PriceListCreated" | "PriceListEntriesSet" => Some("entries"),
        "PriceListEntriesRemoved" => Some("items"),
        _ => None,
    }
}

/// Leaves out entries without a product: what they priced was a variant that no product has, and nothing else of the list is lost with them.
/// Entries of version 1 that name the product too were written until the version was raised, and are as they are now.
pub(super) fn upcast(event_type: &str, version: u32, mut data: Value) -> Option<Upcast> {
    let member = member(event_type).filter(|_| version == 1)?;
    if let Some(all) = data.get_mut(member).and_then(Value::as_array_mut) {
        all.retain(|item| item.get("product_id").is_some());
    }
    Some(Upcast {
        event_type: event_type.to_owned(),
        version: 2,
        data,
    })
}
