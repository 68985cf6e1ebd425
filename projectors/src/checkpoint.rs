//! Positions in the table `checkpoints`, in the same file as the views: a power cut takes both back together.
//!
//! `PK = CHECKPOINT#<context>`, `SK = <projection>.<generation>`, `positions` (S, JSON).

use crate::{ApplyError, Positions, consumer::PositionStore};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use headwater_dynamodb::{AccessPattern, Database, is_retryable};

/// Positions of one consumer in the table.
pub(crate) struct Checkpoints {
    pub(crate) database: Database,
    pub(crate) consumer: String,
}

fn failed<E>(error: aws_sdk_dynamodb::error::SdkError<E>) -> ApplyError
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_retryable(&error) {
        ApplyError::Retry(error.into())
    } else {
        ApplyError::Permanent(error.into())
    }
}

#[async_trait]
impl PositionStore for Checkpoints {
    async fn load(&self, context: &str) -> Result<Option<Positions>, ApplyError> {
        let answer = self
            .database
            .client()
            .get_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", AttributeValue::S(format!("CHECKPOINT#{context}")))
            .key("SK", AttributeValue::S(self.consumer.clone()))
            .consistent_read(true)
            .customize()
            .interceptor(AccessPattern::system("projectors.checkpoint-read"))
            .send()
            .await
            .map_err(failed)?;
        let positions = answer.item().and_then(|item| item.get("positions")?.as_s().ok());
        // One that cannot be read is one that is lost, and the log fills in.
        Ok(positions.and_then(|positions| serde_json::from_str(positions).ok()))
    }

    async fn save(&self, context: &str, positions: &Positions) -> Result<(), ApplyError> {
        let text = serde_json::to_string(positions).map_err(|error| ApplyError::Permanent(error.into()))?;
        self.database
            .client()
            .put_item()
            .table_name(self.database.table("checkpoints"))
            .item("PK", AttributeValue::S(format!("CHECKPOINT#{context}")))
            .item("SK", AttributeValue::S(self.consumer.clone()))
            .item("positions", AttributeValue::S(text))
            .customize()
            .interceptor(AccessPattern::system("projectors.checkpoint-write"))
            .send()
            .await
            .map(drop)
            .map_err(failed)
    }
}
