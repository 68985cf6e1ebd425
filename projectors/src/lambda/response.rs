//! What AWS Lambda is answered. It takes an answer that it does not understand, and an empty one, for full success; so this has no other
//! form than no failure, or one that names a record of the batch.

use super::event::SequenceNumber;
use serde::Serialize;

/// Which records of a batch have to come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// Lambda goes on at the lowest number it is told, so there is one at most.
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: SequenceNumber,
}

impl BatchResponse {
    /// From this record on everything comes again; `None` when all of it is done.
    pub(super) fn from_lowest(failed: Option<SequenceNumber>) -> Self {
        let failure = failed.map(|item_identifier| Failure { item_identifier });
        Self {
            batch_item_failures: failure.into_iter().collect(),
        }
    }

    /// Whether all of the batch is done.
    pub fn is_complete(&self) -> bool {
        self.batch_item_failures.is_empty()
    }
}
