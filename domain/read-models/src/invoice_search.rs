//! `invoice-search`: one document per invoice, without a word of to whom it is made out. Serves `GET /v1/search/invoices`: what were three
//! indexes (customer, date, payment status) are filters of one query.

use crate::{
    DocumentFold, EventContext, Fold, InvoiceFacts,
    search::{Field, Mapping, SearchDocument},
};
use headwater_billing::invoice::{Event, Invoice};
use headwater_kernel::{Id, Timestamp};
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "invoice-search";

/// An invoice as it is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvoiceDocument {
    /// Its id.
    pub id: Id,
    /// Who is to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Id>,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: InvoiceFacts,
    /// The numbers of its credit notes.
    pub credit_note_number: Vec<String>,
    /// What its line items are for, a line of text each.
    pub description: String,
    /// The products of its line items.
    pub product_id: Vec<Id>,
    /// When it was drafted.
    pub drafted_at: Timestamp,
}

static MAPPING: Mapping = Mapping {
    kind: "invoices",
    version: 1,
    fields: &[
        Field::code("id", 1.0, 100.0),
        Field::code("number", 1.0, 100.0),
        Field::code("credit_note_number", 1.0, 100.0),
        Field::keyword("customer_id"),
        Field::code("order_id", 1.0, 50.0),
        Field::facet("status", 0.0),
        Field::facet("currency", 0.0),
        Field::text("description", 1.0),
        Field::keyword("product_id"),
        Field::integer("total_cents"),
        Field::integer("due_cents"),
        Field::time("issued_at"),
        Field::time("due_at"),
        Field::time("drafted_at"),
    ],
};

impl SearchDocument for InvoiceDocument {
    const KIND: &'static str = "invoices";

    fn mapping() -> &'static Mapping {
        &MAPPING
    }
}

impl Fold for InvoiceDocument {
    type Source = Invoice;

    // 1 said of one that was credited as a whole that it was paid.
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            customer_id: None,
            facts: InvoiceFacts::default(),
            credit_note_number: Vec::new(),
            description: String::new(),
            product_id: Vec::new(),
            drafted_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        if let Event::InvoiceDrafted { customer_id, .. } = event {
            self.customer_id = Some(customer_id.clone());
            self.drafted_at = at.time;
        }
        self.facts.apply(event);
        let InvoiceFacts {
            line_items,
            credit_notes,
            ..
        } = &self.facts;
        self.credit_note_number = credit_notes.iter().map(|note| note.number.clone()).collect();
        let descriptions = line_items.iter().map(|item| item.description.as_str());
        self.description = descriptions.collect::<Vec<_>>().join("\n");
        self.product_id = line_items.iter().filter_map(|item| item.product_id.clone()).collect();
    }
}

impl DocumentFold for InvoiceDocument {
    /// Drafts and voided ones too: who keeps the books asks for them.
    fn is_live(&self) -> bool {
        true
    }
}
