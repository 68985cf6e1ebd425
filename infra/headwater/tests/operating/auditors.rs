//! Auditors of a tenant read its audit log by HTTP, all of it and nothing of another's.

use crate::{
    on,
    process::{Client, Serve},
};
use headwater_edge::v1::{AuditRequest, query_service_client::QueryServiceClient};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};
use tonic::{Code, transport::Channel};

/// All lines, page by page.
async fn pages(client: &Client, url: &str, parameters: &str) -> Vec<Value> {
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = client.get(&format!("{url}?{parameters}{cursor}"), None).await;
        assert_eq!(status, 200, "{page}");
        lines.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return lines,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tenant_has_its_own_lines() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    fs::write(
        &config,
        "data = \"d\"\nhttp = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
         tenants = [\"acme:us\", \"globex:us\"]\ndynamodb.adapter = \"embedded\"\nauth.allow_development_key = true\n",
    )
    .unwrap();
    let data = folder.path().join("d");
    let token = |tenant: &str, role: &str| {
        let (_, token, _) = on(&data, &["token", "--tenant", tenant, "--role", role, "--subject", role]);
        token.trim().to_owned()
    };
    let process = Serve::start(&config, &[]);
    let url = format!("{}/v1/audit", process.http);
    for tenant in ["acme", "globex"] {
        let client = Client::new(&token(tenant, "member"));
        for n in 0..5 {
            let lead = json!({ "name": format!("Ada of {tenant}") });
            let path = format!("{}/v1/crm/leads/L{n}/capture", process.http);
            assert_eq!(client.post(&path, &lead).await.0, 200);
        }
        assert_eq!(client.get(&url, None).await.0, 403);
    }
    let [acme, globex] = ["acme", "globex"].map(|tenant| Client::new(&token(tenant, "auditor")));
    let since = Instant::now();
    let lines = loop {
        let lines = pages(&acme, &url, "").await;
        if lines.len() == 6 && pages(&globex, &url, "").await.len() == 6 {
            break lines;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "{lines:#?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    assert!(lines.iter().all(|line| line["tenant"] == "acme"));
    let captured: Vec<_> = lines.iter().filter(|line| line["type"] == "LeadCaptured").collect();
    assert_eq!(captured.len(), 5);
    assert_eq!(
        (&captured[0]["data"]["name"], &captured[0]["client"]),
        (&json!("Ada of acme"), &json!("127.0.0.1"))
    );
    let refused = lines.iter().find(|line| line["outcome"] == "refused").unwrap();
    assert_eq!(
        (&refused["route"], &refused["code"]),
        (&json!("GET /v1/audit"), &json!("forbidden"))
    );
    assert!(!json!(lines).to_string().contains("globex"));

    // Page by page it is the same, in the same order; and what was asked for.
    assert_eq!(pages(&acme, &url, "limit=1").await, lines);
    assert_eq!(
        pages(&acme, &url, "type=LeadCaptured&actor=user:member&limit=2")
            .await
            .len(),
        5
    );
    assert_eq!(pages(&acme, &url, "actor=user:nobody").await, [] as [Value; 0]);
    let third = captured[2]["time"].as_str().unwrap();
    assert_eq!(
        pages(&acme, &url, &format!("type=LeadCaptured&from={third}"))
            .await
            .len(),
        3
    );
    assert_eq!(
        pages(&acme, &url, &format!("type=LeadCaptured&to={third}")).await.len(),
        2
    );
    assert_eq!(
        pages(&acme, &url, "from=2026-01-01&type=LeadCaptured").await.len(),
        5,
        "over many pages of empty days"
    );

    // A cursor is of its tenant and its question.
    let (_, page) = acme.get(&format!("{url}?limit=1&type=LeadCaptured"), None).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for (client, parameters, code) in [
        (&globex, format!("cursor={cursor}"), "invalid-cursor"),
        (&acme, format!("cursor={cursor}&type=LeadLost"), "invalid-cursor"),
        (&acme, format!("cursor={cursor}&from=2026-01-01"), "invalid-cursor"),
        (&acme, format!("cursor={cursor}x"), "invalid-cursor"),
        (&acme, "tenant=globex".to_owned(), "unknown-parameter"),
        (&acme, "limit=0".to_owned(), "invalid-parameter"),
        (&acme, "from=yesterday".to_owned(), "invalid-parameter"),
        (&acme, "from=2026-02-01&to=2026-01-01".to_owned(), "invalid-parameter"),
        (&acme, "actor=a&actor=b".to_owned(), "invalid-parameter"),
    ] {
        let (status, problem) = client.get(&format!("{url}?{parameters}"), None).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (400, Some(code)),
            "{parameters}: {problem}"
        );
    }
    let (_, openapi) = acme.text(&format!("{}/openapi.json", process.http)).await;
    assert!(openapi.contains("\"/v1/audit\""));

    // By gRPC it is the same.
    let channel = Channel::from_shared(format!("http://{}", process.grpc)).unwrap();
    let mut queries = QueryServiceClient::new(channel.connect().await.unwrap());
    let mut ask = async |tenant: &str, role: &str, message: AuditRequest| {
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {}", token(tenant, role)).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        queries.audit(request).await.map(tonic::Response::into_inner)
    };
    let captured_by = AuditRequest {
        actor: "user:member".into(),
        r#type: "LeadCaptured".into(),
        limit: 4,
        ..AuditRequest::default()
    };
    let page = ask("acme", "admin", captured_by.clone()).await.unwrap();
    let by_grpc: Vec<Value> = page
        .items_json
        .iter()
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(by_grpc.iter().collect::<Vec<_>>(), captured[..4]);
    let next = AuditRequest {
        cursor: page.next_cursor.clone(),
        ..AuditRequest::default()
    };
    assert_eq!(ask("acme", "auditor", next.clone()).await.unwrap().items_json.len(), 1);
    assert_eq!(
        ask("globex", "auditor", next).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        ask("acme", "member", captured_by).await.unwrap_err().code(),
        Code::PermissionDenied
    );

    // The command line asks the same.
    let by_url = [
        "audit-log",
        "search",
        "--tenant",
        "globex",
        "--type",
        "LeadCaptured",
        "--url",
        &process.http,
    ];
    let (status, out, error) = on(&data, &by_url);
    assert_eq!((status, out.lines().count()), (Some(0), 5), "{error}");
    assert!(out.lines().all(|line| line.contains("Ada of globex")));
    assert!(process.terminate().0.success());
}
