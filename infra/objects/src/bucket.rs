//! Objects in S3, or what speaks its protocol. What is put as new may be locked: nobody changes or removes it before its time, an administrator
//! neither. What is put in the place of another is not.

mod failures;
mod location;

pub use location::{BucketConfig, Location, Lock, LockMode, NoLocation};

use crate::{Error, ObjectStore, Put};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
    primitives::{ByteStream, DateTime},
    types::{BucketVersioningStatus, ObjectLockEnabled, ObjectLockMode, ServerSideEncryption},
};
use bytes::Bytes;
use failures::{failed, is_conflict, is_taken};
use headwater_dynamodb::AwsParts;
use headwater_runtime::Runtime;
use std::{fmt, time::Duration};

/// How long one attempt of a call may take; objects have some megabytes.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long a call may take with all its attempts.
const CALL: Duration = Duration::from_secs(90);
/// Attempts of a call, the first included.
const ATTEMPTS: u32 = 5;
/// Attempts of a conditional put that meets another one.
const RACES: u32 = 5;
/// How long before such a put is tried again.
const RACE_WAIT: Duration = Duration::from_millis(200);
/// A year, a leap day in four shared out.
const YEAR: Duration = Duration::from_secs(31_557_600);

/// The objects of a bucket whose names begin with a prefix.
pub struct Bucket {
    client: Client,
    config: BucketConfig,
    runtime: Runtime,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.config.location)
    }
}

impl Bucket {
    /// A bucket, with this process's credentials. Nothing is asked of it yet.
    pub async fn open(config: BucketConfig, runtime: &Runtime) -> Self {
        let parts = AwsParts::load(&config.region, runtime, None).await;
        Self::with_parts(config, parts, runtime)
    }

    /// A bucket, reached by these parts. Nothing is asked of it yet.
    pub fn with_parts(config: BucketConfig, parts: AwsParts, runtime: &Runtime) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(CALL);
        let mut builder = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .http_client(parts.http)
            .sleep_impl(parts.sleep)
            .time_source(parts.time)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            // Another endpoint has no names for its buckets.
            .force_path_style(config.endpoint.is_some());
        builder.set_endpoint_url(config.endpoint.clone());
        builder = match parts.credentials {
            Some(credentials) => builder.credentials_provider(credentials),
            None => builder.allow_no_auth(),
        };
        Self {
            client: Client::from_conf(builder.build()),
            config,
            runtime: runtime.clone(),
        }
    }

    /// Asks whether the bucket is there and can hold what it is configured for; what was found.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is not there, lets nobody in, or objects are to be locked and it has no Object Lock; [`Error::Unavailable`].
    pub async fn check(&self) -> Result<String, Error> {
        let (bucket, what) = (&self.config.location.bucket, self.config.location.to_string());
        let asked = self.client.head_bucket().bucket(bucket).send().await;
        asked.map_err(|error| failed(format!("asking for {what}"), error))?;
        let Some(lock) = &self.config.lock else {
            return Ok(format!("{what} is there"));
        };
        let versioning = self.client.get_bucket_versioning().bucket(bucket).send().await;
        let versioning = versioning.map_err(|error| failed(format!("asking for the versions of {what}"), error))?;
        let locking = self.client.get_object_lock_configuration().bucket(bucket).send().await;
        let locking = locking.ok().and_then(|answer| answer.object_lock_configuration);
        let enabled = locking
            .as_ref()
            .and_then(|locking| locking.object_lock_enabled.as_ref());
        let enabled = enabled == Some(&ObjectLockEnabled::Enabled);
        if versioning.status != Some(BucketVersioningStatus::Enabled) || !enabled {
            return Err(Error::refused(
                format!("locking objects in {what}"),
                "the bucket has no Object Lock, which it gets with `aws s3api create-bucket --object-lock-enabled-for-bucket`; \
                 make one that has, or set the lock to \"none\"",
            ));
        }
        // Each running digest would be kept as long as what it stands for.
        let default = match locking.and_then(|locking| locking.rule) {
            Some(_) => {
                "; its default retention also locks what is rewritten every few seconds: better remove that rule"
            }
            None => "",
        };
        let (years, mode) = (lock.years, lock.mode);
        Ok(format!(
            "{what} is there, and locks objects for {years} years ({mode}){default}"
        ))
    }

    fn key(&self, name: &str) -> String {
        [self.config.location.prefix.as_str(), name].concat()
    }

    fn what(&self, doing: &str, name: &str) -> String {
        format!("{doing} s3://{}/{}", self.config.location.bucket, self.key(name))
    }

    async fn send(&self, name: &str, bytes: Bytes, new: bool) -> Result<Put, Error> {
        let mut put = self
            .client
            .put_object()
            .bucket(&self.config.location.bucket)
            .key(self.key(name))
            .body(ByteStream::from(bytes));
        if let Some(key) = &self.config.kms_key {
            put = put
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key);
        }
        if new {
            put = put.if_none_match("*");
            if let Some(lock) = &self.config.lock {
                put = put
                    .object_lock_mode(mode(lock.mode))
                    .object_lock_retain_until_date(until(lock, &self.runtime));
            }
        }
        match put.send().await {
            Ok(_) => Ok(Put::Stored),
            Err(error) if new && is_taken(&error) => Ok(Put::Taken),
            Err(error) => Err(failed(self.what("putting", name), error)),
        }
    }

    /// Reads back until when an object is locked. What was put is not what is believed.
    async fn is_locked(&self, name: &str, lock: &Lock) -> Result<(), Error> {
        let head = self
            .client
            .head_object()
            .bucket(&self.config.location.bucket)
            .key(self.key(name))
            .send()
            .await
            .map_err(|error| failed(self.what("reading the lock of", name), error))?;
        let wanted = until(lock, &self.runtime).secs() - DAY;
        let locked = head.object_lock_retain_until_date.map_or(0, |until| until.secs());
        if head.object_lock_mode.is_none() || locked < wanted {
            let why = "it is not locked for as long as it was put with; see to the bucket's Object Lock";
            return Err(Error::refused(self.what("locking", name), why));
        }
        Ok(())
    }
}

