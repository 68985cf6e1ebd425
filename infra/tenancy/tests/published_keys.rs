//! Tokens under the keys that an issuer publishes, and what becomes of them when keys change or the issuer fails.
#![allow(clippy::unwrap_used, reason = "a test")]

use axum::{Router, body::Body, response::Response, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use headwater_kernel::{Region, TenantId, Timestamp};
use headwater_runtime::{Environment, ManualClock, Runtime, Task};
use headwater_tenancy::{
    Authenticator, CredentialError, Issuer, KeySetPlace, PublishedKeys, PublishedKeysError, Role, TenantDirectory,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use p256::pkcs8::EncodePrivateKey;
use rsa::{pkcs1::EncodeRsaPrivateKey, rand_core::OsRng, traits::PublicKeyParts};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

const ISSUER: &str = "https://id.example.com";

/// A private key, and what the issuer publishes of it.
struct Key {
    algorithm: Algorithm,
    signing: EncodingKey,
    jwk: Value,
}

static RSA: LazyLock<(EncodingKey, Value)> = LazyLock::new(|| {
    let key = rsa::RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let encoded = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let jwk = json!({ "kty": "RSA", "n": encoded(key.n()), "e": encoded(key.e()) });
    (EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes()), jwk)
});

impl Key {
    fn rsa(id: &str) -> Self {
        let (signing, jwk) = RSA.clone();
        Self::of(id, Algorithm::RS256, signing, jwk)
    }

    fn p256(id: &str, seed: u8) -> Self {
        let key = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
        let point = p256::ecdsa::VerifyingKey::from(p256::ecdsa::SigningKey::from(&key)).to_encoded_point(false);
        let (x, y) = (
            URL_SAFE_NO_PAD.encode(point.x().unwrap()),
            URL_SAFE_NO_PAD.encode(point.y().unwrap()),
        );
        let signing = EncodingKey::from_ec_der(key.to_pkcs8_der().unwrap().as_bytes());
        Self::of(
            id,
            Algorithm::ES256,
            signing,
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
        )
    }

    fn ed25519(id: &str, seed: u8) -> Self {
        // PKCS#8 of an Ed25519 key (RFC 8410).
        let mut der = vec![
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
        ];
        der.extend([seed; 32]);
        let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public.as_bytes()) });
        Self::of(id, Algorithm::EdDSA, EncodingKey::from_ed_der(&der), jwk)
    }

    fn of(id: &str, algorithm: Algorithm, signing: EncodingKey, mut jwk: Value) -> Self {
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        Self {
            algorithm,
            signing,
            jwk,
        }
    }

    fn id(&self) -> String {
        self.jwk["kid"].as_str().unwrap().to_owned()
    }

    /// A token of this key, naming it.
    fn token(&self, claims: &Value) -> String {
        signed(self.algorithm, Some(self.id()), claims, &self.signing)
    }
}

fn signed(algorithm: Algorithm, id: Option<String>, claims: &Value, key: &EncodingKey) -> String {
    let header = Header {
        kid: id,
        ..Header::new(algorithm)
    };
    format!("Bearer {}", encode(&header, claims, key).unwrap())
}

fn set(keys: &[&Key]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
    json!({ "keys": keys }).to_string()
}

/// Time that passes when a test says so.
#[derive(Clone)]
struct Clock {
    passed: Arc<AtomicU64>,
    rest: ManualClock,
}

