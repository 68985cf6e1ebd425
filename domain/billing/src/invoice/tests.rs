//! Given what happened to an invoice, when something is asked of it, then this happens. The time of every decision is
//! 2023-11-14T22:13:20Z, that of the kernel's test kit.

use super::*;
use headwater_kernel::{decode_command, testing::given};
use serde_json::{Value, json};

const NOW: &str = "2023-11-14T22:13:20Z";

fn command(name: &str, payload: Value) -> Command {
    decode_command(name, payload).unwrap()
}

fn event(event_type: &str, data: Value) -> Event {
    serde_json::from_value(json!({ "type": event_type, "data": data })).unwrap()
}

fn item(id: &str, quantity: u32, unit_price_cents: i64) -> Value {
    json!({
        "line_item_id": id, "description": "Kettle", "quantity": quantity, "unit_price_cents": unit_price_cents,
        "tax_basis_points": 1_900
    })
}

fn drafted() -> Event {
    event("InvoiceDrafted", json!({ "customer_id": "C1", "currency": "EUR" }))
}

fn added(id: &str, quantity: u32, unit_price_cents: i64) -> Event {
    event("InvoiceLineItemAdded", item(id, quantity, unit_price_cents))
}

/// Issued over 100.00 and 19.00 tax, due the day before every decision.
fn issued() -> Vec<Event> {
    let issued = json!({
        "number": "2023-1", "issued_at": "2023-10-14T00:00:00Z", "due_at": "2023-11-13T00:00:00Z", "net_cents": 10_000,
        "tax_cents": 1_900, "total_cents": 11_900
    });
    vec![drafted(), added("1", 2, 5_000), event("InvoiceIssued", issued)]
}

fn after(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    issued().into_iter().chain(more).collect()
}

fn pay(id: &str, amount: i64) -> Command {
    command("record-payment", json!({ "payment_id": id, "amount_cents": amount }))
}

fn paid(id: &str, amount: i64) -> Event {
    event(
        "InvoicePaymentRecorded",
        json!({ "payment_id": id, "amount_cents": amount, "paid_at": NOW }),
    )
}

fn credit(id: &str, amount: i64) -> Command {
    command(
        "credit",
        json!({ "credit_note_id": id, "number": format!("G-{id}"), "amount_cents": amount, "reason": "returned" }),
    )
}

fn credited(id: &str, amount: i64) -> Event {
    event(
        "InvoiceCredited",
        json!({
            "credit_note_id": id, "number": format!("G-{id}"), "amount_cents": amount, "reason": "returned", "issued_at": NOW
        }),
    )
}

fn refund(amount: i64) -> Command {
    command("record-refund", json!({ "refund_id": "r1", "amount_cents": amount }))
}

fn voided() -> Event {
    event("InvoiceVoided", json!({}))
}

#[test]
fn is_drafted_once_with_or_without_line_items() {
    let draft = |items: Value| {
        command(
            "draft",
            json!({ "customer_id": "C1", "currency": "EUR", "line_items": items }),
        )
    };
    given::<Invoice>([]).when(draft(json!([]))).then([drafted()]);
    let two = json!([item("1", 2, 5_000), item("2", 1, 1)]);
    given::<Invoice>([])
        .when(draft(two))
        .then([drafted(), added("1", 2, 5_000), added("2", 1, 1)]);
    for (items, code, pointer) in [
        (
            json!([item("1", 1, 1), item("1", 1, 1)]),
            "duplicate-line-item",
            "/line_items/1/line_item_id",
        ),
        (
            json!([item("1", 0, 1)]),
            "quantity-out-of-range",
            "/line_items/0/quantity",
        ),
        (
            json!([item("1", 1, -1)]),
            "negative-price",
            "/line_items/0/unit_price_cents",
        ),
        (
            json!([item("1", 1, i64::MAX)]),
            "amount-too-large",
            "/line_items/0/unit_price_cents",
        ),
    ] {
        given::<Invoice>([]).when(draft(items)).then_rejected(code, pointer);
    }
    given::<Invoice>(issued())
        .when(draft(json!([])))
        .then_rejected("already-exists", "");
}

