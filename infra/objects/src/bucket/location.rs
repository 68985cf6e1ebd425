//! Which bucket, and how objects are kept there.

use std::{fmt, str::FromStr};

/// A bucket, and what the names of its objects begin with: `s3://bucket/prefix/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// Empty, or ends with `/`.
    pub prefix: String,
}

/// How S3 is reached and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// Where the objects are.
    pub location: Location,
    /// The region of the bucket, such as `eu-west-1`.
    pub region: String,
    /// Another endpoint than the region's.
    pub endpoint: Option<String>,
    /// The KMS key that objects are encrypted with (`sse-kms`): an id, alias or ARN. Without, by the bucket's default.
    pub kms_key: Option<String>,
    /// How new objects are locked; not at all without.
    pub lock: Option<Lock>,
}

/// For how long new objects are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Who may lift it.
    pub mode: LockMode,
    /// Years from when an object is put, 1 to 100.
    pub years: u32,
}

/// Who may lift a lock before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Nobody.
    Compliance,
    /// Who has `s3:BypassGovernanceRetention`.
    Governance,
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compliance => "compliance",
            Self::Governance => "governance",
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A text is no location in S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not like s3://bucket/prefix; a bucket has 3 to 63 lower-case letters, digits, dots and hyphens, a prefix letters, digits and =-_./"
)]
pub struct NoLocation(String);

impl FromStr for Location {
    type Err = NoLocation;

    fn from_str(text: &str) -> Result<Self, NoLocation> {
        let no = || NoLocation(text.to_owned());
        let (bucket, prefix) = text
            .strip_prefix("s3://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .ok_or_else(no)?;
        let of_bucket = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        let of_prefix = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'-' | b'_' | b'.' | b'/');
        let prefix = prefix.trim_end_matches('/');
        let parts = prefix.is_empty() || prefix.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !(3..=63).contains(&bucket.len())
            || !bucket.bytes().all(of_bucket)
            || !prefix.bytes().all(of_prefix)
            || !parts
        {
            return Err(no());
        }
        let end = if prefix.is_empty() { "" } else { "/" };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: [prefix, end].concat(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read() {
        for (text, expected) in [
            ("s3://acme-audit", Some("s3://acme-audit/")),
            ("s3://acme-audit/", Some("s3://acme-audit/")),
            ("s3://acme.audit/us/log", Some("s3://acme.audit/us/log/")),
            ("s3://acme-audit/us//", Some("s3://acme-audit/us/")),
            ("s3://", None),
            ("s3://a", None),
            ("s3://Acme/x", None),
            ("s3://acme-audit/a//b", None),
            ("s3://acme-audit/../b", None),
            ("s3://acme-audit/a b", None),
            ("/var/lib/audit", None),
        ] {
            let read = text.parse::<Location>().ok().map(|location| location.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
