//! gRPC has the semantics and codes of HTTP.

use crate::server::{Server, line, product};
use futures::{StreamExt, stream};
use headwater_edge::{
    error_info,
    v1::{GetSchemaRequest, SubmitRequest, schema_service_client::SchemaServiceClient, submit_many_response::Outcome},
};
use headwater_kernel::{AggregateType, Id, TenantId};
use tonic::Code;

fn submit(id: &str, command: &str, payload: &str) -> SubmitRequest {
    SubmitRequest {
        context: "catalog".into(),
        aggregate: "products".into(),
        id: id.into(),
        command: command.into(),
        payload_json: payload.to_owned().into(),
        ..SubmitRequest::default()
    }
}

#[tokio::test]
async fn one_command() {
    let server = Server::start().await;
    let mut commands = server.commands().await;
    let create = SubmitRequest {
        command_id: "g-1".into(),
        ..submit("G1", "create", &product().to_string())
    };
    let first = commands
        .submit(server.authorize(create.clone()))
        .await
        .unwrap()
        .into_inner();
    let again = commands
        .submit(server.authorize(create.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (first.replayed, again.replayed, &first.receipt),
        (false, true, &again.receipt)
    );
    assert_eq!(first.receipt.as_ref().map(|receipt| receipt.version), Some(1));

    let price = r#"{"price_cents":1}"#;
    for (request, code, reason) in [
        (
            SubmitRequest {
                payload_json: "{}".into(),
                ..create.clone()
            },
            Code::InvalidArgument,
            "invalid-payload",
        ),
        (
            SubmitRequest {
                command_id: "g-1".into(),
                ..submit("G1", "change-price", price)
            },
            Code::FailedPrecondition,
            "idempotency-key-reused",
        ),
        (
            SubmitRequest {
                expected_version: Some(9),
                ..submit("G1", "change-price", price)
            },
            Code::Aborted,
            "version-conflict",
        ),
        (submit("G2", "change-price", price), Code::NotFound, "not-found"),
        (
            submit("G1", "create", &product().to_string()),
            Code::AlreadyExists,
            "already-exists",
        ),
        (
            submit("", "create", &product().to_string()),
            Code::InvalidArgument,
            "invalid-id",
        ),
        (
            submit("G1", "create", "nonsense"),
            Code::InvalidArgument,
            "invalid-json",
        ),
        (submit("G1", "explode", "{}"), Code::NotFound, "unknown-command"),
    ] {
        let status = commands.submit(server.authorize(request)).await.unwrap_err();
        let info = error_info(&status).unwrap();
        assert_eq!(
            (status.code(), info.reason.as_str(), info.domain.as_str()),
            (code, reason, "headwater"),
            "{status}"
        );
        assert!(!info.metadata["trace_id"].is_empty());
    }
    let status = commands.submit(create).await.unwrap_err();
    assert_eq!(
        (status.code(), error_info(&status).unwrap().reason.as_str()),
        (Code::Unauthenticated, "unauthenticated")
    );
}

#[tokio::test]
async fn commits_hold_the_address_of_the_client_whatever_edge_they_came_by() {
    let server = Server::start().await;
    let mut commands = server.commands().await;
    let product = product();
    commands
        .submit(server.authorize(submit("C1", "create", &product.to_string())))
        .await
        .unwrap();
    let many = stream::iter([submit("C2", "create", &product.to_string())]);
    let answers = commands.submit_many(server.authorize(many)).await.unwrap().into_inner();
    assert_eq!(answers.count().await, 1);
    server.create("C3").await;
    server.batch(line("C4", "create", &product)).await;
    let (operator, demo) = (server.key.operator(), TenantId::new("demo").unwrap());
    let scope = server.directory.scope(&operator, &demo).await.unwrap();
    let products = AggregateType::of::<headwater_catalog::product::Product>();
    for id in ["C1", "C2", "C3", "C4"] {
        let commits = server
            .log
            .commits(&scope, &products, &Id::new(id).unwrap(), 1)
            .await
            .unwrap();
        let client = commits[0].client.as_deref().unwrap().get();
        assert_eq!(
            client, r#"{"$pd":{"v":0,"subject":"user:ann","value":"127.0.0.1"}}"#,
            "{id}"
        );
    }
}

#[tokio::test]
async fn many_commands_in_order() {
    let server = Server::start().await;
    let mut commands = server.commands().await;
    let mut requests = vec![
        submit("M1", "create", &product().to_string()),
        submit("M1", "explode", "{}"),
    ];
    requests.extend((1..=100).map(|n| submit("M1", "change-price", &format!("{{\"price_cents\":{n}}}"))));
    let answers = commands
        .submit_many(server.authorize(stream::iter(requests)))
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers.len(), 102);
    for (at, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.number, at as u64 + 1);
        match answer.outcome.unwrap() {
            Outcome::Accepted(accepted) => {
                assert_eq!(accepted.receipt.unwrap().version, if at == 0 { 1 } else { at as u64 });
            }
            Outcome::Problem(problem) => {
                assert_eq!((at, problem.code.as_str(), problem.status), (1, "unknown-command", 404))
            }
        }
    }
    let status = commands.submit_many(stream::iter([])).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn messages_that_are_too_large() {
    let server = Server::start().await;
    let mut commands = server.commands().await;
    let large = |megabytes: usize| submit("L1", "create", &" ".repeat(megabytes << 20));
    let status = commands.submit(server.authorize(large(2))).await.unwrap_err();
    assert_eq!(error_info(&status).unwrap().reason, "payload-too-large");
    assert!(commands.submit(server.authorize(large(30))).await.is_err());
    // A batch answers what came before what cannot be read, and then says that it broke.
    let requests = vec![
        submit("L1", "create", &product().to_string()),
        large(2),
        large(8),
        submit("L1", "explode", "{}"),
    ];
    let answers = commands
        .submit_many(server.authorize(stream::iter(requests)))
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.collect().await;
    assert!(matches!(
        answers[0].as_ref().unwrap().outcome,
        Some(Outcome::Accepted(_))
    ));
    assert!(
        matches!(answers[1].as_ref().unwrap().outcome, Some(Outcome::Problem(ref problem)) if problem.status == 413)
    );
    assert_eq!(
        (answers.len(), answers[2].as_ref().unwrap_err().code()),
        (3, Code::OutOfRange)
    );
}

#[tokio::test]
async fn schemas() {
    let server = Server::start().await;
    let mut schemas = SchemaServiceClient::connect(format!("http://{}", server.grpc))
        .await
        .unwrap();
    let ask = |name: &str| server.authorize(GetSchemaRequest { name: name.into() });
    let schema = schemas
        .get_schema(ask("catalog.products.ProductCreated"))
        .await
        .unwrap()
        .into_inner();
    assert!(std::str::from_utf8(&schema.schema_json).unwrap().contains("2020-12"));
    let status = schemas.get_schema(ask("catalog.products.creat")).await.unwrap_err();
    assert!(
        status.message().contains("did you mean catalog.products.create?"),
        "{status}"
    );
}
