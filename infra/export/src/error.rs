//! What can go wrong with an export.

/// An export that did not come about. Nothing of it counts; running it again goes on where the last one that did has ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The destination does not take or give an object: a full disk, a missing right.
    #[error("the export's destination: {0}; make room or give the right, then export again")]
    Destination(#[from] headwater_objects::Error),
    /// Another export has published meanwhile.
    #[error("another export to the same destination was published meanwhile; the next one goes on from there")]
    Raced,
    /// The destination holds exports of another region.
    #[error(
        "the destination holds exports of {there}, and this data lives in {here}; export each region to a destination of its own"
    )]
    OtherRegion {
        /// Of the destination.
        there: String,
        /// Of the data.
        here: String,
    },
    /// A published run that this build cannot read.
    #[error("the run {name} in the export's destination cannot be read ({why}); run the build that wrote it")]
    UnreadableRun {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// A value has another type than its column.
    #[error(
        "{table}.{column} is {wanted}, and {of} has something else there; the schema it was declared with is not what is stored"
    )]
    Type {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's type.
        wanted: &'static str,
        /// Which event or row.
        of: String,
    },
    /// The Parquet writer refuses, which is a bug.
    #[error("a Parquet file cannot be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}
