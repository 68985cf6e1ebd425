//! What can be asked of an invoice.

use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can be asked of an invoice. No `Debug`: it carries personal data as it came.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Drafts an invoice.
    Draft {
        /// Who is to pay; whose data the name and the address are.
        customer_id: Id,
        /// The order that it is for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<Id>,
        /// The one currency of all its amounts.
        #[serde(default)]
        currency: Currency,
        /// To whom it is made out. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        bill_to_name: Option<String>,
        /// Where the bill goes, on one or more lines. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 500))]
        bill_to_address: Option<String>,
        /// What it is for; line items can be added until it is issued.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 100))]
        line_items: Vec<NewLineItem>,
    },
    /// Adds a line item to a draft.
    AddLineItem(NewLineItem),
    /// Removes a line item from a draft.
    RemoveLineItem {
        /// The line item to remove.
        line_item_id: Id,
    },
    /// Corrects to whom and where a draft is sent. What is left out stays.
    CorrectBillTo {
        /// To whom it is made out. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 200))]
        bill_to_name: Option<String>,
        /// Where the bill goes, on one or more lines. Personal data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 500))]
        bill_to_address: Option<String>,
    },
    /// Issues a draft that has a line item. From then on the invoice does not change; credit notes and payments are added to it.
    Issue {
        /// Its number, which no other invoice of the tenant ever has.
        #[schemars(length(min = 1, max = 64))]
        number: String,
        /// Its date; left out, it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issued_at: Option<Timestamp>,
        /// When it has to be paid at the latest; not before its date.
        due_at: Timestamp,
    },
    /// Records a payment, of no more than what is due.
    RecordPayment {
        /// The payment's id, not used in this invoice before.
        payment_id: Id,
        /// How much was paid, in hundredths of the invoice's currency; at least 1.
        #[schemars(range(min = 1))]
        amount_cents: i64,
        /// When it was paid; left out, it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paid_at: Option<Timestamp>,
        /// How: `transfer`, `card`, … Never the number of a card or an account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 50))]
        method: Option<String>,
    },
    /// Records that it was not paid in time. Refused before it is due.
    MarkOverdue {},
    /// Gives a credit note against an issued invoice, of no more than what was not credited yet; also when it was paid, and then the customer
    /// is owed a refund.
    Credit {
        /// The credit note's id, not used in this invoice before.
        credit_note_id: Id,
        /// The credit note's number, which no other credit note of the tenant ever has.
        #[schemars(length(min = 1, max = 64))]
        number: String,
        /// How much is credited, tax included, in hundredths of the invoice's currency; at least 1.
        #[schemars(range(min = 1))]
        amount_cents: i64,
        /// Why.
        #[schemars(length(min = 1, max = 200))]
        reason: String,
        /// Its date; left out, it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issued_at: Option<Timestamp>,
    },
    /// Records that money was given back, of no more than what was paid too much.
    RecordRefund {
        /// The refund's id, not used in this invoice before.
        refund_id: Id,
        /// How much was given back, in hundredths of the invoice's currency; at least 1.
        #[schemars(range(min = 1))]
        amount_cents: i64,
        /// When; left out, it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refunded_at: Option<Timestamp>,
    },
    /// Voids a draft, or an issued invoice that has no payment and no credit note. Its number is not used again.
    Void {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 1000))]
        reason: Option<String>,
    },
}

/// A line item of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct NewLineItem {
    /// Its id, not in this invoice already.
    pub line_item_id: Id,
    /// What it is for. Not personal: name what was sold, not to whom.
    #[schemars(length(min = 1, max = 200))]
    pub description: String,
    /// The product that was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// How many, 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub quantity: u32,
    /// The price of one without tax, in hundredths of the invoice's currency; never negative.
    #[schemars(range(min = 0))]
    pub unit_price_cents: i64,
    /// The tax rate in hundredths of a percent: 1900 is 19 percent.
    #[serde(default)]
    #[schemars(range(max = 10_000))]
    pub tax_basis_points: u32,
}
