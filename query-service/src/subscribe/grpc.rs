//! Subscriptions as gRPC messages.

use super::subscription::{Message, Subscription};
use futures::{StreamExt, stream, stream::BoxStream};
use headwater_edge::v1::{
    FeedEvent, Heartbeat, SubscribeResponse, SubscriptionEnd, subscribe_response::Message as Sent,
};
use tonic::Status;

/// What `Subscribe` streams.
pub(crate) type Responses = BoxStream<'static, Result<SubscribeResponse, Status>>;

/// The stream of a subscription.
pub(crate) fn responses(subscription: Subscription) -> Responses {
    let messages = stream::unfold(subscription, async |mut subscription| {
        let message = subscription.next().await?;
        Some((Ok(response(message)), subscription))
    });
    messages.boxed()
}

fn response(message: Message) -> SubscribeResponse {
    let (cursor, message) = match message {
        Message::Event { cursor, event } => {
            let event = FeedEvent {
                context: event.context.clone(),
                aggregate: event.aggregate.clone(),
                id: event.id.clone(),
                sequence: event.sequence,
                r#type: event.event_type.clone(),
                schema_version: event.schema_version,
                occurred_at: event.occurred_at.clone(),
                actor: event.actor.clone(),
                data_json: event.data.clone().into(),
            };
            (cursor, Sent::Event(event))
        }
        Message::Heartbeat { cursor } => (cursor, Sent::Heartbeat(Heartbeat {})),
        Message::End { cursor, reason } => {
            let end = SubscriptionEnd {
                code: reason.code().to_owned(),
                detail: reason.detail().to_owned(),
            };
            (cursor, Sent::End(end))
        }
    };
    SubscribeResponse {
        cursor,
        message: Some(message),
    }
}
