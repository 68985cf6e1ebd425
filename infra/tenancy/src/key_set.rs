//! Reads a JSON Web Key Set (RFC 7517): the public keys that an issuer publishes, of those kinds that are accepted.

use crate::{issuer::IssuerKey, public_keys::ed25519};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Most keys of a set. Who has more has a mistake, and a token without a key id is tried with each.
const MOST_KEYS: usize = 100;
/// Bytes of an RSA modulus: 2,048 to 8,192 bits. Shorter is broken; longer costs more to verify than a request may.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a text is no key set that tokens can be verified with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// No JSON of this shape.
    #[error("is no JSON Web Key Set: {0}")]
    Malformed(String),
    /// Too many keys.
    #[error("has {0} keys; at most {MOST_KEYS} are read")]
    TooMany(usize),
    /// No key of an accepted kind.
    #[error("has no key that is accepted: {}", .0.join("; "))]
    NoneUsable(Vec<String>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The members of one key that are looked at.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that verify signatures by RS256, ES256 or EdDSA with Ed25519. Others are passed over, as a set may have them for others.
pub(crate) fn read(json: &[u8]) -> Result<Vec<IssuerKey>, KeySetError> {
    let set: Set = serde_json::from_slice(json).map_err(|error| KeySetError::Malformed(error.to_string()))?;
    if set.keys.len() > MOST_KEYS {
        return Err(KeySetError::TooMany(set.keys.len()));
    }
    let (mut keys, mut passed) = (Vec::new(), Vec::new());
    for (n, key) in set.keys.into_iter().enumerate() {
        match serde_json::from_value::<Jwk>(key) {
            Ok(jwk) => match key_of(&jwk) {
                Ok((algorithm, key)) => keys.push(IssuerKey {
                    id: jwk.kid,
                    algorithm,
                    key,
                }),
                Err(why) => passed.push(format!("key {} {why}", jwk.kid.unwrap_or_else(|| (n + 1).to_string()))),
            },
            Err(error) => passed.push(format!("key {} cannot be read: {error}", n + 1)),
        }
    }
    if keys.is_empty() {
        return Err(KeySetError::NoneUsable(passed));
    }
    Ok(keys)
}

/// A key and the one algorithm that it is for.
fn key_of(jwk: &Jwk) -> Result<(Algorithm, DecodingKey), &'static str> {
    if jwk.used_for.as_deref().is_some_and(|used| used != "sig") {
        return Err("is not for signatures");
    }
    let ops = jwk.key_ops.as_ref();
    if ops.is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
        return Err("is not for verifying");
    }
    let (name, algorithm, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => ("RS256", Algorithm::RS256, rsa(jwk)?),
        ("EC", Some("P-256")) => ("ES256", Algorithm::ES256, p256(jwk)?),
        ("OKP", Some("Ed25519")) => {
            let bytes: [u8; 32] = sized(jwk.x.as_deref())?;
            let key = ed25519(bytes).map_err(|_| "is no Ed25519 key that can be used")?;
            ("EdDSA", Algorithm::EdDSA, key)
        }
        _ => return Err("is of another kind than RSA, P-256 and Ed25519"),
    };
    match jwk.alg.as_deref() {
        None => Ok((algorithm, key)),
        Some(alg) if alg == name => Ok((algorithm, key)),
        // RFC 9864's name of the same.
        Some("Ed25519") if algorithm == Algorithm::EdDSA => Ok((algorithm, key)),
        Some(_) => Err("is for another algorithm than RS256, ES256 and EdDSA"),
    }
}

fn rsa(jwk: &Jwk) -> Result<DecodingKey, &'static str> {
    let modulus = decoded(jwk.n.as_deref())?;
    let exponent = decoded(jwk.e.as_deref())?;
    let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
    if !MODULUS.contains(&significant) {
        return Err("has another size than 2,048 to 8,192 bits");
    }
    let small = exponent.len() <= 4 && exponent.iter().fold(0u32, |e, byte| (e << 8) | u32::from(*byte)) >= 3;
    if !small || exponent.last().is_none_or(|last| last % 2 == 0) {
        return Err("has an exponent that is none");
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn p256(jwk: &Jwk) -> Result<DecodingKey, &'static str> {
    // Whether the point is on the curve is found out when something is verified, which fails then.
    let (x, y) = (sized::<32>(jwk.x.as_deref())?, sized::<32>(jwk.y.as_deref())?);
    let encoded = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    DecodingKey::from_ec_components(&encoded(x), &encoded(y)).map_err(|_| "is no point of its curve")
}

fn decoded(text: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let text = text.ok_or("lacks a member of its kind")?;
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| "has a member that is not base64url")
}

fn sized<const N: usize>(text: Option<&str>) -> Result<[u8; N], &'static str> {
    decoded(text)?.try_into().map_err(|_| "has a member of another length")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;
    use serde_json::json;

    fn set(key: &Value) -> Result<Vec<IssuerKey>, KeySetError> {
        read(json!({ "keys": [key] }).to_string().as_bytes())
    }

    fn base64(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn keys_that_prove_nothing_are_passed_over() {
        let modulus = |bytes: usize| base64(&vec![0xc5; bytes]);
        let rsa = |n: String, e: &[u8]| json!({ "kty": "RSA", "n": n, "e": base64(e) });
        assert_eq!(
            set(&rsa(modulus(256), &[1, 0, 1])).unwrap()[0].algorithm,
            Algorithm::RS256
        );
        for (what, key) in [
            ("a short modulus", rsa(modulus(255), &[1, 0, 1])),
            (
                "zeros before a short modulus",
                rsa(base64(&[vec![0; 8], vec![0xc5; 250]].concat()), &[1, 0, 1]),
            ),
            ("a modulus that takes seconds", rsa(modulus(1025), &[1, 0, 1])),
            ("exponent 1: every text is its own signature", rsa(modulus(256), &[1])),
            ("an even exponent", rsa(modulus(256), &[1, 0, 0])),
            ("a huge exponent", rsa(modulus(256), &[1; 5])),
            ("no exponent", json!({ "kty": "RSA", "n": modulus(256) })),
            ("a shared secret", json!({ "kty": "oct", "k": base64(&[1; 32]) })),
            (
                "the weak Ed25519 key",
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(&[0; 32]) }),
            ),
            (
                "half a point",
                json!({ "kty": "EC", "crv": "P-256", "x": base64(&[1; 32]), "y": base64(&[1; 31]) }),
            ),
            (
                "another curve",
                json!({ "kty": "EC", "crv": "secp256k1", "x": base64(&[1; 32]), "y": base64(&[1; 32]) }),
            ),
            ("text", json!("key")),
        ] {
            let refused = set(&key).map(|keys| keys.len());
            assert!(
                matches!(refused, Err(KeySetError::NoneUsable(_))),
                "{what}: {refused:?}"
            );
        }
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("alg", json!("HS256")),
            ("alg", json!("RS512")),
            ("alg", json!("none")),
        ] {
            let mut key = rsa(modulus(256), &[1, 0, 1]);
            key[name] = value;
            assert!(matches!(set(&key), Err(KeySetError::NoneUsable(_))), "{name}");
        }
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert!(
                matches!(read(text.as_bytes()), Err(KeySetError::Malformed(_))),
                "{text}"
            );
        }
        let many = json!({ "keys": vec![json!({}); 101] }).to_string();
        assert_eq!(read(many.as_bytes()).err(), Some(KeySetError::TooMany(101)));
    }
}
