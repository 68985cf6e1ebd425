//! Invoices: what a customer is to pay, has paid and was credited.

mod account;
mod amounts;
mod command;
mod event;
#[cfg(test)]
mod tests;

pub use account::{MAX_CREDIT_NOTES, MAX_PAYMENTS};
pub use amounts::{Amounts, MAX_LINE_ITEMS, MAX_QUANTITY, MAX_TAX_BASIS_POINTS};
pub use command::{Command, NewLineItem};
pub use event::Event;

use account::Account;
use headwater_kernel::{Aggregate, Claim, Currency, Facts, Id, Personal, Rejection, Timestamp, text};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// An invoice. A draft changes freely. Once issued, nothing of what it says changes: payments are recorded of no more than what is due, credit
/// notes of no more than what is left of it, and it is voided only while it has neither. Its number, and those of its credit notes, are its
/// own within the tenant for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    stage: Stage,
    currency: Currency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill_to_name: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill_to_address: Option<Personal<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    line_items: BTreeMap<Id, Amounts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    overdue: bool,
    account: Account,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    #[default]
    Absent,
    Draft,
    Issued,
    Void,
}

fn check_bill_to(name: Option<&str>, address: Option<&str>) -> Result<(), Rejection> {
    name.map_or(Ok(()), |name| text::line("/bill_to_name", name, text::MAX_NAME))?;
    address.map_or(Ok(()), |address| {
        text::paragraph("/bill_to_address", address, text::MAX_ADDRESS)
    })
}

/// Money that moved has done so by now; a day is for clocks and time zones that differ.
fn check_happened(at: &'static str, time: Option<Timestamp>, now: Timestamp) -> Result<(), Rejection> {
    let latest = now.plus(Duration::from_secs(24 * 60 * 60));
    match time {
        Some(time) if time > latest => {
            let detail = "this is in the future; record it once it has happened";
            Err(Rejection::field("not-yet", at, detail))
        }
        _ => Ok(()),
    }
}

/// What of `new` differs from `old`, as personal data of the customer.
fn changed(new: Option<String>, old: Option<&Personal<String>>, customer: &Id) -> Option<Personal<String>> {
    new.map(|value| Personal::about(customer, value))
        .filter(|new| Some(new) != old)
}

impl Invoice {
    /// Whether the invoice has come to where the command has its place.
    fn check_stage(&self, command: &Command) -> Result<(), Rejection> {
        let not = |code, detail: &str| Err(Rejection::rule(code, detail));
        match (self.stage, command) {
            (Stage::Absent, Command::Draft { .. }) => Ok(()),
            (Stage::Absent, _) => Err(Rejection::not_found()),
            (_, Command::Draft { .. }) => Err(Rejection::already_exists()),
            (Stage::Void, _) => not("invoice-void", "the invoice was voided; draft another"),
            (Stage::Draft | Stage::Issued, Command::Void { .. }) => Ok(()),
            (
                stage,
                Command::AddLineItem(_)
                | Command::RemoveLineItem { .. }
                | Command::CorrectBillTo { .. }
                | Command::Issue { .. },
            ) => match stage {
                Stage::Draft => Ok(()),
                _ => not(
                    "invoice-issued",
                    "an issued invoice does not change; give a credit note and draft another",
                ),
            },
            (Stage::Draft, _) => not("not-issued", "the invoice is a draft; issue it first"),
            (Stage::Issued, _) => Ok(()),
        }
    }

    fn issue(&self, number: String, issued_at: Timestamp, due_at: Timestamp) -> Result<Event, Rejection> {
        text::line("/number", &number, 64)?;
        if self.line_items.is_empty() {
            let detail = "an invoice has at least one line item; add one first";
            return Err(Rejection::rule("no-line-items", detail));
        }
        if due_at < issued_at {
            let detail = "an invoice is not due before its date";
            return Err(Rejection::field("due-before-issued", "/due_at", detail));
        }
        let Amounts {
            net_cents,
            tax_cents,
            total_cents,
        } = amounts::sum(self.line_items.values()).unwrap_or_default();
        Ok(Event::InvoiceIssued {
            number,
            issued_at,
            due_at,
            net_cents,
            tax_cents,
            total_cents,
        })
    }

