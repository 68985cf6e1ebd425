//! What is written of parked aggregates: parked, told of further commits, released.

use super::{Parked, Parking, failed, is_conflict, number, partition_key, sort_key, text};
use crate::{ApplyError, SourceKey};
use headwater_dynamodb::AccessPattern;

impl Parking {
    /// Parks an aggregate, or tells that it stopped elsewhere. How far it goes never shrinks: a retry under way counts on that.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub async fn park(&self, parked: &Parked) -> Result<(), ApplyError> {
        let update = |expression: &str, condition: &str| {
            self.database
                .client()
                .update_item()
                .table_name(self.database.table("checkpoints"))
                .key("PK", partition_key(&parked.consumer))
                .key("SK", sort_key(&parked.context, &parked.source))
                .update_expression(expression)
                .condition_expression(condition)
                .expression_attribute_names("#first", "first")
                .expression_attribute_values(":first", number(parked.first_sequence))
                .expression_attribute_values(":reason", text(&parked.reason))
        };
        let sent = update(
            "SET #first = :first, reason = :reason, up_to = :up_to, since = if_not_exists(since, :since)",
            "attribute_not_exists(PK) OR up_to <= :up_to",
        )
        .expression_attribute_values(":up_to", number(parked.up_to))
        .expression_attribute_values(":since", number(parked.since.nanos()))
        .customize()
        .interceptor(AccessPattern::system("parking.park"))
        .send()
        .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) => {
                // One that has been parked anew meanwhile may know of less; that is tried again.
                update("SET #first = :first, reason = :reason", "up_to >= :up_to")
                    .expression_attribute_values(":up_to", number(parked.up_to))
                    .customize()
                    .interceptor(AccessPattern::system("parking.park"))
                    .send()
                    .await
                    .map(drop)
                    .map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Tells of further commits; `false` when the aggregate is parked no more.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub(crate) async fn tell(
        &self,
        consumer: &str,
        context: &str,
        source: &SourceKey,
        up_to: u64,
    ) -> Result<bool, ApplyError> {
        loop {
            let sent = self
                .database
                .client()
                .update_item()
                .table_name(self.database.table("checkpoints"))
                .key("PK", partition_key(consumer))
                .key("SK", sort_key(context, source))
                .update_expression("SET up_to = :up_to")
                .condition_expression("attribute_exists(PK) AND up_to < :up_to")
                .expression_attribute_values(":up_to", number(up_to))
                .customize()
                .interceptor(AccessPattern::system("parking.tell"))
                .send()
                .await;
            match sent {
                Ok(_) => return Ok(true),
                // It knows of as much already, or is gone; or it has only just come, and knows of less.
                Err(error) if is_conflict(&error) => match self.find(consumer, context, source).await? {
                    Some(parked) if parked.up_to < up_to => {}
                    parked => return Ok(parked.is_some()),
                },
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Ends the parking, unless it has been told of more than `parked` says; `false` then.
    ///
    /// # Errors
    /// [`ApplyError::Retry`] or [`ApplyError::Permanent`].
    pub(crate) async fn release(&self, parked: &Parked) -> Result<bool, ApplyError> {
        let sent = self
            .database
            .client()
            .delete_item()
            .table_name(self.database.table("checkpoints"))
            .key("PK", partition_key(&parked.consumer))
            .key("SK", sort_key(&parked.context, &parked.source))
            .condition_expression("attribute_not_exists(PK) OR up_to = :up_to")
            .expression_attribute_values(":up_to", number(parked.up_to))
            .customize()
            .interceptor(AccessPattern::system("parking.release"))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}
