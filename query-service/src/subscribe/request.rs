//! What a subscriber asks for: from where, which contexts, which types; read strictly.

use super::Subscriptions;
use crate::{
    parameters::Parameters,
    refusal::{bad_request, hint, invalid, shown},
};
use headwater_edge::Problem;
use headwater_event_log::{EventLog, FeedCursor};
use headwater_tenancy::TenantScope;
use std::collections::BTreeSet;

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// At the tenant's first event.
    Nothing,
    /// With what comes from now on.
    Now,
    /// Where an earlier one stood.
    Cursor(FeedCursor),
}

/// A subscription as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) after: After,
    /// The contexts, each once.
    pub(crate) contexts: Vec<&'static str>,
    /// The event types; `None` is all.
    pub(crate) types: Option<BTreeSet<String>>,
}

impl Wanted {
    /// Reads `after`, `context` and `type`; a resumed connection's `last` goes before `after`, because a client that comes back by itself
    /// sends its first `after` again.
    pub(crate) fn read(
        log: &EventLog,
        subscriptions: &Subscriptions,
        scope: &TenantScope,
        parameters: &Parameters,
        last: Option<&str>,
    ) -> Result<Self, Problem> {
        parameters.only(&["after", "context", "type"], None)?;
        let after = match last.filter(|last| !last.is_empty()).or(parameters.text("after")?) {
            None => After::Nothing,
            Some("now") => After::Now,
            Some(cursor) => After::Cursor(log.open_feed_cursor(scope, cursor).map_err(|_| {
                let detail = "the cursor is not of this tenant's events; send the last id back unchanged, or now";
                bad_request("invalid-cursor", detail).at("/after", detail)
            })?),
        };
        let known = subscriptions.types();
        let mut contexts = Vec::new();
        for name in listed(parameters, "context") {
            let Some((context, _)) = known.get_key_value(name) else {
                let detail = format!(
                    "there is no context {:?}; {}",
                    shown(name),
                    hint(name, known.keys().copied())
                );
                return Err(invalid("context", detail));
            };
            if !contexts.contains(context) {
                contexts.push(*context);
            }
        }
        if contexts.is_empty() {
            contexts = known.keys().copied().collect();
        }
        let possible = || contexts.iter().filter_map(|context| known.get(context)).flatten();
        let mut types = BTreeSet::new();
        for name in listed(parameters, "type") {
            if !possible().any(|known| known == name) {
                let hint = hint(name, possible().map(String::as_str));
                return Err(invalid(
                    "type",
                    format!("there is no event type {:?}; {hint}", shown(name)),
                ));
            }
            types.insert(name.to_owned());
        }
        Ok(Self {
            after,
            contexts,
            types: (!types.is_empty()).then_some(types),
        })
    }
}

/// The values of a parameter that may come several times and have commas between.
fn listed<'a>(parameters: &'a Parameters, name: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = parameters.all(name).flat_map(|value| value.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty())
}
