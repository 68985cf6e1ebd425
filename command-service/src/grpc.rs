//! Commands by gRPC, on the same bus as by HTTP.

use crate::{
    Accepted, CommandBus, Submission,
    batch::{Entry, Outcome, Work, pipeline},
    bus::permitted,
    submission,
};
use ::http::StatusCode;
use futures::{Stream, StreamExt, future::ready, stream};
use headwater_edge::{
    Edge, Problem, parse_json,
    v1::{
        self, SubmitManyResponse, SubmitRequest, SubmitResponse,
        command_service_server::{CommandService, CommandServiceServer},
        submit_many_response,
    },
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};
use tonic::{Request, Response, Status, Streaming};

/// How much larger than a payload may be a message of a batch is before it is not even read. What is smaller is refused by itself.
const READ_FACTOR: usize = 4;

struct Service {
    bus: CommandBus,
    edge: Edge,
}

/// `headwater.v1.CommandService`, to be added to the process's gRPC routes.
pub fn grpc(bus: CommandBus, edge: Edge) -> CommandServiceServer<impl CommandService> {
    let limit = edge.limits().max_body.saturating_mul(READ_FACTOR);
    CommandServiceServer::new(Service { bus, edge }).max_decoding_message_size(limit)
}

#[tonic::async_trait]
impl CommandService for Service {
    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: headwater_tenancy::Caller| {
            let accepted = self
                .bus
                .submit(&caller.scope, submission_of(message, self.edge.limits().max_body)?)
                .await?;
            Ok(Response::new(response_of(accepted)))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    type SubmitManyStream = Pin<Box<dyn Stream<Item = Result<SubmitManyResponse, Status>> + Send>>;

    async fn submit_many(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitManyStream>, Status> {
        let (metadata, extensions, messages) = request.into_parts();
        let caller = self.edge.enter(&metadata, &extensions).await?;
        let batch = permitted(&caller.scope)
            .and_then(|()| self.edge.admit_batch(caller.scope.tenant()))
            .map_err(|problem| self.edge.refused(&caller.scope, problem, &metadata, &extensions))?;
        let limit = self.edge.limits().max_body;
        // What breaks the stream of messages ends the stream of answers, after the answers to what came before.
        let broken = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&broken);
        let entries = messages.scan((), move |(), message| {
            let message = message.map_err(|status| *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(status));
            ready(message.ok())
        });
        let entries = entries.enumerate().map(move |(index, message)| Entry {
            number: index as u64 + 1,
            bytes: message.payload_json.len(),
            submission: submission_of(message, limit),
        });
        let work = Work {
            bus: self.bus.clone(),
            edge: self.edge.clone(),
            scope: caller.scope,
            called: extensions.get().cloned(),
            trace: metadata.into_headers(),
        };
        let outcomes = pipeline(work, batch, entries);
        let end = async move { broken.lock().unwrap_or_else(PoisonError::into_inner).take() };
        let end = stream::once(end).filter_map(|status| ready(status.map(Err)));
        let answers = outcomes.map(|outcome| Ok(many_response_of(outcome))).chain(end);
        Ok(Response::new(Box::pin(answers)))
    }
}

fn submission_of(message: SubmitRequest, limit: usize) -> Result<Submission, Problem> {
    if message.payload_json.len() > limit {
        let detail = format!("the payload is larger than the {limit} bytes that are taken; split it");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail));
    }
    let given = |text: String| (!text.is_empty()).then_some(text);
    let payload = match &message.payload_json[..] {
        [] => submission::empty(),
        json => parse_json(json)?,
    };
    Ok(Submission {
        context: message.context,
        aggregate: message.aggregate,
        id: message.id,
        command: message.command,
        payload,
        command_id: given(message.command_id),
        expected_version: message.expected_version,
        if_match: false,
        correlation_id: given(message.correlation_id),
        causation_id: given(message.causation_id),
    })
}

fn response_of(accepted: Accepted) -> SubmitResponse {
    let Accepted {
        receipt,
        replayed,
        current_version,
    } = accepted;
    let event = |event: crate::ReceiptEvent| v1::ReceiptEvent {
        r#type: event.event_type,
        sequence: event.sequence,
        id: event.id,
    };
    let receipt = v1::Receipt {
        command_id: receipt.command_id,
        context: receipt.context,
        aggregate: receipt.aggregate,
        id: receipt.id,
        version: receipt.version,
        events: receipt.events.into_iter().map(event).collect(),
        token: receipt.token,
    };
    SubmitResponse {
        receipt: Some(receipt),
        replayed,
        current_version,
    }
}

fn many_response_of(Outcome { number, result }: Outcome) -> SubmitManyResponse {
    let outcome = match result {
        Ok(accepted) => submit_many_response::Outcome::Accepted(response_of(accepted)),
        Err(problem) => submit_many_response::Outcome::Problem((&problem).into()),
    };
    SubmitManyResponse {
        number,
        outcome: Some(outcome),
    }
}