#[test]
fn a_draft_changes_and_an_issued_invoice_does_not() {
    let add = || command("add-line-item", item("2", 1, 7));
    let remove = || command("remove-line-item", json!({ "line_item_id": "1" }));
    let correct = || command("correct-bill-to", json!({ "bill_to_name": "Ada" }));
    let removed = || event("InvoiceLineItemRemoved", json!({ "line_item_id": "1" }));
    let draft = || vec![drafted(), added("1", 1, 7)];
    given::<Invoice>(draft()).when(add()).then([added("2", 1, 7)]);
    given::<Invoice>(draft()).when(remove()).then([removed()]);
    let name = json!({ "$pd": { "v": 0, "subject": "C1", "value": "Ada" } });
    let corrected = || event("InvoiceBillToCorrected", json!({ "bill_to_name": name }));
    given::<Invoice>(draft()).when(correct()).then([corrected()]);
    given::<Invoice>([drafted(), corrected()]).when(correct()).then([]);
    given::<Invoice>([drafted()])
        .when(remove())
        .then_rejected("no-such-line-item", "/line_item_id");
    for late in [add(), remove(), correct(), issue(json!({}))] {
        given::<Invoice>(issued())
            .when(late)
            .then_rejected("invoice-issued", "");
    }
}

fn issue(more: Value) -> Command {
    let mut payload = json!({ "number": "2023-1", "due_at": "2023-12-01T00:00:00Z" });
    payload
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    command("issue", payload)
}

#[test]
fn is_issued_with_exact_sums_and_a_number_of_its_own() {
    let invoice = given::<Invoice>([drafted(), added("1", 2, 1_050), added("2", 3, 33)])
        .when(issue(json!({})))
        .then([event(
            "InvoiceIssued",
            json!({
                "number": "2023-1", "issued_at": NOW, "due_at": "2023-12-01T00:00:00Z", "net_cents": 2_199,
                "tax_cents": 399 + 19, "total_cents": 2_617
            }),
        )]);
    let claim = |name, value: &str| Claim {
        name,
        value: value.into(),
        pointer: "/number",
    };
    assert_eq!(invoice.claims(), [claim("number", "2023-1")]);
    let credited = given::<Invoice>(issued())
        .when(credit("n1", 1))
        .then([credited("n1", 1)]);
    assert_eq!(
        credited.claims(),
        [claim("number", "2023-1"), claim("credit-note-number", "G-n1")]
    );
    let voided = given::<Invoice>(after([voided()]));
    voided.when(pay("p", 1)).then_rejected("invoice-void", "");
    given::<Invoice>([drafted()])
        .when(issue(json!({})))
        .then_rejected("no-line-items", "");
    given::<Invoice>([drafted(), added("1", 1, 1)])
        .when(issue(json!({ "issued_at": "2023-12-02T00:00:00Z" })))
        .then_rejected("due-before-issued", "/due_at");
    given::<Invoice>([drafted(), added("1", 1, 1)])
        .when(issue(json!({ "number": " " })))
        .then_rejected("blank", "/number");
}

#[test]
fn a_voided_invoice_keeps_its_number() {
    let invoice = given::<Invoice>(issued())
        .when(command("void", json!({})))
        .then([voided()]);
    assert_eq!(invoice.claims().len(), 1);
}

#[test]
fn payments_never_exceed_what_is_due() {
    given::<Invoice>(issued())
        .when(pay("p1", 11_900))
        .then([paid("p1", 11_900)]);
    for amount in [11_901, i64::MAX] {
        given::<Invoice>(issued())
            .when(pay("p1", amount))
            .then_rejected("more-than-due", "/amount_cents");
    }
    for amount in [0, -1, i64::MIN] {
        given::<Invoice>(issued())
            .when(pay("p1", amount))
            .then_rejected("no-amount", "/amount_cents");
    }
    let part = || after([paid("p1", 10_000)]);
    given::<Invoice>(part())
        .when(pay("p2", 1_901))
        .then_rejected("more-than-due", "/amount_cents");
    given::<Invoice>(part())
        .when(pay("p1", 1))
        .then_rejected("duplicate-id", "/payment_id");
    given::<Invoice>(part())
        .when(pay("p2", 1_900))
        .then([paid("p2", 1_900)]);
    given::<Invoice>(after([credited("n1", 900)]))
        .when(pay("p1", 11_001))
        .then_rejected("more-than-due", "/amount_cents");
    given::<Invoice>([drafted()])
        .when(pay("p1", 1))
        .then_rejected("not-issued", "");
}

