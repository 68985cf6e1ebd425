//! Subscriptions over real sockets: server-sent events with resuming, gRPC, and what is refused.

use crate::{
    given::{Given, scope},
    serving::{Frames, Served, feed, service, unread},
};
use futures::{StreamExt, future::join_all};
use headwater_edge::v1::{SubscribeRequest, subscribe_response::Message};
use headwater_query_service::SubscriptionOptions;
use headwater_tests::account::{CONTEXT, Command};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn server_sent_events_resume_by_their_last_id_after_a_reconnect() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let queries = service(&given, SubscriptionOptions::default());
    let served = Served::start(&given, &queries).await;
    let writer = given.writer();
    for cents in 1..=5 {
        given.deposit(&acme, "A1", cents).await;
    }
    feed(&given, &writer).await;
    let mut frames = Frames::of(served.get("acme", "/v1/events").send().await.unwrap());
    let first = frames.next().await.unwrap();
    assert!(
        first.event.is_empty() && !first.id.is_empty(),
        "where to resume comes at once"
    );
    let seen = frames.events(3).await;
    assert_eq!(seen[2].event, "Deposited");
    let data = &seen[2].data;
    assert_eq!(
        (
            &data["context"],
            &data["aggregate"],
            &data["id"],
            &data["sequence"],
            &data["type"],
            &data["schema_version"]
        ),
        (
            &json!(CONTEXT),
            &json!("accounts"),
            &json!("A1"),
            &json!(3),
            &json!("Deposited"),
            &json!(3)
        )
    );
    assert_eq!(
        (&data["data"], &data["actor"]),
        (&json!({ "cents": 3 }), &json!(acme.actor().as_str()))
    );
    assert!(data["occurred_at"].as_str().unwrap().ends_with('Z'));
    // The connection breaks; meanwhile more happens. The client comes back as an EventSource does, with the same URL.
    drop(frames);
    for cents in 6..=8 {
        given.deposit(&acme, "A1", cents).await;
    }
    feed(&given, &writer).await;
    let back = served
        .get("acme", "/v1/events?after=now")
        .header("last-event-id", &seen[2].id);
    let mut frames = Frames::of(back.send().await.unwrap());
    let rest = frames.events(5).await;
    let cents: Vec<_> = rest
        .iter()
        .map(|frame| frame.data["data"]["cents"].as_u64().unwrap())
        .collect();
    assert_eq!(cents, [4, 5, 6, 7, 8]);
    // And live, without asking again.
    let mut now = Frames::of(served.get("acme", "/v1/events?after=now").send().await.unwrap());
    now.next().await.unwrap();
    given.deposit(&acme, "A1", 9).await;
    feed(&given, &writer).await;
    for frames in [&mut frames, &mut now] {
        assert_eq!(frames.events(1).await[0].data["sequence"], 9);
    }
    // The end is told, and the connection is over.
    queries.close_subscriptions();
    let end = frames.events(1).await.remove(0);
    assert_eq!((end.event.as_str(), &end.data["code"]), ("end", &json!("closing")));
    assert_eq!(end.data["cursor"], json!(end.id));
    assert!(frames.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_subscribers_get_the_same() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let queries = service(&given, SubscriptionOptions::default());
    let served = Served::start(&given, &queries).await;
    let writer = given.writer();
    for cents in 1..=3 {
        given.deposit(&acme, "A1", cents).await;
    }
    feed(&given, &writer).await;
    let mut client = served.queries().await;
    let mut subscribe = async |after: String, types: &[&str]| {
        let mut request = tonic::Request::new(SubscribeRequest {
            after,
            contexts: vec![CONTEXT.into()],
            types: types.iter().map(|name| (*name).into()).collect(),
        });
        request
            .metadata_mut()
            .insert("authorization", served.token("acme").parse().unwrap());
        client.subscribe(request).await.map(tonic::Response::into_inner)
    };
    let mut stream = subscribe(String::new(), &[]).await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert!(matches!(first.message, Some(Message::Heartbeat(_))));
    let mut cursor = String::new();
    for sequence in 1..=2 {
        let response = stream.message().await.unwrap().unwrap();
        let Some(Message::Event(event)) = response.message else {
            panic!("no event")
        };
        assert_eq!(
            (event.sequence, event.r#type.as_str(), event.schema_version),
            (sequence, "Deposited", 3)
        );
        assert_eq!(event.data_json, format!("{{\"cents\":{sequence}}}").into_bytes());
        cursor = response.cursor;
    }
    let mut stream = subscribe(cursor, &["Deposited"]).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let Some(Message::Event(event)) = stream.message().await.unwrap().unwrap().message else {
        panic!("no event")
    };
    assert_eq!(event.sequence, 3);
    queries.close_subscriptions();
    let Some(Message::End(end)) = stream.message().await.unwrap().unwrap().message else {
        panic!("no end")
    };
    assert_eq!(end.code, "closing");
    assert!(stream.message().await.unwrap().is_none());
    let refused = subscribe("x".into(), &[]).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_a_problem() {
    headwater_runtime::tls::use_ring();
    let given = Given::new().await;
    let queries = service(&given, SubscriptionOptions::default());
    let served = Served::start(&given, &queries).await;
    for (path, code) in [
        ("/v1/events?after=nonsense", "invalid-cursor"),
        ("/v1/events?context=nonsense", "invalid-parameter"),
        ("/v1/events?type=Nonsense", "invalid-parameter"),
        ("/v1/events?limit=3", "unknown-parameter"),
    ] {
        let answer = served.get("acme", path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(
            answer.json::<serde_json::Value>().await.unwrap()["code"],
            code,
            "{path}"
        );
    }
    let nobody = reqwest::get(format!("http://{}/v1/events", served.http)).await.unwrap();
    assert_eq!(nobody.status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_connections_get_an_event_soon() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let queries = service(&given, SubscriptionOptions::default());
    let served = Served::start(&given, &queries).await;
    let writer = given.writer();
    let mut all = Vec::new();
    for _ in 0..300 {
        let mut frames = Frames::of(served.get("acme", "/v1/events?after=now").send().await.unwrap());
        frames.next().await.unwrap();
        all.push(frames);
    }
    for sequence in 1..=3 {
        given.deposit(&acme, "A1", 1).await;
        let started = given.runtime.monotonic();
        feed(&given, &writer).await;
        let seen = given.runtime.timeout(
            Duration::from_secs(10),
            join_all(all.iter_mut().map(|frames| frames.events(1))),
        );
        let seen = seen.await.unwrap();
        assert!(seen.iter().all(|events| events[0].data["sequence"] == sequence));
        println!(
            "one event to 300 connections, its feed included: {:?}",
            given.runtime.monotonic() - started
        );
    }
}

/// The end is the last frame, also while events lie ready to be sent.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_after_the_end() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let queries = service(&given, SubscriptionOptions::default());
    given
        .command(&acme, "A1", Command::DepositTimes { cents: 1, times: 90 })
        .await;
    feed(&given, &given.writer()).await;
    let mut body = unread(&given, &queries, "/v1/events").await;
    let mut text = String::new();
    while !text.contains("event: Deposited") {
        let frames = body.next().await.expect("the stream goes on").unwrap();
        text.push_str(std::str::from_utf8(&frames).unwrap());
    }
    assert!(!text.contains("\"sequence\":90"), "the rest lies ready");
    queries.close_subscriptions();
    while let Some(frames) = body.next().await {
        text.push_str(std::str::from_utf8(&frames.unwrap()).unwrap());
    }
    let end = text.rfind("event: end").expect("the end is told");
    assert!(!text[end..].contains("event: Deposited"), "{}", &text[end..]);
}

/// Nobody reads on with a token that opens nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_its_token() {
    let given = Given::new().await;
    let acme = scope("acme").await;
    let queries = service(&given, SubscriptionOptions::default());
    let served = Served::start(&given, &queries).await;
    let writer = given.writer();
    let token = served.token_for("acme", Duration::from_secs(2));
    let mut frames = Frames::of(served.get_with(&token, "/v1/events").send().await.unwrap());
    let mut request = tonic::Request::new(SubscribeRequest::default());
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let mut messages = served.queries().await.subscribe(request).await.unwrap().into_inner();
    // However much happens.
    let load = async {
        for cents in 1.. {
            given.deposit(&acme, "A1", cents).await;
            feed(&given, &writer).await;
            given.runtime.sleep(Duration::from_millis(50)).await;
        }
    };
    let ends = async {
        while let Some(frame) = frames.next().await {
            if frame.event == "end" {
                assert_eq!(frame.data["code"], "expired");
                assert_eq!(frames.next().await, None);
                break;
            }
        }
        while let Some(response) = messages.message().await.unwrap() {
            if let Some(Message::End(end)) = response.message {
                assert_eq!(end.code, "expired");
                break;
            }
        }
    };
    tokio::select! {
        () = load => {}
        ended = given.runtime.timeout(Duration::from_secs(20), ends) => ended.expect("the subscriptions end"),
    }
    let late = served.get_with(&token, "/v1/events").send().await.unwrap();
    assert_eq!(late.status().as_u16(), 401);
}
