//! `leads`: one row per lead. Serves `GET /v1/crm/leads/{id}`, all leads by date, and an owner's leads by date.

use crate::{EventContext, Fold, RowFold};
use headwater_crm::lead::{Event, Lead};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The projection's name.
pub const PROJECTION: &str = "leads";

/// A lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "LEAD",
    pk = "TENANT#{tenant_id}",
    sk = "LEAD#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "CAPTURED#{captured_at}#{id}",
    gsi2_pk = "TENANT#{tenant_id}",
    gsi2_sk = "CAPTURED#{captured_at}#{id}"
)]
pub struct LeadRow {
    /// Its id.
    pub id: Id,
    /// The person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<String>>,
    /// The person's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<String>>,
    /// The person's phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal<String>>,
    /// The company the person is with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Where the lead came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<Id>,
    /// `new`, `qualified` or `disqualified`.
    pub status: LeadStatus,
    /// When it was captured.
    pub captured_at: Timestamp,
}

/// How far a lead has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LeadStatus {
    /// Not looked at yet.
    New,
    /// Worth pursuing.
    Qualified,
    /// Not worth pursuing.
    Disqualified,
}

impl Fold for LeadRow {
    type Source = Lead;

    fn empty(id: &Id) -> Self {
        Self {
            id: id.clone(),
            name: None,
            email: None,
            phone: None,
            company: None,
            source: None,
            owner_id: None,
            status: LeadStatus::New,
            captured_at: Timestamp::default(),
        }
    }

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event {
            Event::LeadCaptured {
                name,
                email,
                phone,
                company,
                source,
                owner_id,
            } => {
                self.name = Some(name.clone());
                self.email.clone_from(email);
                self.phone.clone_from(phone);
                self.company.clone_from(company);
                self.source.clone_from(source);
                self.owner_id.clone_from(owner_id);
                self.captured_at = at.time;
            }
            Event::LeadAssigned { owner_id } => self.owner_id = Some(owner_id.clone()),
            Event::LeadQualified {} => self.status = LeadStatus::Qualified,
            Event::LeadDisqualified { .. } => self.status = LeadStatus::Disqualified,
            Event::LeadCorrected {
                name,
                email,
                phone,
                company,
            } => {
                if name.is_some() {
                    self.name.clone_from(name);
                }
                for (field, new) in [(&mut self.email, email), (&mut self.phone, phone)] {
                    if let Some(new) = new {
                        field.clone_from(new);
                    }
                }
                if let Some(new) = company {
                    self.company.clone_from(new);
                }
            }
        }
    }
}

impl RowFold for LeadRow {
    fn key_of(id: &Id) -> RowKey {
        Self::key(id)
    }
}
