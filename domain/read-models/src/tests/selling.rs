//! Given what happened to an order or an invoice, this is read of it.

use super::{at, event, given, id};
use crate::{
    DocumentFold, RowFold, invoice_search::InvoiceDocument, invoice_view::InvoiceRow, order_search::OrderDocument,
    order_view::OrderRow, search::SearchDocument,
};
use headwater_billing::invoice;
use headwater_dynamo_schema::{Entity, KeyPart};
use headwater_orders::order;
use serde_json::{Value, json};

fn personal(value: &str) -> Value {
    json!({ "$pd": { "v": 0, "subject": "C1", "value": value } })
}

fn line(id: &str, quantity: u32, price: i64) -> Value {
    json!({
        "line_id": id, "product_id": format!("P{id}"), "sku": format!("S-{id}"), "title": format!("Kettle {id}"),
        "quantity": quantity, "unit_price_cents": price
    })
}

/// Three of line a for 10 each, two of line b for 7 each; confirmed.
fn order(more: impl IntoIterator<Item = order::Event>) -> Vec<order::Event> {
    let placed = event(
        "OrderPlaced",
        json!({
            "customer_id": "C1", "currency": "EUR", "lines": [line("a", 3, 10), line("b", 2, 7)], "fulfilment_centre": "LEJ1",
            "ship_to_name": personal("Ada"), "ship_to_address": personal("1 Main St")
        }),
    );
    let confirmed = event("OrderConfirmed", json!({}));
    [placed, confirmed].into_iter().chain(more).collect()
}

fn shipped(id: &str, quantities: Value) -> order::Event {
    let tracking = format!("1Z-{id}");
    event(
        "OrderShipped",
        json!({
            "shipment_id": id, "fulfilment_centre": "LEJ1", "carrier": "DHL", "tracking_number": tracking,
            "quantities": quantities
        }),
    )
}

fn delivered(id: &str) -> order::Event {
    event("OrderDelivered", json!({ "shipment_id": id }))
}

#[test]
fn an_order_is_all_that_happened_to_it() {
    let row: OrderRow = given(
        "O1",
        order([
            event("OrderLineAdded", line("c", 1, 100)),
            event("OrderLineRemoved", json!({ "line_id": "b" })),
            shipped("s1", json!({ "a": 2 })),
            delivered("s1"),
            event("OrderItemsReturned", json!({ "quantities": { "a": 1 } })),
            event("OrderShipToCorrected", json!({ "ship_to_name": personal("Ada L.") })),
            event("OrderFulfilmentCentreAssigned", json!({ "fulfilment_centre": "BER2" })),
        ]),
    );
    let counted = |mut line: Value, shipped: u32, returned: u32| {
        line["shipped"] = json!(shipped);
        line["returned"] = json!(returned);
        line
    };
    assert_eq!(
        serde_json::to_value(&row).unwrap(),
        json!({
            "id": "O1", "customer_id": "C1", "status": "partly-shipped", "fulfilment_centre": "BER2", "currency": "EUR",
            "total_cents": 130, "lines": [counted(line("a", 3, 10), 2, 1), counted(line("c", 1, 100), 0, 0)],
            "shipments": [{
                "shipment_id": "s1", "fulfilment_centre": "LEJ1", "carrier": "DHL", "tracking_number": "1Z-s1",
                "lines": [{ "line_id": "a", "quantity": 2 }], "shipped_at": at(5), "delivered_at": at(6)
            }],
            "ship_to_name": personal("Ada L."), "ship_to_address": personal("1 Main St"), "placed_at": at(1),
            "updated_at": at(9)
        })
    );
    assert_eq!(row.row_key(), OrderRow::key_of(&id("O1")));
    let keys = row.index_keys();
    let of_customer = keys[0].key.clone().unwrap();
    assert_eq!(of_customer.partition, "#CUSTOMER#C1");
    assert_eq!(of_customer.sort, format!("PLACED#{}#O1", at(1).key_part().unwrap()));
}

#[test]
fn an_order_says_how_far_it_has_come() {
    let status = |more: Vec<order::Event>| {
        let document = serde_json::to_value(given::<OrderDocument>("O1", order(more))).unwrap();
        document["status"].as_str().unwrap().to_owned()
    };
    let (part, rest) = (|| shipped("s1", json!({ "a": 3 })), || shipped("s2", json!({ "b": 2 })));
    assert_eq!(status(vec![]), "confirmed");
    assert_eq!(status(vec![part()]), "partly-shipped");
    assert_eq!(status(vec![part(), delivered("s1")]), "partly-shipped");
    assert_eq!(status(vec![part(), rest()]), "shipped");
    assert_eq!(status(vec![part(), rest(), delivered("s2")]), "shipped");
    assert_eq!(
        status(vec![part(), rest(), delivered("s2"), delivered("s1")]),
        "delivered"
    );
    assert_eq!(status(vec![event("OrderCancelled", json!({}))]), "cancelled");
}

