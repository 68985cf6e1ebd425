//! What both services' edges share: problems, authentication, limits, serving, consistency tokens, the protocol and OpenAPI.
//!
//! Nothing here knows a command or a query. The binary makes one [`Edge`], gives it to the services, wraps their merged routes with
//! [`Edge::http`] and serves them with [`serve_http`]. What is served by gRPC uses the same [`Edge`] call by call.

mod admission;
mod authentication;
mod body;
mod called;
mod client;
mod consistency;
mod docs;
mod edge;
mod error_info;
mod grpc;
mod http;
mod json;
mod limits;
mod names;
mod nearest;
mod openapi;
mod pairs;
mod problem;
mod refusals;
mod schemas;
mod serve;
mod socket;
mod telling;
mod unread;

pub use admission::{Place, SharedPlace, TenantPlace};
pub use authentication::Authenticated;
pub use body::require_media_type;
pub use called::Called;
pub use client::{AddressHeader, Network, TrustedProxies};
pub use consistency::ConsistencyToken;
pub use docs::docs;
pub use edge::{Edge, Surroundings};
pub use error_info::{ErrorInfo, error_info};
pub use json::parse_json;
pub use limits::Limits;
pub use names::{hint, id_of, invalid_id, invalid_parameter, shown, single_header, unknown, unknown_parameter};
pub use nearest::nearest;
pub use openapi::OpenApi;
pub use pairs::Pairs;
pub use problem::{FieldError, Problem};
pub use refusals::{Refusals, Refused};
pub use schemas::Schemas;
pub use serve::serve_http;

/// The generated protocol, `headwater.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated from proto/headwater/v1, where the comments are"
)]
pub mod v1 {
    tonic::include_proto!("headwater.v1");

    /// The compiled protocol, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/headwater.v1.bin"));
}

#[cfg(test)]
mod tests {
    use prost::Message;

    #[test]
    fn reflection_gets_all_services() {
        let set = prost_types::FileDescriptorSet::decode(crate::v1::FILE_DESCRIPTOR_SET).unwrap();
        let mut services: Vec<_> = set
            .file
            .iter()
            .flat_map(|file| &file.service)
            .map(|service| service.name())
            .collect();
        services.sort_unstable();
        assert_eq!(
            services,
            ["AdminService", "CommandService", "QueryService", "SchemaService"]
        );
    }

    #[test]
    fn reflection_gets_the_details_of_errors() {
        let set = prost_types::FileDescriptorSet::decode(crate::v1::FILE_DESCRIPTOR_SET).unwrap();
        let details = set.file.iter().find(|file| file.package() == "google.rpc");
        let names: Vec<_> = details
            .iter()
            .flat_map(|file| &file.message_type)
            .map(|message| message.name())
            .collect();
        assert_eq!(names, ["ErrorInfo", "BadRequest", "RetryInfo"]);
        let files: Vec<_> = set.file.iter().map(|file| file.name()).collect();
        let imported = |name: &String| files.contains(&name.as_str());
        assert!(
            set.file.iter().flat_map(|file| &file.dependency).all(imported),
            "{files:?}"
        );
    }
}
