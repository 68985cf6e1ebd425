//! `invoice-view`: one row per invoice. Serves `GET /v1/billing/invoices/{id}`, all invoices in the order in which they were drafted, and a
//! customer's invoices.

use crate::{EventContext, Fold, InvoiceFacts, RowFold};
use headwater_billing::invoice::{Event, Invoice};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "invoice-view";

/// An invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "billing",
    entity = "INVOICE",
    pk = "TENANT#{tenant_id}",
    sk = "INVOICE#{id}",
    gsi1_pk = "TENANT#{tenant_id}#CUSTOMER#{customer_id}",
    gsi1_sk = "DRAFTED#{drafted_at}#{id}",
    gsi2_pk = "TENANT#{tenant_id}",
    gsi2_sk = "DRAFTED#{drafted_at}#{id}"
)]
pub struct InvoiceRow {
    /// Its id.
    pub id: Id,
    /// Who is to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<Id>,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: InvoiceFacts,
    /// To whom it is made out; the customer's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_to_name: Option<Personal<String>>,
    /// Where the bill goes; the customer's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_to_address: Option<Personal<String>>,
    /// When it was drafted.
    pub drafted_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Fold for InvoiceRow {
    type Source = Invoice;

    // 1 said of one that was credited as a whole that it was paid.
    const VERSION: u32 = 2;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            customer_id: None,
            facts: InvoiceFacts::default(),
            bill_to_name: None,
            bill_to_address: None,
            drafted_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::InvoiceDrafted {
                customer_id,
                bill_to_name,
                bill_to_address,
                ..
            } => {
                self.customer_id = Some(customer_id.clone());
                self.bill_to_name.clone_from(bill_to_name);
                self.bill_to_address.clone_from(bill_to_address);
                self.drafted_at = at.time;
            }
            Event::InvoiceBillToCorrected {
                bill_to_name,
                bill_to_address,
            } => {
                for (field, new) in [
                    (&mut self.bill_to_name, bill_to_name),
                    (&mut self.bill_to_address, bill_to_address),
                ] {
                    if new.is_some() {
                        field.clone_from(new);
                    }
                }
            }
            _ => {}
        }
        self.facts.apply(event);
        self.updated_at = at.time;
    }
}

impl RowFold for InvoiceRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
