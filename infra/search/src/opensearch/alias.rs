//! A tenant's own way into the cluster, for who gives tenants direct access: an alias with the tenant as its filter and its route. What the cluster's
//! access control then allows is that alias alone. Headwater itself does not search by it.

use super::{Cluster, OpenSearchIndex, classified, places::Places};
use crate::{Error, IndexName};
use ::opensearch::http::Method;
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

impl OpenSearchIndex {
    /// The name of a tenant's alias for a kind.
    pub fn tenant_alias(cluster: &Cluster, scope: &TenantScope, kind: &str) -> String {
        format!("{}{kind}-tenant-{}", cluster.prefix(), scope.tenant())
    }

    /// Lets the tenant's alias be of this index, or of the tenant's own beside it, which has to be there, and of no other: to be done again when another generation is live. Who
    /// searches by the alias sees the one or the other, never both or neither.
    ///
    /// # Errors
    /// [`Error::Missing`] when the index is not there; else as classified.
    pub async fn point_tenant_alias(cluster: &Cluster, scope: &TenantScope, name: &IndexName) -> Result<(), Error> {
        let alias = Self::tenant_alias(cluster, scope, &name.kind);
        let shared = format!("{}{name}", cluster.prefix());
        let found = cluster
            .expect(Method::Get, &format!("/{shared}/_mapping"), None)
            .await?;
        let index = Places::read(&shared, &found[&shared]["mappings"]).of(scope.tenant().as_str());
        let old = aliased(cluster, &alias).await?.into_iter().filter(|old| *old != index);
        let mut actions: Vec<Value> = old
            .map(|old| json!({"remove": {"index": old, "alias": alias}}))
            .collect();
        let tenant = scope.tenant().as_str();
        actions.push(json!({"add": {
            "index": index, "alias": alias, "filter": {"term": {"tenant": tenant}}, "routing": tenant, "is_write_index": false,
        }}));
        change(cluster, &actions).await
    }

    /// Takes the tenant's alias away; nothing happens when there is none.
    ///
    /// # Errors
    /// As classified.
    pub async fn remove_tenant_alias(cluster: &Cluster, scope: &TenantScope, kind: &str) -> Result<(), Error> {
        let alias = Self::tenant_alias(cluster, scope, kind);
        let old = aliased(cluster, &alias).await?.into_iter();
        let actions: Vec<Value> = old
            .map(|old| json!({"remove": {"index": old, "alias": alias}}))
            .collect();
        if actions.is_empty() {
            return Ok(());
        }
        change(cluster, &actions).await
    }
}

/// The indexes that an alias is of.
async fn aliased(cluster: &Cluster, alias: &str) -> Result<Vec<String>, Error> {
    let answer = cluster.send(Method::Get, &format!("/_alias/{alias}"), None).await?;
    match answer.status {
        200 => Ok(answer
            .body
            .as_object()
            .map(|indexes| indexes.keys().cloned().collect())
            .unwrap_or_default()),
        404 => Ok(Vec::new()),
        status => Err(classified(status, &answer.body)),
    }
}

async fn change(cluster: &Cluster, actions: &[Value]) -> Result<(), Error> {
    let body = json!({ "actions": actions }).to_string();
    cluster.expect(Method::Post, "/_aliases", Some(body)).await.map(drop)
}
