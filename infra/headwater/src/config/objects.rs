//! Where the audit log and exports keep their objects: folders, or buckets, which `[s3]` says how to reach.

use super::{Adapter, reader::Reader};
use headwater_objects::{BucketConfig, Location, Lock};
use std::path::PathBuf;

/// A place of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Objects {
    /// In the file system.
    Folder(PathBuf),
    /// In S3.
    Bucket(BucketConfig),
}

/// The section `[s3]`.
pub(super) struct S3 {
    region: Option<String>,
    endpoint: Option<String>,
}

/// Reads the section; the region is that of the tables unless it says another.
pub(super) fn s3(reader: &mut Reader, adapter: Option<&Adapter>) -> S3 {
    let of_tables = match adapter {
        Some(Adapter::Aws { config, .. }) => Some(config.region.clone()),
        _ => None,
    };
    let endpoint = reader.text("s3.endpoint");
    if let Some(url) = &endpoint
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        let what = format!("s3.endpoint must be a URL such as http://127.0.0.1:9000, and is {url:?}");
        reader.refuse("s3.endpoint", what);
    }
    S3 {
        region: reader.text("s3.region").or(of_tables),
        endpoint,
    }
}

impl S3 {
    /// The bucket that `key` names as `text`.
    pub(super) fn bucket(
        &self,
        reader: &mut Reader,
        key: &str,
        text: &str,
        kms_key: Option<String>,
        lock: Option<Lock>,
    ) -> Option<BucketConfig> {
        let location = match text.parse::<Location>() {
            Ok(location) => location,
            Err(error) => {
                reader.refuse(key, format!("{key}: {error}"));
                return None;
            }
        };
        let Some(region) = self.region.clone() else {
            let what =
                format!("s3.region is missing: {key} is a bucket, and buckets are in a region such as eu-west-1");
            reader.refuse("s3.region", what);
            return None;
        };
        Some(BucketConfig {
            location,
            region,
            endpoint: self.endpoint.clone(),
            kms_key,
            lock,
        })
    }
}
