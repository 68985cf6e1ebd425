//! The version that a caller insists on, from the conditional headers of HTTP.

use ::http::{
    HeaderMap, StatusCode,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use headwater_edge::{Problem, single_header};

/// The version of `If-Match: "7"`, or 0 (nothing there yet) of `If-None-Match: *`.
pub(crate) fn expected_version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let if_match = single_header(headers, &IF_MATCH)?;
    match (if_match, single_header(headers, &IF_NONE_MATCH)?) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(0)),
        (None, Some(_)) => Err(refused(
            "If-None-Match is taken as * alone, for what must not exist yet",
        )),
        (Some(_), Some(_)) => Err(refused("send If-Match or If-None-Match, not both")),
        (Some("*"), None) => Err(refused(
            "If-Match: * names no version; send the version you have seen: If-Match: \"7\"",
        )),
        (Some(text), None) if text.starts_with("W/") => Err(refused(
            "a weak entity tag never matches here; send the ETag as it came: If-Match: \"7\"",
        )),
        (Some(text), None) => version(text).map(Some).ok_or_else(|| {
            refused("If-Match is one version in double quotes, as the ETag of an answer has it: If-Match: \"7\"")
        }),
    }
}

fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-precondition", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_strong_tag() {
        let of = |value: &'static str| {
            let headers = HeaderMap::from_iter([(IF_MATCH, ::http::HeaderValue::from_static(value))]);
            expected_version(&headers)
        };
        assert_eq!(of("\"7\"").unwrap(), Some(7));
        assert_eq!(of("\"0\"").unwrap(), Some(0));
        for bad in [
            "7",
            "*",
            "W/\"7\"",
            "\"7\", \"8\"",
            "\"+7\"",
            "\"\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(of(bad).unwrap_err().code(), "invalid-precondition", "{bad}");
        }
        assert_eq!(expected_version(&HeaderMap::new()).unwrap(), None);
    }
}
