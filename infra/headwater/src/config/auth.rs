//! `[auth]`: whose tokens open the door. The development key is not among them unless it is asked for.

use super::{Auth, place::Place, reader::Reader};
use headwater_tenancy::{Issuer, KeySetPlace, PublicKeys};
use std::{fs, path::Path, sync::Arc};

/// What development tokens name as their issuer.
const DEVELOPMENT: &str = "headwater-dev";

pub(super) fn auth(reader: &mut Reader, data: Option<&Path>) -> Option<Auth> {
    let expected = "a list of files ending in .pem, or of base64 Ed25519 public keys";
    let keys = reader.list("auth.public_keys", expected, |text| Ok(text.to_owned()));
    let keys = keys.unwrap_or_default();
    let key_set = reader.text("auth.jwks");
    let issuer = Issuer {
        name: reader.text("auth.issuer").unwrap_or_default(),
        audience: reader.text("auth.audience").unwrap_or_default(),
        tenant_claim: reader.text("auth.tenant_claim").unwrap_or_else(|| "tenant".into()),
        roles_claim: reader.text("auth.roles_claim").unwrap_or_else(|| "roles".into()),
    };
    if reader.flag("auth.allow_development_key").unwrap_or(false) {
        for (key, given) in [("auth.public_keys", !keys.is_empty()), ("auth.jwks", key_set.is_some())] {
            if given {
                let what =
                    format!("auth.allow_development_key and {key} exclude one another; production has the latter");
                reader.refuse("auth.allow_development_key", what);
            }
        }
        if data.is_none() {
            reader.refuse("data", "data is missing: the development key lives in the data folder");
        }
        return Some(Auth::DevelopmentKey);
    }
    if keys.is_empty() && key_set.is_none() {
        reader.refuse(
            "auth.jwks",
            "auth.jwks is missing: the URL or file of the key set of who issues tokens; or auth.public_keys. (serve does not accept `headwater token` unless auth.allow_development_key = true)",
        );
        return None;
    }
    check(reader, &issuer);
    match key_set {
        Some(_) if !keys.is_empty() => {
            reader.refuse(
                "auth.jwks",
                "auth.jwks and auth.public_keys exclude one another; take the key set if the issuer publishes one",
            );
            None
        }
        Some(place) => {
            let place = key_set_place(reader, &place)?;
            Some(Auth::KeySet { place, issuer })
        }
        None => public_keys(reader, &keys, issuer),
    }
}

fn check(reader: &mut Reader, issuer: &Issuer) {
    for (key, value, meaning) in [
        ("auth.issuer", &issuer.name, "what its tokens have as iss"),
        (
            "auth.audience",
            &issuer.audience,
            "what tokens for this installation have as aud",
        ),
        (
            "auth.tenant_claim",
            &issuer.tenant_claim,
            "the claim that names the tenant",
        ),
        (
            "auth.roles_claim",
            &issuer.roles_claim,
            "the claim that lists the roles",
        ),
    ] {
        if value.is_empty() {
            reader.refuse(key, format!("{key} is missing: {meaning}"));
        }
    }
    if issuer.name == DEVELOPMENT {
        reader.refuse(
            "auth.issuer",
            format!("auth.issuer cannot be {DEVELOPMENT}, which is what development tokens say"),
        );
    }
}

fn key_set_place(reader: &mut Reader, text: &str) -> Option<KeySetPlace> {
    if !text.contains("://") {
        let in_file = matches!(reader.place("auth.jwks"), Place::File { .. });
        let path = if in_file { reader.in_folder(text) } else { text.into() };
        return Some(KeySetPlace::File(path));
    }
    match KeySetPlace::url(text) {
        Ok(place) => Some(place),
        Err(error) => {
            reader.refuse("auth.jwks", format!("auth.jwks {error}"));
            None
        }
    }
}

fn public_keys(reader: &mut Reader, keys: &[String], issuer: Issuer) -> Option<Auth> {
    let in_file = matches!(reader.place("auth.public_keys"), Place::File { .. });
    let mut texts = Vec::new();
    for key in keys {
        if !key.ends_with(".pem") {
            texts.push(key.clone());
            continue;
        }
        let path = if in_file { reader.in_folder(key) } else { key.into() };
        match fs::read_to_string(&path) {
            Ok(text) => texts.push(text),
            Err(error) => {
                reader.refuse(
                    "auth.public_keys",
                    format!("{} cannot be read: {error}", path.display()),
                );
                return None;
            }
        }
    }
    match PublicKeys::new(texts.iter().map(String::as_str), issuer) {
        Ok(keys) => Some(Auth::PublicKeys(Arc::new(keys))),
        Err((n, error)) => {
            let named = if keys[n].ends_with(".pem") {
                &keys[n]
            } else {
                "the text"
            };
            reader.refuse(
                "auth.public_keys",
                format!("{named} (number {} of auth.public_keys) {error}", n + 1),
            );
            None
        }
    }
}
