//! What every read model of an invoice says of it, but for who is to pay and when it was drafted, which are parts of keys, and to whom it is
//! made out, which is the view's alone.

use headwater_billing::invoice::{Amounts, Event};
use headwater_kernel::{Currency, Id, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an invoice stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceStatus {
    /// Not issued yet.
    #[default]
    Draft,
    /// Issued, and something of it is due.
    Issued,
    /// Nothing of it is due any more, as it was paid, if need be but for what was credited.
    Paid,
    /// All of it was credited; nothing was paid that was not given back.
    Credited,
    /// Something of it is due and was not paid in time.
    Overdue,
    /// Voided.
    Void,
}

impl InvoiceStatus {
    /// All of them, as they are written.
    pub const NAMES: &[&str] = &["draft", "issued", "paid", "credited", "overdue", "void"];
}

/// An invoice as it is now. Amounts are in hundredths of the currency's unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceFacts {
    /// How it stands.
    pub status: InvoiceStatus,
    /// The order that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Id>,
    /// Its number, once it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// What it is for.
    pub line_items: Vec<LineItem>,
    /// The sums of the line items.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// What was paid and not given back.
    pub paid_cents: i64,
    /// What was credited.
    pub credited_cents: i64,
    /// What is still to be paid; 0 for a draft and once voided.
    pub due_cents: i64,
    /// What was paid too much because of credit notes, and was not given back yet.
    pub refundable_cents: i64,
    /// The payments, in order.
    pub payments: Vec<Payment>,
    /// The credit notes, in order.
    pub credit_notes: Vec<CreditNote>,
    /// The refunds, in order.
    pub refunds: Vec<Refund>,
    /// Whether it was found not to be paid in time, also if it was later.
    pub was_overdue: bool,
    /// Its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
    /// When it has to be paid at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// A line item of an invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineItem {
    /// Its id within the invoice.
    pub line_item_id: Id,
    /// What it is for.
    pub description: String,
    /// The product that was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Id>,
    /// How many.
    pub quantity: u32,
    /// The price of one without tax.
    pub unit_price_cents: i64,
    /// The tax rate in hundredths of a percent.
    pub tax_basis_points: u32,
    /// What it comes to.
    #[serde(flatten)]
    pub amounts: Amounts,
}

/// Money that came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// Its id within the invoice.
    pub payment_id: Id,
    /// How much.
    pub amount_cents: i64,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// When.
    pub paid_at: Timestamp,
}

/// What was taken off the invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNote {
    /// Its id within the invoice.
    pub credit_note_id: Id,
    /// Its number.
    pub number: String,
    /// How much, tax included.
    pub amount_cents: i64,
    /// Why.
    pub reason: String,
    /// Its date.
    pub issued_at: Timestamp,
}

/// Money that was given back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refund {
    /// Its id within the invoice.
    pub refund_id: Id,
    /// How much.
    pub amount_cents: i64,
    /// When.
    pub refunded_at: Timestamp,
}

impl InvoiceFacts {
    /// Folds one event.
    pub fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::InvoiceDrafted { order_id, currency, .. } => {
                *self = Self {
                    order_id,
                    currency,
                    ..Self::default()
                };
            }
            Event::InvoiceLineItemAdded {
                line_item_id,
                description,
                product_id,
                quantity,
                unit_price_cents,
                tax_basis_points,
            } => {
                let amounts = Amounts::of(quantity, unit_price_cents, tax_basis_points).unwrap_or_default();
                self.line_items.push(LineItem {
                    line_item_id,
                    description,
                    product_id,
                    quantity,
                    unit_price_cents,
                    tax_basis_points,
                    amounts,
                });
                self.add_up();
            }
            Event::InvoiceLineItemRemoved { line_item_id } => {
                self.line_items.retain(|item| item.line_item_id != line_item_id);
                self.add_up();
            }
            Event::InvoiceBillToCorrected { .. } => {}
            Event::InvoiceIssued {
                number,
                issued_at,
                due_at,
                net_cents,
                tax_cents,
                total_cents,
            } => {
                self.status = InvoiceStatus::Issued;
                self.number = Some(number);
                self.issued_at = Some(issued_at);
                self.due_at = Some(due_at);
                self.amounts = Amounts {
                    net_cents,
                    tax_cents,
                    total_cents,
                };
                self.settle();
            }
            Event::InvoicePaymentRecorded {
                payment_id,
                amount_cents,
                paid_at,
                method,
            } => {
                self.paid_cents += amount_cents;
                self.payments.push(Payment {
                    payment_id,
                    amount_cents,
                    method,
                    paid_at,
                });
                self.settle();
            }
            Event::InvoiceMarkedOverdue {} => {
                self.was_overdue = true;
                self.settle();
            }
            Event::InvoiceCredited {
                credit_note_id,
                number,
                amount_cents,
                reason,
                issued_at,
            } => {
                self.credited_cents += amount_cents;
                self.credit_notes.push(CreditNote {
                    credit_note_id,
                    number,
                    amount_cents,
                    reason,
                    issued_at,
                });
                self.settle();
            }
            Event::InvoiceRefundRecorded {
                refund_id,
                amount_cents,
                refunded_at,
            } => {
                self.paid_cents -= amount_cents;
                self.refunds.push(Refund {
                    refund_id,
                    amount_cents,
                    refunded_at,
                });
                self.settle();
            }
            Event::InvoiceVoided { .. } => {
                self.status = InvoiceStatus::Void;
                self.due_cents = 0;
            }
        }
    }

    /// The sums of a draft. They fit: the aggregate adds no line item with which they would not.
    fn add_up(&mut self) {
        let items = self.line_items.iter().map(|item| item.amounts);
        let sum = items.map(Some).reduce(|sum, item| sum?.plus(item?));
        self.amounts = sum.flatten().unwrap_or_default();
    }

    /// What is due of an issued invoice, and how it stands by that.
    fn settle(&mut self) {
        let balance = self.amounts.total_cents - self.credited_cents - self.paid_cents;
        self.due_cents = balance.max(0);
        self.refundable_cents = (-balance).max(0);
        self.status = match (self.due_cents, self.was_overdue) {
            (0, _) if self.paid_cents == 0 && self.credited_cents > 0 => InvoiceStatus::Credited,
            (0, _) => InvoiceStatus::Paid,
            (_, true) => InvoiceStatus::Overdue,
            (_, false) => InvoiceStatus::Issued,
        };
    }
}
