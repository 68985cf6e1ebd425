//! What callers name: ids, and names of which there are only so many. The same wrong name is the same problem wherever it is given.

use crate::{Problem, nearest};
use ::http::{HeaderMap, HeaderName, StatusCode};
use headwater_kernel::Id;

/// Most characters of a caller's name that are repeated to it.
const SHOWN: usize = 64;

/// The id that a path or message names.
///
/// # Errors
/// 422 `invalid-id`.
pub fn id_of(text: &str) -> Result<Id, Problem> {
    Id::chosen(text).map_err(|error| invalid_id(error.to_string()))
}

/// 422 `invalid-id`: no key can be made of what the caller named.
pub fn invalid_id(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-id", detail)
}

/// 404 with the code: a name that is not among the known ones, with the one that was probably meant or all there are.
pub fn unknown<'a>(
    code: &'static str,
    what: &str,
    wanted: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let detail = format!("there is no {what} {:?}; {}", shown(wanted), hint(wanted, known));
    Problem::new(StatusCode::NOT_FOUND, code, detail)
}

/// 400 `invalid-parameter`: a parameter has a value that it cannot have.
pub fn invalid_parameter(name: &str, why: impl Into<String>) -> Problem {
    let (name, why) = (shown(name), why.into());
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", format!("{name}: {why}"));
    problem.at(format!("/{name}"), why)
}

/// 400 `unknown-parameter`: there is none of this name, with the one that was probably meant.
pub fn unknown_parameter<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Problem {
    let shown = shown(name);
    let detail = format!("there is no parameter {shown:?} here; {}", hint(name, known));
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail.clone()).at(format!("/{shown}"), detail)
}

/// What to do about a name that is not among the known ones.
pub fn hint<'a>(wanted: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wanted, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => match known.collect::<Vec<_>>() {
            none if none.is_empty() => "there are none".to_owned(),
            all => format!("there are {}", all.join(", ")),
        },
    }
}

/// A caller's name, to be repeated to it.
pub fn shown(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}

/// A header that comes at most once, as text without spaces around it.
///
/// # Errors
/// 400 `invalid-header` when it comes twice or is not UTF-8.
pub fn single_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes())
        .ok()
        .filter(|_| values.next().is_none());
    text.map(|text| Some(text.trim())).ok_or_else(|| {
        let detail = format!("the header {name} comes once, in UTF-8");
        Problem::new(StatusCode::BAD_REQUEST, "invalid-header", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_there_is() {
        let known = ["products", "brands"];
        let of = |wanted: &str, known: &[&'static str]| unknown("unknown-x", "x", wanted, known.iter().copied());
        assert!(of("product", &known).detail().ends_with("did you mean products?"));
        assert!(of("leads", &known).detail().ends_with("there are products, brands"));
        assert!(of("leads", &[]).detail().ends_with("there are none"));
        assert!(of(&"x".repeat(5_000), &known).detail().len() < 150);
    }

    #[test]
    fn ids_can_be_seen() {
        assert!(id_of("P 1").is_ok());
        for id in ["", ".", "..", " ", "\u{3000}", "a\u{200b}", "\u{202e}a", "a\nb"] {
            let problem = id_of(id).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (422, "invalid-id"),
                "{id:?}"
            );
        }
    }

    #[test]
    fn a_header_comes_once() {
        let name = HeaderName::from_static("if-match");
        let mut headers = HeaderMap::new();
        assert_eq!(single_header(&headers, &name).unwrap(), None);
        headers.append(&name, " \"7\" ".parse().unwrap());
        assert_eq!(single_header(&headers, &name).unwrap(), Some("\"7\""));
        headers.append(&name, "\"8\"".parse().unwrap());
        assert_eq!(single_header(&headers, &name).unwrap_err().code(), "invalid-header");
    }
}
