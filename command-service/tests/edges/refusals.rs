//! What is refused to a known caller is told to its tenant's audit log, once, by whatever edge; and what is not.

use crate::server::{Answer, Server, line, product};
use futures::{StreamExt, stream};
use headwater_edge::{Refused, v1::SubmitRequest};
use headwater_tenancy::Role;
use serde_json::{Value, json};
use std::time::Duration;

fn taken(server: &Server) -> Vec<Refused> {
    server.refusals.take(server.runtime.monotonic(), true)
}

/// Route, status, code and command of each, in order.
fn told(server: &Server) -> Vec<Value> {
    let told = taken(server).into_iter().flat_map(|of| {
        assert_eq!((of.tenant.as_str(), &of.left_out), ("demo", &None));
        of.requests
    });
    let told = told.map(|one| {
        assert_eq!(one.actor, "user:ann");
        assert!(one.trace_id.is_some() && one.client.is_some());
        let command = one
            .command
            .map(|command| [command.context, command.aggregate, command.id, command.name]);
        json!([one.route, one.status, one.code, command, one.correlation_id])
    });
    told.collect()
}

#[tokio::test]
async fn by_http() {
    let server = Server::start().await;
    server.create("R1").await;
    assert_eq!(told(&server), [] as [Value; 0]);
    let correlated = server.post("/v1/catalog/products/R1/create?secret=x");
    Answer::of(correlated.header("x-correlation-id", "c-1").json(&product())).await;
    let auditor = server.token_of("demo", &[Role::Auditor], Duration::from_secs(60));
    let path = "/v1/catalog/products/R2/create";
    for token in [&auditor, "forged"] {
        Answer::of(server.client.post(server.url(path)).bearer_auth(token).json(&product())).await;
    }
    Answer::of(server.client.get(server.url("/v1/nothing")).bearer_auth(server.token())).await;
    Answer::of(
        server
            .client
            .get(server.url("/v1/commands"))
            .bearer_auth(server.token()),
    )
    .await;
    server
        .batch(
            [
                line("R1", "explode", &json!({})),
                "nonsense".to_owned(),
                line("R3", "create", &product()),
            ]
            .join("\n"),
        )
        .await;
    let created = ["catalog", "products", "R1", "create"];
    let exploded = ["catalog", "products", "R1", "explode"];
    let mut all = told(&server);
    all.sort_by_key(Value::to_string);
    assert_eq!(
        all,
        [
            json!(["GET /v1/nothing", 404, "no-such-route", null, null]),
            json!([
                "POST /v1/catalog/products/R1/create",
                422,
                "already-exists",
                created,
                "c-1"
            ]),
            json!(["POST /v1/catalog/products/R2/create", 403, "forbidden", null, null]),
            json!(["POST /v1/commands", 400, "invalid-json", null, null]),
            json!(["POST /v1/commands", 404, "unknown-command", exploded, null]),
        ],
        "a forged token is nobody's, and a read by a wrong method tells nothing"
    );
}

#[tokio::test]
async fn by_grpc() {
    let server = Server::start().await;
    let mut commands = server.commands().await;
    let submit = |id: &str| SubmitRequest {
        context: "catalog".into(),
        aggregate: "products".into(),
        id: id.into(),
        command: "discontinue".into(),
        correlation_id: "c-2".into(),
        ..SubmitRequest::default()
    };
    commands.submit(server.authorize(submit("G1"))).await.unwrap_err();
    commands.submit(submit("G1")).await.unwrap_err();
    let answers = commands.submit_many(server.authorize(stream::iter([submit("G2")])));
    assert_eq!(answers.await.unwrap().into_inner().count().await, 1);
    let of = |method: &str, id: &str| {
        let command = ["catalog", "products", id, "discontinue"];
        json!([
            format!("/headwater.v1.CommandService/{method}"),
            404,
            "not-found",
            command,
            "c-2"
        ])
    };
    assert_eq!(told(&server), [of("Submit", "G1"), of("SubmitMany", "G2")]);
}

/// 100,000 refused commands are some lines and a number.
#[tokio::test(flavor = "multi_thread")]
async fn an_attack_is_bounded() {
    let server = Server::start().await;
    let lines = (0..100_000).map(|n| line(&format!("A{n}"), "explode", &json!({})) + "\n");
    let answer = server.batch(lines.collect::<String>()).await;
    assert_eq!(answer.text.lines().count(), 100_000);
    let [of] = &taken(&server)[..] else {
        panic!("one tenant was refused")
    };
    let counted = of.left_out.as_ref().unwrap().counts["unknown-command"];
    assert!((50..=60).contains(&of.requests.len()), "{}", of.requests.len());
    assert_eq!(of.requests.len() as u64 + counted, 100_000);
}