#[test]
fn a_search_document_has_every_field_that_is_mapped_and_no_personal_data() {
    let order = given::<OrderDocument>("O1", order([shipped("s1", json!({ "a": 3 }))]));
    assert!(order.is_live());
    let order = serde_json::to_value(order).unwrap();
    assert_eq!(order["title"], "Kettle a\nKettle b");
    let issued = issued([credited(100)]);
    let invoice = serde_json::to_value(given::<InvoiceDocument>("I1", issued)).unwrap();
    for (mapping, document) in [
        (OrderDocument::mapping(), &order),
        (InvoiceDocument::mapping(), &invoice),
    ] {
        for field in mapping.fields {
            let name = field.name;
            assert!(document.get(name).is_some(), "{name} is mapped and not in {document}");
        }
        assert!(!document.to_string().contains("Ada"), "{document}");
    }
}

/// Issued over 1,000 and 190 tax.
fn issued(more: impl IntoIterator<Item = invoice::Event>) -> Vec<invoice::Event> {
    let drafted = json!({
        "customer_id": "C1", "order_id": "O1", "currency": "EUR", "bill_to_name": personal("Ada")
    });
    let item = json!({
        "line_item_id": "1", "description": "Kettle", "product_id": "P1", "quantity": 2, "unit_price_cents": 500,
        "tax_basis_points": 1_900
    });
    let number = json!({
        "number": "2026-1", "issued_at": at(0), "due_at": at(100), "net_cents": 1_000, "tax_cents": 190, "total_cents": 1_190
    });
    [
        event("InvoiceDrafted", drafted),
        event("InvoiceLineItemAdded", item),
        event("InvoiceIssued", number),
    ]
    .into_iter()
    .chain(more)
    .collect()
}

fn paid(amount: i64) -> invoice::Event {
    let data = json!({ "payment_id": amount.to_string(), "amount_cents": amount, "paid_at": at(7) });
    event("InvoicePaymentRecorded", data)
}

fn credited(amount: i64) -> invoice::Event {
    event(
        "InvoiceCredited",
        json!({ "credit_note_id": "n1", "number": "G-1", "amount_cents": amount, "reason": "broken", "issued_at": at(8) }),
    )
}

#[test]
fn an_invoice_says_what_is_due_and_how_it_stands() {
    let stands = |events: Vec<invoice::Event>| {
        let row = serde_json::to_value(given::<InvoiceRow>("I1", events)).unwrap();
        let amounts = ["due_cents", "refundable_cents", "paid_cents"].map(|name| row[name].as_i64().unwrap());
        (row["status"].as_str().unwrap().to_owned(), amounts)
    };
    let is = |status: &str, amounts: [i64; 3]| (status.to_owned(), amounts);
    let late = || event("InvoiceMarkedOverdue", json!({}));
    let refunded = event(
        "InvoiceRefundRecorded",
        json!({ "refund_id": "r1", "amount_cents": 90, "refunded_at": at(9) }),
    );
    let draft = issued([]).into_iter().take(2).collect();
    assert_eq!(stands(draft), is("draft", [0, 0, 0]));
    assert_eq!(stands(issued([])), is("issued", [1_190, 0, 0]));
    assert_eq!(stands(issued([paid(190)])), is("issued", [1_000, 0, 190]));
    assert_eq!(stands(issued([late()])), is("overdue", [1_190, 0, 0]));
    assert_eq!(stands(issued([late(), paid(190)])), is("overdue", [1_000, 0, 190]));
    assert_eq!(stands(issued([late(), paid(1_190)])), is("paid", [0, 0, 1_190]));
    assert_eq!(stands(issued([credited(1_190)])), is("credited", [0, 0, 0]));
    assert_eq!(stands(issued([paid(190), credited(1_000)])), is("paid", [0, 0, 190]));
    assert_eq!(stands(issued([paid(1_190), credited(90)])), is("paid", [0, 90, 1_190]));
    assert_eq!(
        stands(issued([paid(1_190), credited(90), refunded])),
        is("paid", [0, 0, 1_100])
    );
    assert_eq!(
        stands(issued([event("InvoiceVoided", json!({}))])),
        is("void", [0, 0, 0])
    );
}

#[test]
fn an_invoice_keeps_what_it_was_issued_with() {
    let row: InvoiceRow = given("I1", issued([]));
    let shown = serde_json::to_value(&row).unwrap();
    for (name, expected) in [
        ("number", json!("2026-1")),
        ("order_id", json!("O1")),
        ("net_cents", json!(1_000)),
        ("tax_cents", json!(190)),
        ("total_cents", json!(1_190)),
        ("issued_at", json!(at(0))),
        ("drafted_at", json!(at(1))),
    ] {
        assert_eq!(shown[name], expected, "{name}");
    }
    assert_eq!(shown["line_items"][0]["total_cents"], 1_190);
    assert_eq!(row.row_key(), InvoiceRow::key_of(&id("I1")));
    assert_eq!(row.index_keys()[0].key.clone().unwrap().partition, "#CUSTOMER#C1");
}

#[test]
fn the_names_of_states_are_what_is_written() {
    use crate::{InvoiceStatus, OrderStatus};
    let invoices = [
        InvoiceStatus::Draft,
        InvoiceStatus::Issued,
        InvoiceStatus::Paid,
        InvoiceStatus::Credited,
        InvoiceStatus::Overdue,
        InvoiceStatus::Void,
    ];
    assert_eq!(serde_json::to_value(invoices).unwrap(), json!(InvoiceStatus::NAMES));
    let orders = [
        OrderStatus::Placed,
        OrderStatus::Confirmed,
        OrderStatus::PartlyShipped,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
    ];
    assert_eq!(serde_json::to_value(orders).unwrap(), json!(OrderStatus::NAMES));
}
