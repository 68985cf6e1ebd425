//! Given what happened to search settings, this is read of them. What is stored of them is kept in `golden/` and read for ever.

use super::{at, event, given};
use crate::search_settings::SearchSettingsRow;
use headwater_catalog::search_settings::Event;
use headwater_dynamo_schema::{Entity, RowItem};
use serde_json::{Value, json};

const STORED: &str = include_str!("../../golden/search-settings-row-v1.json");

#[test]
fn settings_are_the_last_of_each_kind() {
    let stored: Value = serde_json::from_str(STORED).unwrap();
    let replaced = |of: &str, data: Value| event::<Event>(of, data);
    let row: SearchSettingsRow = given(
        "products",
        [
            replaced(
                "SearchBoostsReplaced",
                json!({ "boosts": [{ "brand": "Caldera", "factor": 9 }] }),
            ),
            replaced("SearchSynonymsReplaced", json!({ "groups": stored["synonyms"] })),
            replaced("SearchWeightsReplaced", json!({ "weights": stored["weights"] })),
            replaced("SearchBoostsReplaced", json!({ "boosts": stored["boosts"] })),
        ],
    );
    let kept: SearchSettingsRow = serde_json::from_str(STORED).unwrap();
    assert_eq!(row.updated_at, at(4));
    let updated_at = kept.updated_at;
    assert_eq!(SearchSettingsRow { updated_at, ..row }, kept);
}

#[test]
fn settings_that_were_stored_are_read_as_ever() {
    let row: SearchSettingsRow = serde_json::from_str(STORED).unwrap();
    assert_eq!(row.row_key().sort, "SEARCH_SETTINGS#products");
    assert_eq!(
        row.weights.set().collect::<Vec<_>>(),
        [("title", 2.0), ("description", 0.5)]
    );
    let again = Value::from(RowItem::of(&row).unwrap().attributes);
    assert_eq!(serde_json::from_value::<SearchSettingsRow>(again).unwrap(), row);
}