/// What clocks and roundings may differ by, in seconds.
const DAY: i64 = 86_400;

fn mode(mode: LockMode) -> ObjectLockMode {
    match mode {
        LockMode::Compliance => ObjectLockMode::Compliance,
        LockMode::Governance => ObjectLockMode::Governance,
    }
}

fn until(lock: &Lock, runtime: &Runtime) -> DateTime {
    let now = runtime.now().plus(YEAR * lock.years);
    DateTime::from_secs(now.nanos() / 1_000_000_000)
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_new(&self, name: &str, bytes: Bytes) -> Result<Put, Error> {
        let mut races = 0;
        let put = loop {
            match self.send(name, bytes.clone(), true).await {
                // Another put of this name is under way.
                Err(error) if is_conflict(&error) && races < RACES => {
                    races += 1;
                    self.runtime.sleep(RACE_WAIT * races).await;
                }
                put => break put?,
            }
        };
        // An attempt whose answer was lost may have put it.
        if put == Put::Taken && self.get(name).await?.as_ref() != Some(&bytes) {
            return Ok(Put::Taken);
        }
        if let Some(lock) = &self.config.lock {
            self.is_locked(name, lock).await?;
        }
        Ok(Put::Stored)
    }

    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        self.send(name, bytes, false).await.map(|_| ())
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let what = || self.what("reading", name);
        let asked = self
            .client
            .get_object()
            .bucket(&self.config.location.bucket)
            .key(self.key(name))
            .send()
            .await;
        let answer = match asked {
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            answer => answer.map_err(|error| failed(what(), error))?,
        };
        let body = self.runtime.timeout(ATTEMPT, answer.body.collect()).await;
        let body = body.map_err(|elapsed| Error::unavailable(what(), elapsed))?;
        let body = body.map_err(|error| Error::unavailable(what(), error))?;
        Ok(Some(body.into_bytes()))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .list_objects_v2()
                .bucket(&self.config.location.bucket)
                .prefix(self.key(prefix))
                .set_continuation_token(next)
                .send()
                .await
                .map_err(|error| failed(self.what("listing", prefix), error))?;
            let own = page.contents.unwrap_or_default().into_iter();
            let own = own.filter_map(|object| Some(object.key?.strip_prefix(&self.config.location.prefix)?.to_owned()));
            names.extend(own);
            next = page.next_continuation_token.filter(|_| page.is_truncated == Some(true));
            if next.is_none() {
                names.sort_unstable();
                return Ok(names);
            }
        }
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_object()
            .bucket(&self.config.location.bucket)
            .key(self.key(name))
            .send()
            .await;
        deleted
            .map(|_| ())
            .map_err(|error| failed(self.what("removing", name), error))
    }
}
