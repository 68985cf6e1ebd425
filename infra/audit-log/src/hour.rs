//! Hours in UTC, by which objects lie and digests are made.

use headwater_kernel::Timestamp;
use std::{fmt, str::FromStr};

const NANOS: i64 = 3_600 * 1_000_000_000;

/// An hour in UTC, written `2026-11-24T01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour of a time.
    pub fn of(time: Timestamp) -> Self {
        Self(time.nanos().div_euclid(NANOS))
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// Its day: `2026-11-24`.
    pub(crate) fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// The folder of its objects in a region: `region=us/dt=2026-11-24/hour=01/`.
    pub fn folder(self, region: &str) -> String {
        let text = self.to_string();
        let (day, hour) = text.split_at(10);
        format!("region={region}/dt={day}/hour={}/", &hour[1..])
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begins = Timestamp::from_nanos(self.0.saturating_mul(NANOS)).to_string();
        f.write_str(begins.get(..13).unwrap_or(&begins))
    }
}

impl FromStr for Hour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?} is no hour in UTC such as 2026-11-24T01");
        let time = Timestamp::parse(&format!("{text}:00:00Z")).map_err(|_| expected())?;
        let hour = Self::of(time);
        if hour.to_string() == text {
            Ok(hour)
        } else {
            Err(expected())
        }
    }
}

impl serde::Serialize for Hour {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hour {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
