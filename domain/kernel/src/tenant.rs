//! Tenants and the regions their data stays in.

use serde::{Deserialize, Deserializer, Serialize};
use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

/// A tenant's id: `[a-z0-9-]{1,63}`. Knowing one gives access to nothing; that takes a `TenantScope`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Checks and takes an id.
    ///
    /// # Errors
    /// [`TenantIdError`] unless it is `[a-z0-9-]{1,63}`.
    pub fn new(id: &str) -> Result<Self, TenantIdError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > 63 || !id.bytes().all(allowed) {
            return Err(TenantIdError);
        }
        Ok(Self(Arc::from(id)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is not a tenant id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant id is 1 to 63 characters of a-z, 0-9 and -")]
pub struct TenantIdError;

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

impl FromStr for TenantId {
    type Err = TenantIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&Cow::<'de, str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where a tenant's data lives. There is no default: an unknown region is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// `eu-west-1`.
    Eu,
    /// `us-east-1`.
    Us,
}

impl Region {
    /// The short name, as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
        }
    }

    /// The AWS region.
    pub fn aws(self) -> &'static str {
        match self {
            Self::Eu => "eu-west-1",
            Self::Us => "us-east-1",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(region: &str) -> Result<Self, Self::Err> {
        match region {
            "eu" => Ok(Self::Eu),
            "us" => Ok(Self::Us),
            other => Err(UnknownRegion(other.to_owned())),
        }
    }
}

/// A region that Headwater does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown region {0:?}; use eu or us")]
pub struct UnknownRegion(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_ids_cannot_carry_a_delimiter() {
        assert!(TenantId::new("acme-1").is_ok());
        for bad in ["", "Acme", "a#b", "a b", "ä", "a%23", &"x".repeat(64)] {
            assert_eq!(TenantId::new(bad), Err(TenantIdError), "{bad}");
        }
    }

    #[test]
    fn an_unknown_region_is_an_error() {
        assert_eq!("eu".parse(), Ok(Region::Eu));
        assert!("EU".parse::<Region>().is_err());
    }
}
