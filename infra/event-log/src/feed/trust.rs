//! Whether the feed is known to be whole: a row that a repair writes, and that whoever has missed something takes back.

use super::{position, writer::FeedWriter};
use crate::{
    Error,
    item::{number, text},
    log::{failed, text_of},
};
use headwater_dynamodb::AccessPattern;
use headwater_kernel::Timestamp;

impl FeedWriter {
    /// The stream up to whose beginning the feed is known to be whole. When the table's present stream is another one, or a shard's
    /// position was trimmed, [`FeedWriter::repair`] has to run before the next append.
    ///
    /// # Errors
    /// As [`FeedWriter::position`].
    pub async fn repaired_for(&self) -> Result<Option<String>, Error> {
        Ok(self.vouched().await?.map(|(stream, _)| stream))
    }

    /// The same, and when that was noted.
    ///
    /// # Errors
    /// As [`FeedWriter::position`].
    pub async fn vouched(&self) -> Result<Option<(String, Timestamp)>, Error> {
        let row = self.log.feed_row(&self.context, position::STREAM.to_owned()).await?;
        Ok(row.and_then(|row| {
            let at = row.get("at").and_then(|at| at.as_n().ok()?.parse().ok());
            Some((
                text_of(&row, "stream")?.to_owned(),
                Timestamp::from_nanos(at.unwrap_or(0)),
            ))
        }))
    }

    /// Notes that the feed may lack something, so that the next start repairs it. A shard's reader calls it before it moves on over a
    /// record that this build cannot read: a newer build may have written it.
    ///
    /// # Errors
    /// As [`FeedWriter::position`].
    pub async fn distrust(&self) -> Result<(), Error> {
        // Each time another mark: a repair that is under way has not seen what is missing now, and must not say that all is there.
        let mark = self.log.0.runtime.uuid().to_string();
        let sent = self
            .log
            .0
            .database
            .client()
            .update_item()
            .table_name(self.log.feed_table(&self.context))
            .key("PK", text(position::partition_key(&self.context)))
            .key("SK", text(position::STREAM))
            .update_expression("SET distrusted = :mark REMOVE #stream")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":mark", text(mark))
            .customize()
            .interceptor(AccessPattern::system(position::PATTERN))
            .send()
            .await;
        sent.map(drop).map_err(failed)
    }

    /// Notes that the feed is whole for `stream`, unless it was distrusted anew since it bore `mark`; false then.
    pub(super) async fn vouch(&self, stream: &str, mark: Option<&str>) -> Result<bool, Error> {
        let put = self
            .log
            .0
            .database
            .client()
            .put_item()
            .table_name(self.log.feed_table(&self.context))
            .item("PK", text(position::partition_key(&self.context)))
            .item("SK", text(position::STREAM))
            .item("v", number(1))
            .item("stream", text(stream))
            .item("at", number(self.log.0.runtime.now().nanos()));
        let put = match mark {
            // Another repair that began as late may have vouched for it already.
            Some(mark) => put
                .condition_expression("attribute_not_exists(distrusted) OR distrusted = :mark")
                .expression_attribute_values(":mark", text(mark)),
            None => put.condition_expression("attribute_not_exists(distrusted)"),
        };
        let sent = put
            .customize()
            .interceptor(AccessPattern::system(position::PATTERN))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }
}
