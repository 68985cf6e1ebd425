//! What can happen to a lead. Stored for ever: a change here needs a new schema version and an upcast.

use super::given;
use headwater_kernel::{Id, Personal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What can happen to a lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[allow(clippy::large_enum_variant, reason = "the large one is by far the most frequent")]
pub enum Event {
    /// A lead was captured.
    LeadCaptured {
        /// The person's name.
        name: Personal<String>,
        /// The person's e-mail address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Personal<String>>,
        /// The person's phone number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<Personal<String>>,
        /// The company the person is with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        company: Option<String>,
        /// Where the lead came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// Who looks after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<Id>,
    },
    /// A lead was handed to somebody.
    LeadAssigned {
        /// Who looks after it now.
        owner_id: Id,
    },
    /// A lead was found worth pursuing.
    LeadQualified {},
    /// A lead was found not worth pursuing.
    LeadDisqualified {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What is known of the person was corrected. What is absent stayed; what is null was removed.
    LeadCorrected {
        /// The person's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Personal<String>>,
        /// The person's e-mail address.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        email: Option<Option<Personal<String>>>,
        /// The person's phone number.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        phone: Option<Option<Personal<String>>>,
        /// The company the person is with.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        company: Option<Option<String>>,
    },
}
