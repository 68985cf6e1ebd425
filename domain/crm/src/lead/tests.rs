//! Given what happened to a lead, when something is asked of it, then this happens.

use super::*;
use headwater_kernel::{decode_command, testing::given};
use serde_json::{Value, json};

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn personal(value: &str) -> Personal<String> {
    Personal::about(&Id::new("T1").unwrap(), value.to_owned())
}

fn captured() -> Event {
    Event::LeadCaptured {
        name: personal("Ada"),
        email: Some(personal("ada@example.com")),
        phone: None,
        company: Some("Engines".into()),
        source: Some("fair".into()),
        owner_id: None,
    }
}

fn disqualified() -> Event {
    Event::LeadDisqualified { reason: None }
}

fn corrected(email: Option<Option<Personal<String>>>, phone: Option<Option<Personal<String>>>) -> Event {
    Event::LeadCorrected {
        name: None,
        email,
        phone,
        company: None,
    }
}

#[test]
fn is_captured_once_with_personal_data_in_envelopes() {
    let payload = json!({ "name": "Ada", "email": "ada@example.com", "company": "Engines", "source": "fair" });
    given::<Lead>([])
        .when(command("capture", payload.clone()))
        .then([captured()]);
    given::<Lead>([captured()])
        .when(command("capture", payload.clone()))
        .then_rejected("already-exists", "");
    given::<Lead>([captured(), disqualified()])
        .when(command("capture", payload))
        .then_rejected("already-exists", "");
    let stored = serde_json::to_value(captured()).unwrap();
    assert_eq!(
        stored["data"]["email"],
        json!({ "$pd": { "v": 0, "subject": "T1", "value": "ada@example.com" } })
    );
    assert_eq!(serde_json::from_value::<Event>(stored).unwrap(), captured());
}

#[test]
fn is_not_captured_from_what_breaks_a_rule() {
    for (payload, code, pointer) in [
        (json!({ "name": " " }), "blank", "/name"),
        (json!({ "name": "x".repeat(201) }), "too-long", "/name"),
        (json!({ "name": "Ada", "email": "ada" }), "not-an-email", "/email"),
        (
            json!({ "name": "Ada", "phone": "none" }),
            "not-a-phone-number",
            "/phone",
        ),
        (json!({ "name": "Ada", "company": "" }), "blank", "/company"),
        (
            json!({ "name": "Ada", "source": "x".repeat(101) }),
            "too-long",
            "/source",
        ),
    ] {
        given::<Lead>([])
            .when(command("capture", payload))
            .then_rejected(code, pointer);
    }
}

#[test]
fn is_assigned_and_qualified() {
    let owner_id = Id::new("u1").unwrap();
    let assign = || command("assign", json!({ "owner_id": "u1" }));
    given::<Lead>([captured()]).when(assign()).then([Event::LeadAssigned {
        owner_id: owner_id.clone(),
    }]);
    given::<Lead>([captured(), Event::LeadAssigned { owner_id }])
        .when(assign())
        .then([]);
    given::<Lead>([captured()])
        .when(Command::Qualify {})
        .then([Event::LeadQualified {}]);
    given::<Lead>([captured(), Event::LeadQualified {}])
        .when(Command::Qualify {})
        .then([]);
    given::<Lead>([])
        .when(Command::Qualify {})
        .then_rejected("not-found", "");
}

#[test]
fn once_disqualified_it_can_only_be_corrected() {
    let disqualify = || Command::Disqualify { reason: None };
    let history = || [captured(), disqualified()];
    given::<Lead>([captured(), Event::LeadQualified {}])
        .when(disqualify())
        .then([disqualified()]);
    given::<Lead>(history())
        .when(disqualify())
        .then_rejected("lead-disqualified", "");
    given::<Lead>(history())
        .when(Command::Qualify {})
        .then_rejected("lead-disqualified", "");
    let phone = || Some(Some(personal("112")));
    given::<Lead>(history())
        .when(command("correct", json!({ "phone": "112" })))
        .then([corrected(None, phone())]);
}

#[test]
fn is_corrected_member_by_member() {
    let correct = |payload| command("correct", payload);
    given::<Lead>([captured()]).when(correct(json!({}))).then([]);
    given::<Lead>([captured()])
        .when(correct(json!({ "name": "Ada", "phone": null, "company": "Engines" })))
        .then([]);
    let lead = given::<Lead>([captured()])
        .when(correct(json!({ "email": null })))
        .then([corrected(Some(None), None)]);
    assert_eq!(lead.email, None);
    assert_eq!(lead.name, Some(personal("Ada")));
    given::<Lead>([captured()])
        .when(correct(json!({ "email": "x" })))
        .then_rejected("not-an-email", "/email");
    let stored = serde_json::to_value(corrected(Some(None), None)).unwrap();
    assert_eq!(stored["data"], json!({ "email": null }));
    assert_eq!(
        serde_json::from_value::<Event>(stored).unwrap(),
        corrected(Some(None), None)
    );
}

#[test]
fn says_nothing_of_the_person() {
    let said = format!("{:?}", captured());
    assert!(!said.contains("Ada") && !said.contains("example.com"), "{said}");
}