impl Clock {
    fn advance(&self, by: Duration) {
        self.passed
            .fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Environment for Clock {
    fn now(&self) -> Timestamp {
        self.rest.now()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.passed.load(Ordering::SeqCst))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.rest.fill(bytes);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.rest.sleep(duration)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.rest.spawn(task)
    }
}

/// A server of a key set that counts who asks.
struct Published {
    answer: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
    clock: Clock,
    keys: Arc<PublishedKeys>,
    authenticator: Authenticator,
}

impl Published {
    async fn start(issuer: Issuer) -> Self {
        let answer = Arc::new(Mutex::new((503, String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (says, counts) = (answer.clone(), asked.clone());
        let app = Router::new().route(
            "/keys.json",
            get(async move || {
                counts.fetch_add(1, Ordering::SeqCst);
                let (status, text) = says.lock().unwrap().clone();
                let answer = Response::builder().status(status).header("location", "/elsewhere.json");
                answer.body(Body::from(text)).unwrap()
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
        drop(Runtime::tokio().spawn(async move { axum::serve(listener, app).await.unwrap() }));
        let clock = Clock {
            passed: Arc::default(),
            rest: ManualClock::at(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()),
        };
        let runtime = Runtime::new(clock.clone());
        let keys = PublishedKeys::new(KeySetPlace::url(&url).unwrap(), issuer, runtime.clone()).unwrap();
        let keys = Arc::new(keys);
        let directory = TenantDirectory::fixed([(TenantId::new("acme").unwrap(), Region::Eu)], runtime.clone());
        let authenticator = Authenticator::new(keys.clone(), directory, runtime);
        Self {
            answer,
            asked,
            clock,
            keys,
            authenticator,
        }
    }

    fn publish(&self, status: u16, text: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, text.into());
    }

    async fn is_let_in(&self, token: &str) -> Result<Vec<Role>, CredentialError> {
        let caller = self.authenticator.authenticate(Some(token)).await?;
        assert_eq!(caller.scope.tenant().as_str(), "acme");
        Ok(caller.scope.roles().to_vec())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn claims() -> Value {
    let exp = Timestamp::parse("2026-01-01T12:00:00Z").unwrap().nanos() / 1_000_000_000;
    json!({ "iss": ISSUER, "aud": "headwater", "sub": "ada", "exp": exp, "tenant": "acme", "roles": ["member"] })
}

#[tokio::test]
async fn each_kind_of_key_verifies_by_its_own_algorithm_alone() {
    let (rsa, p256, ed25519) = (Key::rsa("r"), Key::p256("p", 7), Key::ed25519("e", 7));
    let published = Published::start(Issuer::new(ISSUER, "headwater")).await;
    published.publish(200, set(&[&rsa, &p256, &ed25519]));
    assert_eq!(published.keys.look().await.unwrap(), ["r", "p", "e"]);
    for key in [&rsa, &p256, &ed25519] {
        assert_eq!(published.is_let_in(&key.token(&claims())).await, Ok(vec![Role::Member]));
        let unnamed = signed(key.algorithm, None, &claims(), &key.signing);
        assert!(
            published.is_let_in(&unnamed).await.is_ok(),
            "a token need not name its key"
        );
    }
    let modulus = URL_SAFE_NO_PAD.decode(rsa.jwk["n"].as_str().unwrap()).unwrap();
    let secret = EncodingKey::from_secret(&modulus);
    let text = EncodingKey::from_secret(rsa.jwk.to_string().as_bytes());
    let named = |key: &Key| Some(key.id());
    let stranger = Key::p256("p", 8);
    let bad = [
        (
            "a public key as a secret",
            signed(Algorithm::HS256, named(&rsa), &claims(), &secret),
        ),
        (
            "its text as a secret",
            signed(Algorithm::HS256, named(&rsa), &claims(), &text),
        ),
        (
            "a public key as a secret, unnamed",
            signed(Algorithm::HS512, None, &claims(), &secret),
        ),
        (
            "another of its algorithms",
            signed(Algorithm::RS512, named(&rsa), &claims(), &rsa.signing),
        ),
        (
            "padding of another kind",
            signed(Algorithm::PS256, named(&rsa), &claims(), &rsa.signing),
        ),
        (
            "one key under the name of another",
            signed(Algorithm::ES256, named(&rsa), &claims(), &p256.signing),
        ),
        ("a stranger's key under a known name", stranger.token(&claims())),
        ("a key that nobody published", Key::ed25519("x", 9).token(&claims())),
    ];
    for (what, token) in bad {
        assert_eq!(
            published.is_let_in(&token).await,
            Err(CredentialError::Invalid),
            "{what}"
        );
    }
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"r"}"#);
    let unsigned = format!("Bearer {none}.{}.", URL_SAFE_NO_PAD.encode(claims().to_string()));
    assert_eq!(published.is_let_in(&unsigned).await, Err(CredentialError::Invalid));
    for (name, value) in [
        ("iss", "https://evil.example.com"),
        ("aud", "other"),
        ("tenant", "globex"),
    ] {
        let mut claims = claims();
        claims[name] = json!(value);
        assert_eq!(
            published.is_let_in(&rsa.token(&claims)).await,
            Err(CredentialError::Invalid),
            "{name}"
        );
    }
}

#[tokio::test]
async fn keys_change_without_a_gap_and_a_flood_of_unknown_ones_costs_nothing() {
    let (old, new) = (Key::ed25519("old", 1), Key::p256("new", 2));
    let published = Published::start(Issuer::new(ISSUER, "headwater")).await;
    published.publish(200, set(&[&old]));
    published.keys.look().await.unwrap();
    let (by_old, by_new) = (old.token(&claims()), new.token(&claims()));
    for _ in 0..100 {
        published.is_let_in(&by_old).await.unwrap();
    }
    assert_eq!(published.asked(), 1, "no request of its own for a token");
    // The issuer adds a key; its first tokens come at once, from many.
    published.publish(200, set(&[&old, &new]));
    published.clock.advance(Duration::from_secs(10));
    let all = futures::future::join_all((0..50).map(|_| published.is_let_in(&by_new))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(published.asked(), 2, "one asks for all");
    published.is_let_in(&by_old).await.unwrap();
    // It takes the old one out: within five minutes also a token that was verified before opens nothing.
    published.publish(200, set(&[&new]));
    published.keys.look().await.unwrap();
    assert_eq!(published.is_let_in(&by_old).await, Err(CredentialError::Invalid));
    published.is_let_in(&by_new).await.unwrap();
    // Who names keys that there are not makes at most one request in ten seconds.
    let before = published.asked();
    for second in 0..30 {
        for n in 0..40 {
            let unknown = Key::ed25519(&format!("{second}-{n}"), 3).token(&claims());
            assert_eq!(published.is_let_in(&unknown).await, Err(CredentialError::Invalid));
        }
        published.clock.advance(Duration::from_secs(1));
    }
    assert!(
        published.asked() - before <= 3,
        "{} requests in 30 seconds",
        published.asked() - before
    );
}

#[tokio::test]
async fn keys_at_hand_stay_good_while_the_issuer_fails() {
    let key = Key::ed25519("k", 1);
    let published = Published::start(Issuer::new(ISSUER, "headwater")).await;
    let token = key.token(&claims());
    assert_eq!(
        published.is_let_in(&token).await,
        Err(CredentialError::KeysUnavailable),
        "nothing was fetched yet"
    );
    assert!(matches!(
        published.keys.look().await,
        Err(PublishedKeysError::Status(_, 503))
    ));
    published.publish(200, set(&[&key]));
    published.keys.look().await.unwrap();
    published.is_let_in(&token).await.unwrap();
    let large = format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(300_000));
    for (status, text) in [
        (500, set(&[&key])),
        (302, String::new()),
        (200, "<html>".into()),
        (200, set(&[])),
        (200, large),
    ] {
        published.publish(status, text);
        let error = published.keys.look().await.unwrap_err();
        assert!(error.to_string().contains("/keys.json"), "{error}");
        published.is_let_in(&token).await.unwrap();
    }
}

#[tokio::test]
async fn claims_can_have_other_names() {
    let key = Key::ed25519("k", 1);
    let issuer = Issuer {
        tenant_claim: "custom:tenant".into(),
        roles_claim: "/realm_access/roles".into(),
        ..Issuer::new(ISSUER, "headwater")
    };
    let published = Published::start(issuer).await;
    published.publish(200, set(&[&key]));
    published.keys.look().await.unwrap();
    let mut claims = claims();
    assert_eq!(
        published.is_let_in(&key.token(&claims)).await,
        Err(CredentialError::Invalid),
        "tenant is not asked for"
    );
    claims["custom:tenant"] = json!("acme");
    assert_eq!(
        published.is_let_in(&key.token(&claims)).await,
        Ok(vec![]),
        "nor are roles"
    );
    claims["realm_access"] = json!({ "roles": ["admin", "offline_access"] });
    assert_eq!(published.is_let_in(&key.token(&claims)).await, Ok(vec![Role::Admin]));
    claims["realm_access"] = json!({ "roles": "auditor openid" });
    assert_eq!(published.is_let_in(&key.token(&claims)).await, Ok(vec![Role::Auditor]));
}

#[test]
fn keys_come_by_no_way_that_others_can_change() {
    for good in [
        "https://id.example.com/.well-known/jwks.json",
        "http://127.0.0.1:8080/keys",
        "http://localhost/keys",
    ] {
        assert!(KeySetPlace::url(good).is_ok(), "{good}");
    }
    for bad in [
        "http://id.example.com/keys",
        "ftp://127.0.0.1/keys",
        "keys.json",
        "http://localhost.example.com/",
    ] {
        assert!(KeySetPlace::url(bad).is_err(), "{bad}");
    }
}