    fn check_void(&self) -> Result<(), Rejection> {
        if !self.account.payments.is_empty() {
            let detail = "the invoice has payments; give a credit note instead";
            return Err(Rejection::rule("has-payments", detail));
        }
        if !self.account.credit_notes.is_empty() {
            let detail = "the invoice has credit notes; credit what is left of it instead";
            return Err(Rejection::rule("has-credit-notes", detail));
        }
        Ok(())
    }

    /// Whether it has just become overdue; not when it is already.
    fn check_overdue(&self, now: Timestamp) -> Result<bool, Rejection> {
        if self.account.due() == 0 {
            return Err(Rejection::rule("nothing-due", "nothing of the invoice is due any more"));
        }
        if self.due_at.is_none_or(|due_at| now <= due_at) {
            return Err(Rejection::rule("not-due-yet", "the invoice can still be paid in time"));
        }
        Ok(!self.overdue)
    }
}

impl Aggregate for Invoice {
    const CONTEXT: &'static str = crate::CONTEXT;
    const NAME: &'static str = "invoices";
    type Command = Command;
    type Event = Event;

    fn decide(&self, command: Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
        self.check_stage(&command)?;
        Ok(vec![match command {
            Command::Draft {
                customer_id,
                order_id,
                currency,
                bill_to_name,
                bill_to_address,
                line_items,
            } => {
                check_bill_to(bill_to_name.as_deref(), bill_to_address.as_deref())?;
                amounts::check_all("/line_items", &line_items)?;
                let personal = |value| Personal::about(&customer_id, value);
                let drafted = Event::InvoiceDrafted {
                    bill_to_name: bill_to_name.map(personal),
                    bill_to_address: bill_to_address.map(personal),
                    customer_id,
                    order_id,
                    currency,
                };
                return Ok([drafted]
                    .into_iter()
                    .chain(line_items.into_iter().map(Event::from))
                    .collect());
            }
            Command::AddLineItem(item) => {
                amounts::check("", &item, &self.line_items)?;
                item.into()
            }
            Command::RemoveLineItem { line_item_id } => {
                if !self.line_items.contains_key(&line_item_id) {
                    let detail = "the invoice has no line item with this id";
                    return Err(Rejection::field("no-such-line-item", "/line_item_id", detail));
                }
                Event::InvoiceLineItemRemoved { line_item_id }
            }
            Command::CorrectBillTo {
                bill_to_name,
                bill_to_address,
            } => {
                check_bill_to(bill_to_name.as_deref(), bill_to_address.as_deref())?;
                let customer = self.customer_id.as_ref().unwrap_or(&facts.id);
                let bill_to_name = changed(bill_to_name, self.bill_to_name.as_ref(), customer);
                let bill_to_address = changed(bill_to_address, self.bill_to_address.as_ref(), customer);
                if bill_to_name.is_none() && bill_to_address.is_none() {
                    return Ok(vec![]);
                }
                Event::InvoiceBillToCorrected {
                    bill_to_name,
                    bill_to_address,
                }
            }
            Command::Issue {
                number,
                issued_at,
                due_at,
            } => self.issue(number, issued_at.unwrap_or(facts.now), due_at)?,
            Command::RecordPayment {
                payment_id,
                amount_cents,
                paid_at,
                method,
            } => {
                self.account.check_payment(&payment_id, amount_cents)?;
                check_happened("/paid_at", paid_at, facts.now)?;
                method
                    .as_deref()
                    .map_or(Ok(()), |method| text::line("/method", method, 50))?;
                Event::InvoicePaymentRecorded {
                    payment_id,
                    amount_cents,
                    paid_at: paid_at.unwrap_or(facts.now),
                    method,
                }
            }
            Command::MarkOverdue {} => {
                if !self.check_overdue(facts.now)? {
                    return Ok(vec![]);
                }
                Event::InvoiceMarkedOverdue {}
            }
            Command::Credit {
                credit_note_id,
                number,
                amount_cents,
                reason,
                issued_at,
            } => {
                self.account.check_credit(&credit_note_id, amount_cents)?;
                text::line("/number", &number, 64)?;
                text::line("/reason", &reason, 200)?;
                Event::InvoiceCredited {
                    credit_note_id,
                    number,
                    amount_cents,
                    reason,
                    issued_at: issued_at.unwrap_or(facts.now),
                }
            }
            Command::RecordRefund {
                refund_id,
                amount_cents,
                refunded_at,
            } => {
                self.account.check_refund(&refund_id, amount_cents)?;
                check_happened("/refunded_at", refunded_at, facts.now)?;
                Event::InvoiceRefundRecorded {
                    refund_id,
                    amount_cents,
                    refunded_at: refunded_at.unwrap_or(facts.now),
                }
            }
            Command::Void { reason } => {
                self.check_void()?;
                text::reason(reason.as_deref())?;
                Event::InvoiceVoided { reason }
            }
        }])
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::InvoiceDrafted {
                customer_id,
                currency,
                bill_to_name,
                bill_to_address,
                order_id: _,
            } => {
                *self = Self {
                    stage: Stage::Draft,
                    currency,
                    customer_id: Some(customer_id),
                    bill_to_name,
                    bill_to_address,
                    ..Self::default()
                };
            }
            Event::InvoiceLineItemAdded {
                line_item_id,
                quantity,
                unit_price_cents,
                tax_basis_points,
                ..
            } => {
                let amounts = Amounts::of(quantity, unit_price_cents, tax_basis_points);
                self.line_items.insert(line_item_id, amounts.unwrap_or_default());
            }
            Event::InvoiceLineItemRemoved { line_item_id } => {
                self.line_items.remove(&line_item_id);
            }
            Event::InvoiceBillToCorrected {
                bill_to_name,
                bill_to_address,
            } => {
                self.bill_to_name = bill_to_name.or_else(|| self.bill_to_name.take());
                self.bill_to_address = bill_to_address.or_else(|| self.bill_to_address.take());
            }
            Event::InvoiceIssued {
                number,
                due_at,
                total_cents,
                ..
            } => {
                self.stage = Stage::Issued;
                self.number = Some(number);
                self.due_at = Some(due_at);
                self.account.total_cents = total_cents;
            }
            Event::InvoicePaymentRecorded {
                payment_id,
                amount_cents,
                ..
            } => {
                self.account.paid_cents = self.account.paid_cents.saturating_add(amount_cents);
                self.account.payments.insert(payment_id, amount_cents);
            }
            Event::InvoiceMarkedOverdue {} => self.overdue = true,
            Event::InvoiceCredited {
                credit_note_id,
                number,
                amount_cents,
                ..
            } => {
                self.account.credited_cents = self.account.credited_cents.saturating_add(amount_cents);
                self.account.credit_notes.insert(credit_note_id, number);
            }
            Event::InvoiceRefundRecorded {
                refund_id,
                amount_cents,
                ..
            } => {
                self.account.paid_cents = self.account.paid_cents.saturating_sub(amount_cents);
                self.account.refunds.insert(refund_id, amount_cents);
            }
            Event::InvoiceVoided { .. } => self.stage = Stage::Void,
        }
    }

    fn claims(&self) -> Vec<Claim> {
        let claim = |name, value: &String| Claim {
            name,
            value: value.clone(),
            pointer: "/number",
        };
        let invoice = self.number.iter().map(|number| claim("number", number));
        let credit_notes = self.account.credit_notes.values();
        invoice
            .chain(credit_notes.map(|number| claim("credit-note-number", number)))
            .collect()
    }
}
