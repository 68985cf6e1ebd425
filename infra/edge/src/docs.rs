//! What describes the interface to whoever has no token yet: `/openapi.json`, `/docs`, `/schemas`.

use crate::{Problem, Schemas};
use ::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::{Json, Router, extract::Path, response::IntoResponse, routing::get};
use bytes::Bytes;
use serde_json::{Value, json};

/// One file, which loads nothing from elsewhere; its policy holds it to that.
const PAGE: &str = include_str!("docs.html");
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes at the root that describe the interface; none needs a token.
pub fn docs(openapi: &Value, schemas: Schemas) -> Router {
    let openapi = Bytes::from(openapi.to_string());
    let page = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    let list: Value = schemas
        .names()
        .map(|name| json!({ "name": name, "path": format!("/schemas/{name}") }))
        .collect();
    let schema = move |Path(name): Path<String>| async move {
        let schema = schemas.get(&name)?;
        Ok::<_, Problem>(([(CONTENT_TYPE, "application/schema+json")], schema.to_string()).into_response())
    };
    Router::new()
        .route(
            "/openapi.json",
            get(move || async move { ([(CONTENT_TYPE, "application/json")], openapi) }),
        )
        .route("/docs", get(move || async move { (page, PAGE) }))
        .route("/schemas", get(move || async move { Json(json!({ "items": list })) }))
        .route("/schemas/{name}", get(schema))
}

#[cfg(test)]
mod tests {
    use super::PAGE;

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for reference in ["http:", "https:", "src=", "href=", "@import", "url(", "<link", "//cdn"] {
            assert!(!PAGE.contains(reference), "{reference}");
        }
    }
}
