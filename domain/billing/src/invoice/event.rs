//! What can happen to an invoice. Stored for ever: a change here needs a new schema version and an upcast.

use super::command::NewLineItem;
use headwater_kernel::{Currency, Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen to an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[allow(clippy::large_enum_variant, reason = "the large one is among the most frequent")]
pub enum Event {
    /// An invoice was drafted.
    InvoiceDrafted {
        /// Who is to pay.
        customer_id: Id,
        /// The order that it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<Id>,
        /// The one currency of all its amounts.
        currency: Currency,
        /// To whom it is made out; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bill_to_name: Option<Personal<String>>,
        /// Where the bill goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bill_to_address: Option<Personal<String>>,
    },
    /// A line item was added.
    InvoiceLineItemAdded {
        /// Its id within the invoice.
        line_item_id: Id,
        /// What it is for.
        description: String,
        /// The product that was sold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product_id: Option<Id>,
        /// How many.
        quantity: u32,
        /// The price of one without tax, in hundredths of the invoice's currency.
        unit_price_cents: i64,
        /// The tax rate in hundredths of a percent.
        tax_basis_points: u32,
    },
    /// A line item was removed.
    InvoiceLineItemRemoved {
        /// Its id.
        line_item_id: Id,
    },
    /// To whom or where it is sent was corrected. What is absent stayed.
    InvoiceBillToCorrected {
        /// To whom it is made out; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bill_to_name: Option<Personal<String>>,
        /// Where the bill goes; the customer's data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bill_to_address: Option<Personal<String>>,
    },
    /// The invoice was issued.
    InvoiceIssued {
        /// Its number.
        number: String,
        /// Its date.
        issued_at: Timestamp,
        /// When it has to be paid at the latest.
        due_at: Timestamp,
        /// The sum without tax, in hundredths of the invoice's currency.
        net_cents: i64,
        /// The tax.
        tax_cents: i64,
        /// Both: what is to be paid.
        total_cents: i64,
    },
    /// A payment came in.
    InvoicePaymentRecorded {
        /// The payment's id.
        payment_id: Id,
        /// How much.
        amount_cents: i64,
        /// When.
        paid_at: Timestamp,
        /// How.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<String>,
    },
    /// It was not paid in time.
    InvoiceMarkedOverdue {},
    /// A credit note was given.
    InvoiceCredited {
        /// The credit note's id.
        credit_note_id: Id,
        /// The credit note's number.
        number: String,
        /// How much is credited, tax included.
        amount_cents: i64,
        /// Why.
        reason: String,
        /// The credit note's date.
        issued_at: Timestamp,
    },
    /// Money was given back.
    InvoiceRefundRecorded {
        /// The refund's id.
        refund_id: Id,
        /// How much.
        amount_cents: i64,
        /// When.
        refunded_at: Timestamp,
    },
    /// The invoice was voided.
    InvoiceVoided {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl From<NewLineItem> for Event {
    fn from(item: NewLineItem) -> Self {
        let NewLineItem {
            line_item_id,
            description,
            product_id,
            quantity,
            unit_price_cents,
            tax_basis_points,
        } = item;
        Self::InvoiceLineItemAdded {
            line_item_id,
            description,
            product_id,
            quantity,
            unit_price_cents,
            tax_basis_points,
        }
    }
}
