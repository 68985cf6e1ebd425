//! The query string, taken strictly: what is no UTF-8 is refused and not replaced, so that what is looked for is what was meant.

use crate::{Problem, invalid_parameter};
use ::http::request::Parts;
use axum::extract::FromRequestParts;

/// Names and values of the query string, in its order, decoded as forms are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Pairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl Pairs {
    /// Reads a query string.
    ///
    /// # Errors
    /// 400 `invalid-parameter` that names the parameter whose name or value is not UTF-8.
    fn read(query: &str) -> Result<Self, Problem> {
        let given = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = given.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (String::from_utf8(decoded(name)), String::from_utf8(decoded(value))) {
                (Ok(name), Ok(value)) => Ok((name, value)),
                _ => Err(invalid_parameter(
                    &String::from_utf8_lossy(&decoded(name)),
                    "is not UTF-8",
                )),
            }
        });
        Ok(Self(pairs.collect::<Result<_, _>>()?))
    }
}

/// `+` is a space, `%XX` a byte; a `%` before anything else stands for itself (WHATWG URL, application/x-www-form-urlencoded).
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match (first, digit(after.first()), digit(after.get(1))) {
            (b'+', ..) => b' ',
            (b'%', Some(high), Some(low)) => {
                rest = &after[2..];
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            _ => *first,
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_forms_send() {
        let read = |query| Pairs::read(query).unwrap().0;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read(""), []);
        assert_eq!(
            read("q=a+b%20c&&q=&flag"),
            [pair("q", "a b c"), pair("q", ""), pair("flag", "")]
        );
        assert_eq!(
            read("q=%F0%9F%A6%80=1&attr%2Ex=%2b"),
            [pair("q", "🦀=1"), pair("attr.x", "+")]
        );
        assert_eq!(read("q=100%&r=%zz%4"), [pair("q", "100%"), pair("r", "%zz%4")]);
    }

    #[test]
    fn what_is_no_text_is_refused_by_the_name_of_its_parameter() {
        for query in ["q=%ff", "limit=1&q=a%C3", "q=%ED%A0%80"] {
            let problem = Pairs::read(query).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.code()),
                (400, "invalid-parameter"),
                "{query}"
            );
            assert_eq!(problem.errors()[0].pointer, "/q", "{query}");
        }
        assert!(Pairs::read("%ff=1").is_err());
    }
}