#[test]
fn credit_notes_never_exceed_what_is_left_and_what_was_overpaid_is_given_back() {
    given::<Invoice>(issued())
        .when(credit("n1", 11_901))
        .then_rejected("more-than-left", "/amount_cents");
    let half = || after([credited("n1", 6_000)]);
    given::<Invoice>(half())
        .when(credit("n2", 5_901))
        .then_rejected("more-than-left", "/amount_cents");
    given::<Invoice>(half())
        .when(credit("n2", 5_900))
        .then([credited("n2", 5_900)]);
    given::<Invoice>(half())
        .when(credit("n1", 1))
        .then_rejected("duplicate-id", "/credit_note_id");
    given::<Invoice>(issued())
        .when(refund(1))
        .then_rejected("more-than-overpaid", "/amount_cents");
    let paid_then_credited = || after([paid("p1", 11_900), credited("n1", 500)]);
    given::<Invoice>(paid_then_credited())
        .when(refund(501))
        .then_rejected("more-than-overpaid", "/amount_cents");
    let refunded = event(
        "InvoiceRefundRecorded",
        json!({ "refund_id": "r1", "amount_cents": 500, "refunded_at": NOW }),
    );
    let settled = given::<Invoice>(paid_then_credited())
        .when(refund(500))
        .then([refunded]);
    assert_eq!((settled.account.due(), settled.account.refundable()), (0, 0));
    given::<Invoice>([drafted()])
        .when(credit("n1", 1))
        .then_rejected("not-issued", "");
}

#[test]
fn is_overdue_only_when_something_is_due_and_it_is_late() {
    let mark = || command("mark-overdue", json!({}));
    let marked = || event("InvoiceMarkedOverdue", json!({}));
    given::<Invoice>(issued()).when(mark()).then([marked()]);
    given::<Invoice>(after([marked()])).when(mark()).then([]);
    given::<Invoice>(after([paid("p1", 11_900)]))
        .when(mark())
        .then_rejected("nothing-due", "");
    given::<Invoice>([drafted()])
        .when(mark())
        .then_rejected("not-issued", "");
    let late = event(
        "InvoiceIssued",
        json!({
            "number": "2", "issued_at": NOW, "due_at": NOW, "net_cents": 1, "tax_cents": 0, "total_cents": 1
        }),
    );
    given::<Invoice>([drafted(), added("1", 1, 1), late])
        .when(mark())
        .then_rejected("not-due-yet", "");
}

#[test]
fn is_voided_only_without_payments_and_credit_notes() {
    let void = || command("void", json!({}));
    given::<Invoice>([drafted()]).when(void()).then([voided()]);
    given::<Invoice>(after([paid("p1", 1)]))
        .when(void())
        .then_rejected("has-payments", "");
    given::<Invoice>(after([credited("n1", 1)]))
        .when(void())
        .then_rejected("has-credit-notes", "");
    for late in [void(), pay("p1", 1), credit("n1", 1), issue(json!({}))] {
        given::<Invoice>(after([voided()]))
            .when(late)
            .then_rejected("invoice-void", "");
    }
    given::<Invoice>([]).when(void()).then_rejected("not-found", "");
}

#[test]
fn the_largest_draft_fits_a_commit_and_its_state_survives_a_snapshot() {
    let id = |n: usize| format!("{n:03}{}", "🦀".repeat(63));
    let items: Vec<_> = (0..MAX_LINE_ITEMS)
        .map(|n| {
            let mut item = item(&id(n), MAX_QUANTITY, 1);
            item["product_id"] = json!(id(n));
            item["description"] = json!("🦀".repeat(200));
            item
        })
        .collect();
    let bytes = json!(items).to_string().len();
    let draft = command("draft", json!({ "customer_id": id(0), "line_items": items }));
    let events = std::iter::once(event(
        "InvoiceDrafted",
        json!({ "customer_id": id(0), "currency": "USD" }),
    ))
    .chain(items.into_iter().map(|item| event("InvoiceLineItemAdded", item)));
    let invoice = given::<Invoice>([]).when(draft).then(events);
    assert!(bytes < 250_000, "{bytes}");
    let snapshot = serde_json::to_string(&invoice).unwrap();
    assert_eq!(serde_json::from_str::<Invoice>(&snapshot).unwrap(), invoice);
}

#[test]
fn money_has_moved_by_the_time_it_is_recorded() {
    let at = |paid_at: &str| {
        let payment = json!({ "payment_id": "p", "amount_cents": 1, "paid_at": paid_at });
        given::<Invoice>(issued()).when(command("record-payment", payment))
    };
    at("2023-11-15T22:13:20Z").accepted();
    at("2023-11-15T22:13:21Z").then_rejected("not-yet", "/paid_at");
    let refund = json!({ "refund_id": "r", "amount_cents": 1, "refunded_at": "2033-01-01T00:00:00Z" });
    given::<Invoice>(after([paid("p", 11_900), credited("n", 1)]))
        .when(command("record-refund", refund))
        .then_rejected("not-yet", "/refunded_at");
}
