//! The searches and their suggestions in the OpenAPI document.

use super::{cursor, paging, query, read};
use crate::searches::{self, DEFAULT_SUGGESTIONS, Search};
use headwater_edge::OpenApi;
use headwater_read_models::search::{FieldKind, Mapping};
use headwater_search::MAX_SUGGESTIONS;
use serde_json::{Map, Value, json};

/// Adds the search of a kind, and its suggestions.
pub(super) fn describe(document: &mut OpenApi, search: &Search, mapping: &Mapping, waiting: &[Value]) {
    if search.suggests {
        suggest(document, search, mapping, waiting);
    }
    let facets: Vec<&str> = search.countable(mapping).map(|(parameter, _)| parameter).collect();
    let many = || json!({ "type": "array", "items": { "type": "string" } });
    let mut parameters = vec![query(
        "q",
        "Words as a person types them. What is in double quotes has to stand so in a text; no other character has a meaning of its own.",
        json!({ "type": "string" }),
    )];
    for (name, _) in search.equals {
        let mut values = many();
        if let Some((_, known)) = search.closed.iter().find(|(closed, _)| closed == name) {
            values["items"]["enum"] = json!(known);
        }
        parameters.push(query(name, "Exactly this; repeated, any of them.", values));
    }
    for (min, max, field) in search.ranges {
        let bound = || json!({ "type": "integer", "format": "int64" });
        parameters.push(query(min, &format!("The least {field}."), bound()));
        parameters.push(query(max, &format!("The greatest {field}."), bound()));
    }
    for (from, to, field) in search.times {
        let time = || json!({ "type": "string", "anyOf": [{ "format": "date-time" }, { "format": "date" }] });
        let or_date = "a time in RFC 3339, or a date";
        parameters.push(query(
            from,
            &format!("The least {field}: {or_date}, from its beginning."),
            time(),
        ));
        let end = format!("The end of {field}, which is not within: {or_date}, whose day in UTC is within.");
        parameters.push(query(to, &end, time()));
    }
    let attributes = json!({
        "name": "attributes", "in": "query", "style": "form", "explode": true,
        "description": "`attr.NAME=VALUE`: the attribute NAME is exactly VALUE; repeated, any of them. At most nine names, all of which hold for one variant together with the attributes that the product has itself.",
        "schema": { "type": "object", "patternProperties": { "^attr\\..+": { "type": "string" } }, "additionalProperties": false }
    });
    parameters.extend(search.attributes.then_some(attributes));
    let orders: Vec<&str> = search.orders().collect();
    parameters.push(query(
        "sort",
        "The order.",
        json!({ "type": "string", "enum": orders, "default": "relevance" }),
    ));
    let counted = format!(
        "Fields whose values are counted, with commas between: {}.",
        facets.join(", ")
    );
    parameters.push(query("facets", &counted, json!({ "type": "string" })));
    parameters.push(query(
        "collapse",
        "Of all with the same value of this field only the best is a hit; what is without it stands for itself. `total` and facets go on counting all.",
        json!({ "type": "string", "enum": facets }),
    ));
    parameters.extend(paging(searches::DEFAULT_LIMIT, headwater_search::MAX_LIMIT));
    parameters.push(query(
        "highlight",
        "Whether hits show where the words were found.",
        json!({ "type": "boolean" }),
    ));
    parameters.extend_from_slice(waiting);
    let source = document.add_schema(
        &format!("search.{}.{}", search.kind, search.item),
        document_schema(mapping),
    );
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let mut hit = json!({
        "type": "object",
        "required": ["id", "score", search.item],
        "properties": {
            "id": { "type": "string" },
            "score": { "type": "number" },
            "highlights": { "type": "object", "additionalProperties": strings }
        }
    });
    hit["properties"][search.item] = source;
    if let Some(matched) = search.matched {
        hit["properties"][matched] = json!({
            "type": "array", "items": { "type": "string" },
            "description": "The ids of those parts that have what was asked for and the rest has not: attributes, codes, a code as the whole text. \
                Absent when nothing of the query is about parts."
        });
    }
    let count = json!({
        "type": "object",
        "required": ["value", "count"],
        "properties": { "value": { "type": "string" }, "count": { "type": "integer", "minimum": 1 } }
    });
    let answer = json!({
        "type": "object",
        "required": ["hits", "total", "facets"],
        "properties": {
            "hits": { "type": "array", "items": hit },
            "total": { "type": "integer", "minimum": 0 },
            "facets": { "type": "object", "additionalProperties": { "type": "array", "items": count } },
            "did_you_mean": {
                "type": "string",
                "description": "The words of `q` with those mended that nothing has as they were typed: the hits are of these. Where one or two have such a \
                    word, and ten times as many one that is near, it is mended here alone: the hits are of what was typed."
            },
            "next_cursor": cursor()
        }
    });
    let summary = format!("Search {}", search.kind);
    let operation = read("search", search.kind, &summary, parameters, &answer);
    document.add(&format!("/v1/search/{}", search.kind), "get", operation);
}

fn suggest(document: &mut OpenApi, search: &Search, mapping: &Mapping, waiting: &[Value]) {
    let kinds: Vec<String> = search.suggestions(mapping).into_iter().map(|(name, _)| name).collect();
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MAX_SUGGESTIONS, "default": DEFAULT_SUGGESTIONS });
    let mut parameters = vec![
        query(
            "q",
            "What is typed so far. The last word is not complete unless something stands after it, a space for one; one letter of it may be \
             wrong. A text of more than 200 characters has no suggestions.",
            json!({ "type": "string" }),
        ),
        query("limit", "The most suggestions.", limit),
        query("kind", "Only of this kind.", json!({ "type": "string", "enum": kinds })),
    ];
    parameters.extend_from_slice(waiting);
    let item = json!({
        "type": "object",
        "required": ["text", "kind", "highlighted"],
        "properties": {
            "text": { "type": "string" },
            "kind": {
                "type": "string", "enum": kinds,
                "description": "`words` to search for; else what has the text: the name of one, or the filter that has it as a value."
            },
            "highlighted": { "type": "string", "description": "The text as HTML, with what was typed in `<em>`." }
        }
    });
    let answer = json!({
        "type": "object", "required": ["items"], "properties": { "items": { "type": "array", "items": item } }
    });
    let summary = format!("What a text may become that is typed to search {}", search.kind);
    let name = format!("{}.suggest", search.kind);
    document.add(
        &search.suggest_path(),
        "get",
        read("search", &name, &summary, parameters, &answer),
    );
}

fn document_schema(mapping: &Mapping) -> Value {
    let mut properties = Map::new();
    for field in mapping.fields {
        let schema = match field.kind {
            FieldKind::Text { .. } => json!({ "type": "string" }),
            // One value or a list of them: what the engine takes for a keyword.
            FieldKind::Keyword { .. } => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
            FieldKind::Integer => json!({ "type": "integer", "format": "int64" }),
            FieldKind::Time => json!({ "type": "string", "format": "date-time" }),
            FieldKind::Attributes { .. } => {
                json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
            }
        };
        if let Some(parts) = field.parts {
            let list = properties.entry(parts.list).or_insert_with(|| {
                let id = json!({ "id": { "type": "string" } });
                json!({ "type": "array", "items": { "type": "object", "properties": id } })
            });
            list["items"]["properties"][parts.member] = schema.clone();
        }
        properties.insert(field.name.to_owned(), schema);
    }
    json!({ "type": "object", "properties": properties })
}
