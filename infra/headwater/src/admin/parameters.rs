//! What a request names: query parameters, each known and coming once, and pages.

use super::{
    operator::Operator,
    problem::{bad_request, invalid},
};
use headwater_edge::{Problem, unknown_parameter};
use headwater_kernel::TenantId;
use headwater_tenancy::SealingKey;
use serde::{Serialize, de::DeserializeOwned};

/// Items of a page, when the caller does not say.
pub(super) const DEFAULT_LIMIT: usize = 50;
/// Most items of a page.
pub(super) const MAX_LIMIT: usize = 200;

/// Names and values as they came.
pub(super) struct Parameters<'a>(&'a [(String, String)]);

impl<'a> Parameters<'a> {
    /// Refuses what is not `known`, and what comes twice.
    pub(super) fn read(pairs: &'a [(String, String)], known: &[&str]) -> Result<Self, Problem> {
        for (n, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(unknown_parameter(name, known.iter().copied()));
            }
            if pairs[..n].iter().any(|(other, _)| other == name) {
                return Err(invalid(name, "comes once"));
            }
        }
        Ok(Self(pairs))
    }

    /// A parameter; empty is absent.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn tenant(&self) -> Result<Option<TenantId>, Problem> {
        self.text("tenant").map(tenant_of).transpose()
    }

    pub(super) fn page(&self) -> Result<Page, Problem> {
        let limit = self.text("limit").map(|text| {
            let limit = text.parse().ok();
            limit.ok_or_else(|| invalid("limit", format!("is a whole number from 1 to {MAX_LIMIT}")))
        });
        Page::new(limit.transpose()?, self.text("cursor"))
    }
}

pub(super) fn tenant_of(text: &str) -> Result<TenantId, Problem> {
    TenantId::new(text).map_err(|error| invalid("tenant", error.to_string()))
}

/// Which part of a list is asked for.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) limit: usize,
    cursor: Option<String>,
}

impl Page {
    pub(super) fn new(limit: Option<usize>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(invalid("limit", format!("is a whole number from 1 to {MAX_LIMIT}")));
        }
        let cursor = cursor.map(str::to_owned);
        Ok(Self { limit, cursor })
    }

    /// What a message of gRPC says, where nothing is empty.
    pub(super) fn of_message(limit: u32, cursor: &str) -> Result<Self, Problem> {
        let limit = (limit > 0).then_some(usize::try_from(limit).unwrap_or(usize::MAX));
        Self::new(limit, Some(cursor).filter(|cursor| !cursor.is_empty()))
    }

    /// The place after which the page begins, if the cursor is one of `query`, made for this operator's tenant.
    pub(super) fn after<T: DeserializeOwned>(
        &self,
        key: &SealingKey,
        operator: &Operator,
        query: &[&str],
    ) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let open = || {
            let data = key.open(CURSOR, operator.home.tenant(), cursor).ok()?;
            let (of, place): (Vec<String>, T) = serde_json::from_slice(&data).ok()?;
            (of == query).then_some(place)
        };
        let opened = open().ok_or_else(|| {
            let detail = "the cursor is not of this list; send next_cursor back unchanged, with the same parameters";
            bad_request("invalid-cursor", detail).at("/cursor", detail)
        });
        opened.map(Some)
    }
}

const CURSOR: &str = "admin-cursor";

/// The cursor of a page that begins after `place`.
pub(super) fn cursor_after<T: Serialize>(key: &SealingKey, operator: &Operator, query: &[&str], place: &T) -> String {
    let data = serde_json::to_vec(&(query, place)).unwrap_or_default();
    key.seal(CURSOR, operator.home.tenant(), &data)
}
