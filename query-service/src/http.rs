//! Reads by HTTP.

use crate::{
    QueryService, audit,
    consistency::Consistency,
    lists::{LISTS, List},
    metrics,
    parameters::Parameters,
    prices,
    searches::SEARCHES,
    service::Listed,
    subscribe::{self, LAST_EVENT_ID},
};
use ::http::{HeaderMap, HeaderValue, header::ETAG};
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use headwater_edge::{Authenticated, Edge, Pairs, Problem};
use serde_json::{Value, json};
use std::collections::HashMap;

#[derive(Clone)]
struct Service {
    queries: QueryService,
    edge: Edge,
}

/// The routes of reads, to be wrapped with [`Edge::http`].
pub fn router(service: QueryService, edge: Edge) -> Router {
    let mut routes = Router::new()
        .route("/v1/{context}/{aggregates}/{id}", get(view))
        .route("/v1/{context}/{aggregates}/{id}/history", get(history));
    routes = routes.route("/v1/events", get(events));
    routes = routes.route(prices::PATH, get(price));
    routes = routes.route(audit::PATH, get(audit_lines));
    routes = routes
        .route(metrics::ALL, get(metric_series))
        .route(metrics::ONE, get(metric));
    for of_list in LISTS {
        let handler = move |service: State<Service>, caller: Authenticated, path, headers: HeaderMap, query: Pairs| {
            list(of_list, service, caller, path, headers, query)
        };
        routes = routes.route(&of_list.path(), get(handler));
    }
    for of_search in SEARCHES {
        let handler = move |service: State<Service>, caller: Authenticated, headers: HeaderMap, query: Pairs| {
            search(of_search.kind, service, caller, headers, query)
        };
        routes = routes.route(&format!("/v1/search/{}", of_search.kind), get(handler));
        if of_search.suggests {
            let handler = move |service: State<Service>, caller: Authenticated, headers: HeaderMap, query: Pairs| {
                suggest(of_search.kind, service, caller, headers, query)
            };
            routes = routes.route(&of_search.suggest_path(), get(handler));
        }
    }
    routes.with_state(Service { queries: service, edge })
}

async fn view(
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Path((context, aggregate, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Response, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let (view, version) = queries
        .view(
            &caller.scope,
            [&context, &aggregate, &id],
            &Parameters::new(query),
            consistency.as_ref(),
        )
        .await?;
    let mut response = Json(view).into_response();
    let tag = HeaderValue::try_from(format!("\"{version}\""));
    response.headers_mut().extend(tag.ok().map(|tag| (ETAG, tag)));
    Ok(response)
}

async fn history(
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Path((context, aggregate, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let parameters = Parameters::new(query);
    let path = [&*context, &*aggregate, &*id];
    let page = queries.history(&caller.scope, path, &parameters, consistency.as_ref());
    Ok(page_of(page.await?))
}

async fn price(
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let parameters = Parameters::new(query);
    let price = queries.price(&caller.scope, &id, &parameters, consistency.as_ref());
    Ok(Json(price.await?.0))
}

async fn metric_series(
    State(Service { queries, .. }): State<Service>,
    Authenticated(caller): Authenticated,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let series = queries.metric_series(&caller.scope, &Parameters::new(query)).await;
    Ok(Json(series?))
}

async fn metric(
    State(Service { queries, .. }): State<Service>,
    Authenticated(caller): Authenticated,
    Path(series): Path<String>,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let bins = queries.metrics(&caller.scope, &series, &Parameters::new(query)).await;
    Ok(Json(bins?))
}

async fn audit_lines(
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    // A page may take as much as a search.
    let _place = edge.admit_search(caller.scope.tenant())?;
    Ok(page_of(queries.audit(&caller.scope, &Parameters::new(query)).await?))
}

async fn events(
    State(Service { queries, .. }): State<Service>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Response, Problem> {
    // What is no text was never an id of ours, and is refused as any other.
    let last = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?"));
    let subscription = queries.subscribe(&caller.scope, query, last).await?;
    Ok(subscribe::response(subscription))
}

async fn list(
    list: &'static List,
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    Path(path): Path<HashMap<String, String>>,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let parameters = Parameters::new(query);
    let parent = path.get("id").map(String::as_str);
    let page = queries.list(&caller.scope, list, parent, &parameters, consistency.as_ref());
    Ok(page_of(page.await?))
}

async fn search(
    kind: &'static str,
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let parameters = Parameters::new(query);
    let _place = edge.admit_search(caller.scope.tenant())?;
    let answer = queries.search(&caller.scope, kind, &parameters, consistency.as_ref());
    Ok(Json(answer.await?))
}

async fn suggest(
    kind: &'static str,
    State(Service { queries, edge }): State<Service>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Pairs(query): Pairs,
) -> Result<Json<Value>, Problem> {
    let consistency = Consistency::of_headers(&headers, edge.limits().deadline)?;
    let parameters = Parameters::new(query);
    let _place = edge.admit_search(caller.scope.tenant())?;
    let answer = queries.suggest(&caller.scope, kind, &parameters, consistency.as_ref());
    Ok(Json(answer.await?))
}

fn page_of(Listed { items, next_cursor }: Listed) -> Json<Value> {
    let mut page = json!({});
    page["items"] = items.into();
    if let Some(cursor) = next_cursor {
        page["next_cursor"] = cursor.into();
    }
    Json(page)
}
