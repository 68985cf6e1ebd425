//! The JSON schemas of all commands and events by name, for HTTP and gRPC.

use crate::v1::{
    GetSchemaRequest, GetSchemaResponse, ListSchemasRequest, ListSchemasResponse, schema_service_server::SchemaService,
};
use crate::{Edge, Problem, nearest};
use ::http::StatusCode;
use headwater_kernel::AggregateType;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tonic::{Request, Response, Status};

/// The schemas: `catalog.products.create`, `catalog.products.ProductCreated`. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Schemas(Arc<BTreeMap<String, Value>>);

impl Schemas {
    /// Those of the commands and events of `aggregates`.
    pub fn of<'a>(aggregates: impl IntoIterator<Item = &'a AggregateType>) -> Self {
        let mut all = BTreeMap::new();
        for aggregate in aggregates {
            for (name, description, schema) in aggregate.commands().into_iter().chain(aggregate.events()) {
                let name = format!("{}.{}.{name}", aggregate.context, aggregate.name);
                let mut whole = schema;
                if let Some(members) = whole.as_object_mut() {
                    members.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
                    members.insert("$id".into(), json!(format!("/schemas/{name}")));
                    members.insert("title".into(), json!(name));
                    if !description.is_empty() {
                        members.insert("description".into(), json!(description));
                    }
                }
                all.insert(name, whole);
            }
        }
        Self(Arc::new(all))
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// One schema.
    ///
    /// # Errors
    /// 404 `unknown-schema`, with the nearest name.
    pub fn get(&self, name: &str) -> Result<&Value, Problem> {
        self.0.get(name).ok_or_else(|| {
            let mut detail = "there is no schema of this name; /schemas lists them".to_owned();
            if let Some(near) = nearest(name, self.names()) {
                detail = format!("{detail}; did you mean {near}?");
            }
            Problem::new(StatusCode::NOT_FOUND, "unknown-schema", detail)
        })
    }

    /// The gRPC service, for callers whom `edge` lets in.
    pub fn grpc(&self, edge: Edge) -> crate::v1::schema_service_server::SchemaServiceServer<impl SchemaService> {
        crate::v1::schema_service_server::SchemaServiceServer::new(Service {
            schemas: self.clone(),
            edge,
        })
    }
}

struct Service {
    schemas: Schemas,
    edge: Edge,
}

#[tonic::async_trait]
impl SchemaService for Service {
    async fn list_schemas(
        &self,
        request: Request<ListSchemasRequest>,
    ) -> Result<Response<ListSchemasResponse>, Status> {
        let names = self.schemas.names().map(str::to_owned).collect();
        let work = |_| async { Ok(Response::new(ListSchemasResponse { names })) };
        self.edge.unary(request.metadata(), request.extensions(), work).await
    }

    async fn get_schema(&self, request: Request<GetSchemaRequest>) -> Result<Response<GetSchemaResponse>, Status> {
        let work = |_| async {
            let schema = self.schemas.get(&request.get_ref().name)?;
            Ok(Response::new(GetSchemaResponse {
                schema_json: schema.to_string().into(),
            }))
        };
        self.edge.unary(request.metadata(), request.extensions(), work).await
    }
}
