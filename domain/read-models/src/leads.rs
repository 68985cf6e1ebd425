//! `leads`: one row per lead.
//!
//! Serves `GET /crm/leads/{id}` by [`LeadRow::key`], the leads of an owner by [`LeadRow::by_owner`] and all leads by
//! [`LeadRow::by_date`], both in the order in which they were captured (reversed for the newest first). A lead without an owner is in
//! the second alone.

use crate::{EventContext, Fold, RowFold, fold::no_id};
use headwater_crm::lead::{Event, Lead};
use headwater_dynamo_schema::{DynamoRepository, RowKey};
use headwater_kernel::{Id, Personal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LeadStage {
    /// It was captured, and nobody has judged it.
    #[default]
    Captured,
    /// It is worth pursuing.
    Qualified,
    /// It is not, or no longer, worth pursuing.
    Disqualified,
}

/// A lead as it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, DynamoRepository)]
#[dynamo(
    table = "crm",
    entity = "LEAD",
    pk = "TENANT#{tenant_id}",
    sk = "LEAD#{id}",
    gsi1_pk = "TENANT#{tenant_id}#OWNER#{owner_id}",
    gsi1_sk = "CREATED#{created_at}#LEAD#{id}",
    gsi1_name = "by_owner",
    gsi2_pk = "TENANT#{tenant_id}#LEADS",
    gsi2_sk = "CREATED#{created_at}#LEAD#{id}",
    gsi2_name = "by_date"
)]
pub struct LeadRow {
    /// The lead's id.
    pub id: Id,
    /// The person's name.
    pub name: Personal<String>,
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
    /// What became of it.
    pub stage: LeadStage,
    /// Why it was disqualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disqualified_reason: Option<String>,
    /// When it was captured.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Default for LeadRow {
    fn default() -> Self {
        Self {
            id: no_id(),
            name: Personal::Erased,
            email: None,
            phone: None,
            company: None,
            source: None,
            owner_id: None,
            stage: LeadStage::Captured,
            disqualified_reason: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }
}

impl Fold for LeadRow {
    type Source = Lead;
    const VERSION: u32 = 1;

    fn apply(&mut self, at: &EventContext<'_>, event: &Event) {
        match event.clone() {
            Event::LeadCaptured {
                name,
                email,
                phone,
                company,
                source,
                owner_id,
            } => {
                let (id, created_at) = (at.id.clone(), at.time);
                *self = Self {
                    id,
                    name,
                    email,
                    phone,
                    company,
                    source,
                    owner_id,
                    created_at,
                    ..Self::default()
                };
            }
            Event::LeadAssigned { owner_id } => self.owner_id = Some(owner_id),
            Event::LeadQualified {} => self.stage = LeadStage::Qualified,
            Event::LeadDisqualified { reason } => {
                self.stage = LeadStage::Disqualified;
                self.disqualified_reason = reason;
            }
            Event::LeadCorrected {
                name,
                email,
                phone,
                company,
            } => {
                self.name = name.unwrap_or_else(|| self.name.clone());
                self.email = email.unwrap_or_else(|| self.email.take());
                self.phone = phone.unwrap_or_else(|| self.phone.take());
                self.company = company.unwrap_or_else(|| self.company.take());
            }
        }
        self.updated_at = at.time;
    }
}

impl RowFold for LeadRow {
    fn key(id: &Id) -> RowKey {
        Self::key(id)
    }

    fn is_live(&self) -> bool {
        self.created_at > Timestamp::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::testing::{at, given, id};
    use headwater_dynamo_schema::{Entity, KeyPart};

    fn personal(value: &str) -> Personal<String> {
        Personal::about(&id("T1"), value.to_owned())
    }

    fn captured() -> Event {
        Event::LeadCaptured {
            name: personal("Ada"),
            email: Some(personal("ada@example.com")),
            phone: None,
            company: None,
            source: Some("fair".into()),
            owner_id: None,
        }
    }

    #[test]
    fn folds_all_that_happens_to_a_lead() {
        let row: LeadRow = given([
            captured(),
            Event::LeadAssigned { owner_id: id("u1") },
            Event::LeadQualified {},
            Event::LeadCorrected {
                name: None,
                email: Some(None),
                phone: Some(Some(personal("112"))),
                company: None,
            },
            Event::LeadDisqualified {
                reason: Some("moved".into()),
            },
        ]);
        assert_eq!(
            (row.name.clone(), row.email.clone(), row.phone.clone()),
            (personal("Ada"), None, Some(personal("112")))
        );
        assert_eq!(
            (row.stage, row.disqualified_reason.as_deref()),
            (LeadStage::Disqualified, Some("moved"))
        );
        assert_eq!((row.created_at, row.updated_at), (at(1), at(5)));
        assert_eq!(row.source.as_deref(), Some("fair"));
    }

    #[test]
    fn is_found_by_date_and_once_assigned_by_owner() {
        let keys = given::<LeadRow>([captured()]).index_keys();
        assert_eq!(keys[0].key, None);
        let by_date = keys[1].key.clone().unwrap();
        assert_eq!(by_date.partition, LeadRow::by_date().partition());
        assert_eq!(by_date.sort, format!("CREATED#{}#LEAD#T1", at(1).key_part().unwrap()));
        let assigned = given::<LeadRow>([captured(), Event::LeadAssigned { owner_id: id("u#1") }]).index_keys();
        assert_eq!(
            assigned[0].key.clone().unwrap().partition,
            LeadRow::by_owner(&id("u#1")).partition()
        );
        assert_eq!(
            assigned[1].key,
            Some(by_date),
            "whoever owns it, its place by date stays"
        );
    }
}
