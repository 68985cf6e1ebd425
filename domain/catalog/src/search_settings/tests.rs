//! Given what happened to search settings, when something is asked of them, then this happens.

use super::*;
use headwater_kernel::{
    decode_command,
    testing::{Given, given},
};
use serde_json::{Value, json};

fn settings(events: impl IntoIterator<Item = Event>) -> Given<SearchSettings> {
    given(events).with_id(ID)
}

fn asked(name: &str, member: &str, value: Value) -> Command {
    decode_command(name, json!({ member: value })).unwrap()
}

fn synonyms(groups: Value) -> Command {
    asked("set-synonyms", "groups", groups)
}

fn boosts(boosts: Value) -> Command {
    asked("set-boosts", "boosts", boosts)
}

fn replaced(groups: Value) -> Event {
    serde_json::from_value(json!({ "type": "SearchSynonymsReplaced", "data": { "groups": groups } })).unwrap()
}

#[test]
fn synonyms_replace_those_before() {
    let both = json!([{ "terms": ["tv", "television set"] }, { "terms": ["notebook"], "finds": ["laptop"] }]);
    settings([]).when(synonyms(both.clone())).then([replaced(both.clone())]);
    settings([replaced(both.clone())]).when(synonyms(both.clone())).then([]);
    let state = settings([replaced(both)])
        .when(synonyms(json!([])))
        .then([replaced(json!([]))]);
    assert_eq!(state, SearchSettings::default());
    settings([]).when(synonyms(json!([]))).then([]);
}

#[test]
fn synonyms_have_bounds() {
    let terms = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>();
    let groups = |count: usize| vec![json!({ "terms": ["a", "b"] }); count];
    let long = "x".repeat(100);
    let large: Vec<Value> = (0..700)
        .map(|n| json!({ "terms": [format!("{n}{}", &long[4..]), format!("{n}b{}", &long[4..])] }))
        .collect();
    for (wrong, code, pointer) in [
        (json!([{ "terms": ["tv"] }]), "too-few", "/groups/0/terms"),
        (json!([{ "terms": [], "finds": ["tv"] }]), "too-few", "/groups/0/terms"),
        (
            json!([{ "terms": ["tv", "TV"] }]),
            "duplicate-term",
            "/groups/0/terms/1",
        ),
        (
            json!([{ "terms": ["tv"], "finds": ["Tv"] }]),
            "duplicate-term",
            "/groups/0/finds/0",
        ),
        (json!([{ "terms": ["tv", " "] }]), "blank", "/groups/0/terms/1"),
        (json!([{ "terms": ["tv", "--"] }]), "no-word", "/groups/0/terms/1"),
        (
            json!([{ "terms": ["tv", "a\nb"] }]),
            "control-character",
            "/groups/0/terms/1",
        ),
        (
            json!([{ "terms": ["tv", format!("{long}y")] }]),
            "too-long",
            "/groups/0/terms/1",
        ),
        (json!([{ "terms": terms(21) }]), "too-many", "/groups/0"),
        (
            json!([{ "terms": terms(19), "finds": ["x", "y"] }]),
            "too-many",
            "/groups/0",
        ),
        (json!(groups(1_001)), "too-many", "/groups"),
        (json!(large), "too-large", "/groups"),
    ] {
        settings([]).when(synonyms(wrong)).then_rejected(code, pointer);
    }
    settings([]).when(synonyms(json!([{ "terms": terms(20) }]))).accepted();
    settings([]).when(synonyms(json!(groups(1_000)))).accepted();
}

#[test]
fn weights_and_boosts_have_bounds() {
    let weights = |value: Value| asked("set-weights", "weights", value);
    settings([])
        .when(weights(json!({ "title": 10, "brand": 0.1 })))
        .accepted();
    for wrong in [json!(10.01), json!(0.09), json!(0), json!(-1), json!(1e300)] {
        settings([])
            .when(weights(json!({ "title": wrong })))
            .then_rejected("out-of-range", "/weights/title");
    }
    let factor = |factor: Value| json!([{ "brand": "Acme", "factor": factor }]);
    settings([]).when(boosts(factor(json!(2.5)))).accepted();
    let attribute = |value: Value| json!({ "attribute": { "name": "colour", "value": value }, "factor": 2 });
    settings([])
        .when(boosts(json!([
            attribute(json!("red")),
            attribute(json!(2)),
            attribute(json!(true))
        ])))
        .accepted();
    let many: Vec<Value> = (0..51)
        .map(|n| json!({ "brand": format!("B{n}"), "factor": 2 }))
        .collect();
    for (wrong, code, pointer) in [
        (factor(json!(11)), "out-of-range", "/boosts/0/factor"),
        (json!([{ "factor": 2 }]), "not-one-value", "/boosts/0"),
        (
            json!([{ "brand": "A", "category": "B", "factor": 2 }]),
            "not-one-value",
            "/boosts/0",
        ),
        (json!([{ "category": "", "factor": 2 }]), "blank", "/boosts/0/category"),
        (
            json!([attribute(json!("a")), attribute(json!("a"))]),
            "duplicate-boost",
            "/boosts/1",
        ),
        (json!([attribute(json!(" "))]), "blank", "/boosts/0/attribute/value"),
        (json!(many), "too-many", "/boosts"),
    ] {
        settings([]).when(boosts(wrong)).then_rejected(code, pointer);
    }
}

#[test]
fn a_tenant_has_one() {
    given::<SearchSettings>([])
        .when(boosts(json!([])))
        .then_rejected("unknown-search", "");
}
