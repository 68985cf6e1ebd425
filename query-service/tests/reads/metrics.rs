//! Metrics: the series that a tenant has, and the bins of one.

use crate::server::Server;
use headwater_edge::v1::{FilterValues, MetricSeriesRequest, MetricsRequest};
use headwater_kernel::Timestamp;
use headwater_metrics::{MetricStore, PointWrite};
use headwater_read_models::metrics::Point;
use serde_json::{Value, json};

fn point(series: &str, time: &str, by: (&str, &str), value: f64) -> Point {
    Point {
        series: series.to_owned(),
        dimensions: [(by.0.to_owned(), by.1.to_owned())].into(),
        time: Timestamp::parse(time).unwrap(),
        writer: 7,
        version: 1,
        value,
    }
}

/// Revenue of two days in two currencies and a meter; another tenant has a meter of its own.
async fn measured() -> Server {
    let server = Server::start().await;
    let revenue = |time, currency, cents| point("orders.revenue", time, ("currency", currency), cents);
    let demo = vec![
        revenue("2026-03-01T00:00:00Z", "EUR", 100.0),
        revenue("2026-03-01T10:59:59.999Z", "USD", 50.0),
        revenue("2026-03-01T11:00:00Z", "EUR", 1.0),
        revenue("2026-03-03T00:00:00Z", "EUR", 7.0),
        point("api-calls", "2026-03-01T10:00:00Z", ("plan", "pro"), 3.0),
    ];
    let other = vec![
        revenue("2026-03-01T10:00:00Z", "EUR", 9_999.0),
        point("their-calls", "2026-03-01T10:00:00Z", ("team", "secret"), 1.0),
    ];
    for (tenant, points) in [("demo", demo), ("other", other)] {
        let scope = headwater_tenancy::testing::scope(tenant).await;
        server.metrics.write(vec![PointWrite { scope, points }]).await.unwrap();
    }
    server
}

fn bins(answer: &Value) -> Vec<(String, Value)> {
    let item = |item: &Value| {
        let group = item["group"]["currency"].as_str().map(|group| format!("{group} "));
        let time = item["time"].as_str().unwrap();
        (format!("{}{time}", group.unwrap_or_default()), item["value"].clone())
    };
    answer["items"].as_array().unwrap().iter().map(item).collect()
}

#[tokio::test]
async fn bins_are_half_open_and_begin_at_midnight() {
    let server = measured().await;
    let answer = server
        .get("/v1/metrics/orders.revenue?from=2026-03-01&to=2026-03-03&bin=1d&stat=sum&fill=zero")
        .await
        .ok();
    assert_eq!(
        (&answer["series"], &answer["from"], &answer["to"]),
        (
            &json!("orders.revenue"),
            &json!("2026-03-01T00:00:00Z"),
            &json!("2026-03-04T00:00:00Z")
        ),
        "the day of an end is within"
    );
    let day = |n: u32, value: f64| (format!("2026-03-0{n}T00:00:00Z"), json!(value));
    assert_eq!(bins(&answer), [day(1, 151.0), day(2, 0.0), day(3, 7.0)]);
    let by_hour = "/v1/metrics/orders.revenue?from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:00Z&stat=sum";
    let answer = server.get(by_hour).await.ok();
    assert_eq!(bins(&answer), [("2026-03-01T10:00:00Z".to_owned(), json!(50.0))]);
}

#[tokio::test]
async fn groups_filters_and_what_fills_the_gaps() {
    let server = measured().await;
    let of = "/v1/metrics/orders.revenue?from=2026-03-01&to=2026-03-03&bin=1d&stat=sum";
    let grouped = server.get(&format!("{of}&group_by=currency")).await.ok();
    let expected = [
        ("EUR 2026-03-01T00:00:00Z".to_owned(), json!(101.0)),
        ("EUR 2026-03-03T00:00:00Z".to_owned(), json!(7.0)),
        ("USD 2026-03-01T00:00:00Z".to_owned(), json!(50.0)),
    ];
    assert_eq!(bins(&grouped), expected);
    let one = server.get(&format!("{of}&dim.currency=USD&fill=previous")).await.ok();
    let values: Vec<_> = bins(&one).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [json!(50.0), json!(50.0), json!(50.0)]);
    let both = server
        .get(&format!("{of}&dim.currency=USD&dim.currency=EUR&fill=null"))
        .await
        .ok();
    let values: Vec<_> = bins(&both).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [json!(151.0), Value::Null, json!(7.0)]);
}

