//! Why a metric store did not do as asked.

use headwater_kernel::Timestamp;

/// The error of every adapter.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query names a dimension that no point of the series has.
    #[error("the series has no dimension {dimension:?}; it has {}", known.join(", "))]
    UnknownDimension {
        /// What was asked for.
        dimension: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The interval has more bins than an answer may have.
    #[error("{bins} bins are more than {max}; ask for longer bins or a shorter interval")]
    TooManyBins {
        /// How many there would be at least, of all groups.
        bins: u64,
        /// The most there can be.
        max: usize,
    },
    /// `group_by` gives more groups than an answer may have.
    #[error("there are more than {max} groups; filter by a dimension, or group by another")]
    TooManyGroups {
        /// The most there can be.
        max: usize,
    },
    /// A percentile would be taken of more values than one answer may.
    #[error("more than {max} points lie in this interval; ask for a shorter one, or filter by a dimension")]
    TooManyPoints {
        /// The most there can be.
        max: usize,
    },
    /// The interval ends before it begins, or with it.
    #[error("the interval ends where it begins or before; from is inclusive, to is exclusive")]
    EmptyInterval,
    /// A percentile, or a bin that is cut, needs points that are kept no more.
    #[error(
        "this needs the points themselves, which are kept from {since} on; begin there, or ask for avg, min, max, sum or count of whole hours or days"
    )]
    PointsGone {
        /// Since when there are points.
        since: Timestamp,
    },
    /// A value is not finite.
    #[error("the value of {series} at {time} is not a finite number")]
    NotFinite {
        /// The series.
        series: String,
        /// The time.
        time: Timestamp,
    },
    /// The store does not answer now.
    #[error("the metric store does not answer now: {0}")]
    Unavailable(String),
    /// The store's disk is full, read-only or failing.
    #[error("the metric store cannot be written; see to its disk")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored cannot be read.
    #[error("the metric store cannot be read; remove it and it is filled from the log again")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the same call may succeed later with nothing changed; a full disk counts.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Storage(_))
    }

    /// Whether the caller of a query can mend it.
    pub fn is_callers(&self) -> bool {
        matches!(
            self,
            Self::UnknownDimension { .. }
                | Self::TooManyBins { .. }
                | Self::TooManyGroups { .. }
                | Self::TooManyPoints { .. }
                | Self::EmptyInterval
                | Self::PointsGone { .. }
        )
    }
}
