//! Who is calling: from a credential to a [`TenantScope`], the only way to any tenant's data.
//!
//! A scope has three constructors and no others: a verified credential ([`Authenticator`]), a commit read from the log or a stream
//! ([`WorkerAuthority`]), and the tenant directory for an [`OperatorScope`] ([`TenantDirectory::scope`]). A tenant id in a body, path or
//! header is never believed.

mod authenticator;
mod credential;
mod directory;
mod installation;
mod issuer;
mod key_set;
mod public_keys;
mod published_keys;
mod scope;
mod seal;
#[cfg(feature = "testing")]
pub mod testing;
mod verifier;
mod worker;

pub use authenticator::{Authenticator, Caller};
pub use credential::{
    CredentialError, DevelopmentKey, MAX_SUBJECT_BYTES, SubjectError, TokenRequest, Verified, check_subject,
};
pub use directory::{DirectoryError, Tenant, TenantDirectory, TenantState, tenants_table};
pub use issuer::Issuer;
pub use key_set::KeySetError;
pub use public_keys::{PublicKeyError, PublicKeys};
pub use published_keys::{KeySetPlace, KeySetPlaceError, PublishedKeys, PublishedKeysError};
pub use scope::{MayNotCommand, OperatorScope, Role, TenantScope};
pub use seal::{SealError, SealingKey};
pub use verifier::TokenVerifier;
pub use worker::WorkerAuthority;
