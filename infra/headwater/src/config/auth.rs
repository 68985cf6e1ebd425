//! `[auth]`: whose tokens open the door. The development key is not among them unless it is asked for.

use super::{Auth, place::Place, reader::Reader};
use headwater_tenancy::PublicKeys;
use std::{fs, path::Path, sync::Arc};

/// What development tokens name as their issuer.
const DEVELOPMENT: &str = "headwater-dev";

pub(super) fn auth(reader: &mut Reader, data: Option<&Path>) -> Option<Auth> {
    let expected = "a list of files ending in .pem, or of base64 Ed25519 public keys";
    let keys = reader.list("auth.public_keys", expected, |text| Ok(text.to_owned()));
    let (issuer, audience) = (reader.text("auth.issuer"), reader.text("auth.audience"));
    let development = reader.flag("auth.allow_development_key").unwrap_or(false);
    let keys = keys.unwrap_or_default();
    if development {
        if !keys.is_empty() {
            let what = "auth.allow_development_key and auth.public_keys exclude one another; production has the latter";
            reader.refuse("auth.allow_development_key", what);
        }
        if data.is_none() {
            reader.refuse("data", "data is missing: the development key lives in the data folder");
        }
        return Some(Auth::DevelopmentKey);
    }
    if keys.is_empty() {
        reader.refuse(
            "auth.public_keys",
            "auth.public_keys is missing: the public keys of who issues tokens. (serve does not accept `headwater token` unless auth.allow_development_key = true)",
        );
        return None;
    }
    for (key, value, meaning) in [
        ("auth.issuer", &issuer, "what its tokens have as iss"),
        (
            "auth.audience",
            &audience,
            "what tokens for this installation have as aud",
        ),
    ] {
        if value.as_deref().unwrap_or_default().is_empty() {
            reader.refuse(key, format!("{key} is missing: {meaning}"));
        }
    }
    if issuer.as_deref() == Some(DEVELOPMENT) {
        reader.refuse(
            "auth.issuer",
            format!("auth.issuer cannot be {DEVELOPMENT}, which is what development tokens say"),
        );
    }
    let in_file = matches!(reader.place("auth.public_keys"), Place::File { .. });
    let mut texts = Vec::new();
    for key in &keys {
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
    match PublicKeys::new(texts.iter().map(String::as_str), issuer?, audience?) {
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
