//! Bins: how a span of time is cut.

use headwater_kernel::Timestamp;
use std::{fmt, str::FromStr, time::Duration};

const MINUTES_A_DAY: u32 = 24 * 60;

/// The length of a bin: whole minutes that divide a day, so that bins of every day begin at midnight in UTC. A bin is half-open: a point at
/// its end belongs to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin {
    minutes: u32,
}

impl Bin {
    /// One minute.
    pub const MINUTE: Self = Self { minutes: 1 };
    /// One hour.
    pub const HOUR: Self = Self { minutes: 60 };
    /// One day in UTC.
    pub const DAY: Self = Self { minutes: MINUTES_A_DAY };

    /// Its length in nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.minutes as i64 * 60_000_000_000
    }

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.minutes as u64 * 60)
    }

    /// The beginning of the bin that a time lies in.
    pub const fn start(self, time: Timestamp) -> Timestamp {
        let past = time.nanos().rem_euclid(self.nanos());
        Timestamp::from_nanos(time.nanos().saturating_sub(past))
    }

    /// Whether every bin of this length is made of whole bins of the other.
    pub const fn is_made_of(self, other: Self) -> bool {
        self.minutes.is_multiple_of(other.minutes)
    }
}

/// A text is not the length of a bin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a bin is a part of a day in whole minutes, such as 1m, 5m, 15m, 1h, 6h or 1d")]
pub struct InvalidBin;

impl FromStr for Bin {
    type Err = InvalidBin;

    fn from_str(text: &str) -> Result<Self, InvalidBin> {
        let unit = text.chars().last().ok_or(InvalidBin)?;
        let number = text.strip_suffix(unit).unwrap_or_default();
        // `parse` takes a sign and zeros in front, which would be other names of the same bin.
        if !number.starts_with(|c: char| ('1'..='9').contains(&c)) {
            return Err(InvalidBin);
        }
        let number: u32 = number.parse().map_err(|_| InvalidBin)?;
        let minutes = match unit {
            'm' => Some(number),
            'h' => number.checked_mul(60),
            'd' => number.checked_mul(MINUTES_A_DAY),
            _ => None,
        };
        match minutes {
            Some(minutes) if minutes <= MINUTES_A_DAY && MINUTES_A_DAY.is_multiple_of(minutes) => Ok(Self { minutes }),
            _ => Err(InvalidBin),
        }
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            MINUTES_A_DAY => f.write_str("1d"),
            minutes if minutes.is_multiple_of(60) => write!(f, "{}h", minutes / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_divide_a_day() {
        for (text, shown) in [
            ("1m", "1m"),
            ("90m", "90m"),
            ("60m", "1h"),
            ("24h", "1d"),
            ("1440m", "1d"),
            ("8h", "8h"),
        ] {
            assert_eq!(text.parse::<Bin>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "m",
            "0m",
            "7m",
            "5h",
            "2d",
            "1s",
            "+1m",
            "01m",
            "1",
            "1M",
            "-1h",
            "1é",
            "99999999999h",
        ] {
            assert_eq!(text.parse::<Bin>(), Err(InvalidBin), "{text:?}");
        }
    }

    #[test]
    fn a_time_before_1970_lies_in_a_bin_that_begins_before_it() {
        let time = Timestamp::parse("1969-12-31T23:59:59.5Z").unwrap();
        assert_eq!(Bin::DAY.start(time), Timestamp::parse("1969-12-31T00:00:00Z").unwrap());
        let start = Timestamp::parse("2026-11-23T08:00:00Z").unwrap();
        assert_eq!(Bin::HOUR.start(start), start);
    }
}
