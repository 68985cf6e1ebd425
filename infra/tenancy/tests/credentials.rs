//! Which credentials open a tenant, and which do not.
#![allow(clippy::unwrap_used, reason = "a test")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_runtime::{ManualClock, Runtime};
use headwater_tenancy::{Authenticator, CredentialError, DevelopmentKey, Role, TenantDirectory, TokenRequest};
use std::{sync::Arc, time::Duration};

struct Setup {
    key: Arc<DevelopmentKey>,
    clock: ManualClock,
    runtime: Runtime,
    authenticator: Authenticator,
}

fn setup() -> Setup {
    let clock = ManualClock::at(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
    let runtime = Runtime::new(clock.clone());
    let key = Arc::new(DevelopmentKey::new([1; 32]));
    let directory = TenantDirectory::fixed([(TenantId::new("acme").unwrap(), Region::Eu)], runtime.clone());
    let authenticator = Authenticator::new(Arc::clone(&key), directory, runtime.clone());
    Setup {
        key,
        clock,
        runtime,
        authenticator,
    }
}

fn request(tenant: &str, roles: &[Role]) -> TokenRequest {
    TokenRequest {
        tenant: TenantId::new(tenant).unwrap(),
        subject: "ada".into(),
        roles: roles.to_vec(),
        ttl: Duration::from_secs(3600),
    }
}

async fn refused(setup: &Setup, header: &str) -> CredentialError {
    setup.authenticator.authenticate(Some(header)).await.unwrap_err()
}

#[tokio::test]
async fn a_signed_token_opens_its_tenant_until_it_expires() {
    let setup = setup();
    let token = setup.key.sign(&request("acme", &[Role::Owner]), &setup.runtime);
    let header = format!("Bearer {token}");
    let caller = setup.authenticator.authenticate(Some(&header)).await.unwrap();
    assert_eq!(caller.scope.tenant().as_str(), "acme");
    assert_eq!(caller.scope.region(), Region::Eu);
    assert_eq!(caller.scope.actor().as_str(), "user:ada");
    assert!(caller.operator.is_none());
    setup.clock.set(Timestamp::parse("2026-01-01T01:00:00Z").unwrap());
    assert_eq!(refused(&setup, &header).await, CredentialError::Expired);
}

#[tokio::test]
async fn everything_else_is_refused() {
    let setup = setup();
    let token = setup.key.sign(&request("acme", &[Role::Owner]), &setup.runtime);
    let parts: Vec<_> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let hs256 = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let widened = URL_SAFE_NO_PAD.encode(
        String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap())
            .unwrap()
            .replace("acme", "evil")
            .into_bytes(),
    );
    let other_key = DevelopmentKey::new([2; 32]).sign(&request("acme", &[Role::Owner]), &setup.runtime);
    let unknown_tenant = setup.key.sign(&request("nobody", &[Role::Owner]), &setup.runtime);
    for bad in [
        String::new(),
        "Bearer".into(),
        "Bearer ".into(),
        format!("Basic {token}"),
        format!("Bearer {}", &token[..token.len() - 4]),
        format!("Bearer {}.{}.", parts[0], parts[1]),
        format!("Bearer {none}.{}.", parts[1]),
        format!("Bearer {none}.{}.{}", parts[1], parts[2]),
        format!("Bearer {hs256}.{}.{}", parts[1], parts[2]),
        format!("Bearer {}.{widened}.{}", parts[0], parts[2]),
        format!("Bearer {other_key}"),
        format!("Bearer {unknown_tenant}"),
    ] {
        assert_eq!(refused(&setup, &bad).await, CredentialError::Invalid, "{bad}");
    }
    assert_eq!(
        setup.authenticator.authenticate(None).await.unwrap_err(),
        CredentialError::Missing
    );
}

#[tokio::test]
async fn only_the_operator_role_operates() {
    let setup = setup();
    let token = setup
        .key
        .sign(&request("acme", &[Role::Owner, Role::Operator]), &setup.runtime);
    let caller = setup
        .authenticator
        .authenticate(Some(&format!("bearer {token}")))
        .await
        .unwrap();
    assert!(caller.operator.is_some());
}