#[tokio::test]
async fn without_an_interval_it_is_the_last_day() {
    let server = measured().await;
    let now = server.runtime.now();
    let scope = headwater_tenancy::testing::scope("demo").await;
    let points = vec![point("api-calls", &now.to_string(), ("plan", "pro"), 4.0)];
    server.metrics.write(vec![PointWrite { scope, points }]).await.unwrap();
    let answer = server.get("/v1/metrics/api-calls").await.ok();
    let values: Vec<_> = bins(&answer).into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [json!(4.0)], "the bin that it is now is within: {answer}");
}

#[tokio::test]
async fn what_there_is_not_is_said_by_name() {
    let server = measured().await;
    for (path, status, code, pointer) in [
        ("orders.revenu", 404, "unknown-series", ""),
        (
            "orders.revenue?dim.curency=EUR",
            400,
            "unknown-dimension",
            "/dim.curency",
        ),
        (
            "orders.revenue?group_by=currency,plan",
            400,
            "unknown-dimension",
            "/group_by",
        ),
        ("orders.revenue?bin=7m", 400, "invalid-parameter", "/bin"),
        ("orders.revenue?stat=median", 400, "invalid-parameter", "/stat"),
        ("orders.revenue?fill=gap", 400, "invalid-parameter", "/fill"),
        ("orders.revenue?from=yesterday", 400, "invalid-parameter", "/from"),
        ("orders.revenue?bins=1h", 400, "unknown-parameter", "/bins"),
        (
            "orders.revenue?from=2026-03-02&to=2026-03-01",
            400,
            "invalid-parameter",
            "/to",
        ),
        (
            "orders.revenue?from=2020-01-01&to=2026-03-01&bin=1m",
            400,
            "too-many-bins",
            "/bin",
        ),
    ] {
        let problem = server.get(&format!("/v1/metrics/{path}")).await.problem(status, code);
        let at = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(at, pointer, "{path}: {problem}");
    }
    let near = server.get("/v1/metrics/orders.revenu").await.json;
    assert!(
        near["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean orders.revenue?"),
        "{near}"
    );
}

#[tokio::test]
async fn another_tenants_series_points_and_dimensions_are_not_there() {
    let server = measured().await;
    let revenue = "/v1/metrics/orders.revenue?from=2026-03-01&to=2026-03-03&bin=1d&stat=max";
    let ours = bins(&server.get(revenue).await.ok());
    assert!(
        ours.iter().all(|(_, value)| value.as_f64().unwrap() < 9_999.0),
        "{ours:?}"
    );
    let series = server.get("/v1/metrics").await.ok().to_string();
    assert!(
        series.contains("api-calls") && !series.contains("their") && !series.contains("team"),
        "{series}"
    );
    let theirs = server.get("/v1/metrics/their-calls").await.json;
    let never = server.get("/v1/metrics/theyr-calls").await.json;
    assert_eq!(theirs["code"], "unknown-series");
    assert_eq!(theirs["code"], never["code"]);
    assert!(
        !theirs.to_string().contains("team") && !never.to_string().contains("their-calls"),
        "{never}"
    );
}

#[tokio::test]
async fn grpc_answers_the_same() {
    let server = measured().await;
    let mut queries = server.queries().await;
    let request = MetricsRequest {
        series: "orders.revenue".into(),
        from: "2026-03-01".into(),
        to: "2026-03-03".into(),
        bin: "1d".into(),
        stat: "sum".into(),
        dimensions: [(
            "currency".to_owned(),
            FilterValues {
                values: vec!["EUR".into()],
            },
        )]
        .into(),
        group_by: vec!["currency".into()],
        fill: "zero".into(),
    };
    let answer = queries.metrics(server.authorize(request)).await.unwrap().into_inner();
    let path = "/v1/metrics/orders.revenue?from=2026-03-01&to=2026-03-03&bin=1d&stat=sum&dim.currency=EUR&group_by=currency&fill=zero";
    let json: Value = serde_json::from_slice(&answer.result_json).unwrap();
    assert_eq!(json, server.get(path).await.ok());
    let series = queries
        .metric_series(server.authorize(MetricSeriesRequest {}))
        .await
        .unwrap();
    let json: Value = serde_json::from_slice(&series.into_inner().result_json).unwrap();
    assert_eq!(json, server.get("/v1/metrics").await.ok());
}
