//! The parameters of a read, by query string or message: each known, each read strictly.

use crate::refusal::invalid;
use headwater_dynamo_repository::PageRequest;
use headwater_edge::{Problem, unknown_parameter};
use headwater_kernel::{Id, Timestamp};
use std::time::Duration;

/// Rows and events of a page, when the caller does not say.
pub(crate) const DEFAULT_LIMIT: usize = 50;
/// Most rows and events of a page.
pub(crate) const MAX_LIMIT: usize = 200;

/// Names and values as they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// Refuses what is neither among `known` nor begins with `family` (and goes on).
    pub(crate) fn only(&self, known: &[&str], family: Option<&str>) -> Result<(), Problem> {
        let in_family = |name: &str| {
            family
                .and_then(|family| name.strip_prefix(family))
                .is_some_and(|rest| !rest.is_empty())
        };
        let stranger = self
            .0
            .iter()
            .map(|(name, _)| name.as_str())
            .find(|name| !known.contains(name) && !in_family(name));
        match stranger {
            Some(name) => {
                let family = family.map(|family| format!("{family}NAME"));
                Err(unknown_parameter(name, known.iter().copied().chain(family.as_deref())))
            }
            None => Ok(()),
        }
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The parameters whose names begin with `family`: the rest of each name, and its value.
    pub(crate) fn family<'a>(&'a self, family: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(family)?, value.as_str())))
    }

    /// A parameter that comes once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(own, _)| own == name);
        let first = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            Some(_) => Err(invalid(name, "comes once")),
            None => Ok(first),
        }
    }

    /// A parameter that comes once; empty is absent.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        Ok(self.one(name)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn id(&self, name: &str) -> Result<Option<Id>, Problem> {
        let read = |text| Id::chosen(text).map_err(|error| invalid(name, error.to_string()));
        self.one(name)?.map(read).transpose()
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let read = |text| {
            // A `+` in a query string is a space, which is what an offset that was not encoded ends up as.
            Timestamp::parse(text).map_err(|_| {
                invalid(
                    name,
                    "is a time in RFC 3339, such as 2026-01-31T00:00:00Z, of the years 1678 to 2261",
                )
            })
        };
        self.one(name)?.map(read).transpose()
    }

    /// The beginning of a range of time: a time, or a date for the beginning of that day in UTC.
    pub(crate) fn beginning(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.one(name)?.map(|text| time_or_date(name, text, 0)).transpose()
    }

    /// The end of a range of time, which is not within it: a time, or a date for the end of that day in UTC, so that the day is within.
    pub(crate) fn end(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.one(name)?.map(|text| time_or_date(name, text, 1)).transpose()
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Problem> {
        let read = |text: &str| {
            text.parse()
                .map_err(|_| invalid(name, "is a whole number within 64 bits"))
        };
        self.one(name)?.map(read).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(name, "is true or false")),
        }
    }

    /// `limit`, from 1 to `max`.
    pub(crate) fn limit(&self, default: usize, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.one("limit")? else {
            return Ok(default);
        };
        let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        limit.ok_or_else(|| invalid("limit", format!("is a whole number from 1 to {max}")))
    }

    /// `limit` and `cursor` of a list.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        Ok(PageRequest {
            limit: self.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
            cursor: self.text("cursor")?.map(str::to_owned),
        })
    }
}

/// A time; of a date, the beginning of the day that is `days` later.
fn time_or_date(name: &str, text: &str, days: u64) -> Result<Timestamp, Problem> {
    let is_date = text.len() == "2026-01-31".len();
    let read = if is_date {
        let day = Duration::from_secs(24 * 60 * 60);
        let midnight = Timestamp::parse(&format!("{text}T00:00:00Z"));
        midnight.map(|midnight| (0..days).fold(midnight, |at, _| at.plus(day)))
    } else {
        Timestamp::parse(text)
    };
    let detail =
        "is a time in RFC 3339, such as 2026-01-31T00:00:00Z, or a date, such as 2026-01-31, of the years 1678 to 2261";
    read.map_err(|_| invalid(name, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn refuses_strangers_by_name() {
        let known = &["limit", "owner_id"];
        let problem = given(&[("owner", "x")]).only(known, None).unwrap_err();
        assert_eq!(
            (problem.code(), problem.errors()[0].pointer.as_str()),
            ("unknown-parameter", "/owner")
        );
        assert!(
            problem.detail().contains("did you mean owner_id?"),
            "{}",
            problem.detail()
        );
        given(&[("attr.Farbe", "x")]).only(known, Some("attr.")).unwrap();
        assert!(given(&[("attr.", "x")]).only(known, Some("attr.")).is_err());
    }

    #[test]
    fn a_date_as_an_end_has_its_day_within() {
        let range = given(&[("from", "2026-01-31"), ("to", "2026-01-31")]);
        let at = |text| Some(Timestamp::parse(text).unwrap());
        assert_eq!(range.beginning("from").unwrap(), at("2026-01-31T00:00:00Z"));
        assert_eq!(range.end("to").unwrap(), at("2026-02-01T00:00:00Z"));
        let times = given(&[("to", "2026-01-31T12:00:00+01:00")]);
        assert_eq!(times.end("to").unwrap(), at("2026-01-31T11:00:00Z"));
        assert_eq!(times.beginning("from").unwrap(), None);
        for wrong in [
            "2026-02-30",
            "2026-1-1",
            "tomorrow!!",
            "",
            "31.01.2026",
            "2026-01-31T00:00",
        ] {
            let problem = given(&[("to", wrong)]).end("to").unwrap_err();
            assert_eq!(problem.errors()[0].pointer, "/to", "{wrong}");
        }
    }

    #[test]
    fn reads_strictly() {
        for (name, value) in [("limit", "0"), ("limit", "201"), ("limit", "1e1"), ("limit", "")] {
            assert_eq!(
                given(&[(name, value)]).page().unwrap_err().code(),
                "invalid-parameter",
                "{value}"
            );
        }
        assert_eq!(given(&[]).page().unwrap().limit, 50);
        assert!(given(&[("q", "a"), ("q", "b")]).text("q").is_err());
        assert!(given(&[("from", "yesterday")]).time("from").is_err());
        assert_eq!(
            given(&[("n", "-9223372036854775808")]).integer("n").unwrap(),
            Some(i64::MIN)
        );
        assert!(given(&[("n", "1.5")]).integer("n").is_err());
        assert!(given(&[("highlight", "yes")]).flag("highlight").is_err());
    }
}
