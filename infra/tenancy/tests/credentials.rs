//! Which credentials open a tenant, and which do not.
#![allow(clippy::unwrap_used, reason = "a test")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_runtime::{ManualClock, Runtime};
use headwater_tenancy::{
    Authenticator, CredentialError, DevelopmentKey, Issuer, PublicKeyError, PublicKeys, Role, SealingKey,
    TenantDirectory, TokenRequest,
};
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
async fn a_development_token_counts_from_its_time_and_names_somebody() {
    let setup = setup();
    let whole = request("acme", &[Role::Owner]);
    let header = format!("Bearer {}", setup.key.sign(&whole, &setup.runtime));
    setup.clock.set(Timestamp::parse("2025-12-31T23:58:59Z").unwrap());
    assert_eq!(refused(&setup, &header).await, CredentialError::Invalid);
    setup.clock.set(Timestamp::parse("2025-12-31T23:59:00Z").unwrap());
    assert!(setup.authenticator.authenticate(Some(&header)).await.is_ok());
    for subject in ["".to_owned(), "\t".to_owned(), "a\u{7f}".to_owned(), "x".repeat(256)] {
        let token = setup.key.sign(
            &TokenRequest {
                subject,
                ..whole.clone()
            },
            &setup.runtime,
        );
        assert_eq!(
            refused(&setup, &format!("Bearer {token}")).await,
            CredentialError::Invalid
        );
    }
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

mod public_keys {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::{Value, json};

    const ISSUER: &str = "https://id.example.com";

    fn public(key: &SigningKey) -> String {
        base64::engine::general_purpose::STANDARD.encode(key.verifying_key().as_bytes())
    }

    fn pem(key: &SigningKey) -> String {
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend(key.verifying_key().as_bytes());
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    fn token(key: &SigningKey, header: &str, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
        format!("Bearer {signed}.{signature}")
    }

    const EDDSA: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;

    fn claims(runtime: &Runtime) -> Value {
        let now = runtime.now().nanos() / 1_000_000_000;
        json!({ "iss": ISSUER, "aud": ["other", "headwater-eu"], "sub": "ada", "exp": now + 60, "tenant": "acme", "roles": ["owner", "pilot"] })
    }

    fn with(base: &Value, name: &str, value: Value) -> Value {
        let mut changed = base.clone();
        changed[name] = value;
        changed
    }

    #[tokio::test]
    async fn tokens_of_the_issuer_are_accepted_and_no_others() {
        let clock = ManualClock::at(Timestamp::parse("2026-01-01T00:00:00Z").unwrap());
        let runtime = Runtime::new(clock.clone());
        let (first, second, other) = (
            SigningKey::from_bytes(&[1; 32]),
            SigningKey::from_bytes(&[2; 32]),
            SigningKey::from_bytes(&[3; 32]),
        );
        let texts = [public(&first), pem(&second)];
        let keys = PublicKeys::new(texts.iter().map(String::as_str), Issuer::new(ISSUER, "headwater-eu")).unwrap();
        let directory = TenantDirectory::fixed([(TenantId::new("acme").unwrap(), Region::Eu)], runtime.clone());
        let authenticator = Authenticator::new(Arc::new(keys), directory, runtime.clone());
        let good = claims(&runtime);
        for key in [&first, &second] {
            let caller = authenticator
                .authenticate(Some(&token(key, EDDSA, &good)))
                .await
                .unwrap();
            assert_eq!(caller.scope.tenant().as_str(), "acme");
            assert_eq!(caller.scope.roles(), [Role::Owner], "an unknown role grants nothing");
            assert!(caller.operator.is_none());
        }
        let now = runtime.now().nanos() / 1_000_000_000;
        let mut bad = vec![
            ("another's key", token(&other, EDDSA, &good)),
            ("no algorithm", token(&first, r#"{"alg":"none"}"#, &good)),
            ("another algorithm", token(&first, r#"{"alg":"HS256"}"#, &good)),
            (
                "an extension that must be understood",
                token(&first, r#"{"alg":"EdDSA","crit":["b64"],"b64":true}"#, &good),
            ),
        ];
        for (name, value) in [
            ("iss", json!("headwater-dev")),
            ("aud", json!("other")),
            ("tenant", json!("globex")),
            ("tenant", json!(null)),
            ("sub", json!(null)),
            ("exp", json!(null)),
            ("nbf", json!(now + 61)),
            ("iat", json!(now + 61)),
            ("iat", json!("yesterday")),
            ("sub", json!("")),
            ("sub", json!(" ")),
            ("sub", json!("a\nb")),
            ("sub", json!("x".repeat(256))),
        ] {
            bad.push((name, token(&first, EDDSA, &with(&good, name, value))));
        }
        for (what, header) in bad {
            let refused = authenticator.authenticate(Some(&header)).await.unwrap_err();
            assert_eq!(refused, CredentialError::Invalid, "{what}");
        }
        for (name, value) in [
            ("nbf", json!(now + 60)),
            ("iat", json!(now + 60)),
            ("iat", json!(now as f64 + 0.5)),
            ("sub", json!("x".repeat(255))),
        ] {
            let header = token(&first, EDDSA, &with(&good, name, value));
            assert!(authenticator.authenticate(Some(&header)).await.is_ok(), "{name}");
        }
        let header = token(&first, EDDSA, &good);
        clock.set(Timestamp::parse("2026-01-01T00:01:00Z").unwrap());
        assert_eq!(
            authenticator.authenticate(Some(&header)).await.unwrap_err(),
            CredentialError::Expired
        );
        // The development key of a folder opens nothing here.
        let development = DevelopmentKey::new([1; 32]).sign(&request("acme", &[Role::Owner]), &runtime);
        let refused = authenticator
            .authenticate(Some(&format!("Bearer {development}")))
            .await
            .unwrap_err();
        assert_eq!(refused, CredentialError::Invalid);
    }

    #[test]
    fn what_is_no_public_key_is_refused_by_its_place() {
        let good = public(&SigningKey::from_bytes(&[1; 32]));
        let refused = |text: &str| PublicKeys::new([good.as_str(), text], Issuer::new(ISSUER, "a")).unwrap_err();
        assert_eq!(refused("nonsense!"), (1, PublicKeyError::NotEd25519));
        assert_eq!(refused("QUJD"), (1, PublicKeyError::NotEd25519));
        assert_eq!(
            refused("-----BEGIN CERTIFICATE-----\nQUJD\n"),
            (1, PublicKeyError::NotEd25519)
        );
        assert_eq!(
            refused("-----BEGIN PRIVATE KEY-----\nQUJD\n"),
            (1, PublicKeyError::Private)
        );
        let identity = base64::engine::general_purpose::STANDARD.encode([[1u8].as_slice(), &[0; 31]].concat());
        assert_eq!(refused(&identity), (1, PublicKeyError::Weak));
    }
}

#[tokio::test]
async fn an_installation_has_one_sealing_key() {
    let dir = tempfile::tempdir().unwrap();
    let databases = headwater_dynamodb::Databases::embedded(dir.path(), Runtime::tokio()).unwrap();
    databases
        .ensure_table(&headwater_tenancy::tenants_table())
        .await
        .unwrap();
    let (ours, other) = (SealingKey::new([1; 32]), SealingKey::new([2; 32]));
    assert_eq!(ours.is_of_installation(&databases.durable).await.unwrap(), None);
    assert!(ours.join_installation(&databases.durable).await.unwrap());
    assert!(
        ours.join_installation(&databases.durable).await.unwrap(),
        "a second process with the same key"
    );
    assert!(!other.join_installation(&databases.durable).await.unwrap());
    assert_eq!(other.is_of_installation(&databases.durable).await.unwrap(), Some(false));
    assert_eq!(ours.is_of_installation(&databases.durable).await.unwrap(), Some(true));
}
