//! Reads by gRPC, by the same functions as by HTTP.

use crate::{
    QueryService,
    consistency::Consistency,
    lists::{LISTS, List},
    parameters::Parameters,
    refusal::unknown,
    subscribe::{self, Responses},
};
use headwater_edge::{
    Edge, Problem,
    v1::{
        AuditRequest, AuditResponse, GetRequest, GetResponse, HistoryRequest, HistoryResponse, ListRequest,
        ListResponse, MetricSeriesRequest, MetricSeriesResponse, MetricsRequest, MetricsResponse, PriceRequest,
        PriceResponse, SearchRequest, SearchResponse, SubscribeRequest, SuggestRequest, SuggestResponse,
        query_service_server::{QueryService as Protocol, QueryServiceServer},
    },
};
use headwater_tenancy::Caller;
use serde_json::Value;
use tonic::{Request, Response, Status};

struct Service {
    queries: QueryService,
    edge: Edge,
}

/// `headwater.v1.QueryService`, to be added to the process's gRPC routes.
pub fn grpc(service: QueryService, edge: Edge) -> QueryServiceServer<impl Protocol> {
    let limit = edge.limits().max_body;
    let queries = service;
    QueryServiceServer::new(Service { queries, edge }).max_decoding_message_size(limit)
}

#[tonic::async_trait]
impl Protocol for Service {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let deadline = self.edge.limits().deadline;
            let consistency = Consistency::of_message(message.consistency, metadata.as_ref(), deadline)?;
            let path = [&*message.context, &*message.aggregate, &*message.id];
            let none = Parameters::default();
            let view = self.queries.view(&caller.scope, path, &none, consistency.as_ref());
            let (view, version) = view.await?;
            Ok(Response::new(GetResponse {
                view_json: view.to_string().into(),
                version,
            }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let deadline = self.edge.limits().deadline;
            let consistency = Consistency::of_message(message.consistency, metadata.as_ref(), deadline)?;
            let list = list_of(&message.context, &message.collection, &message.parent)?;
            let parent = list.parent.map(|_| &*message.parent_id);
            let paging = paging(message.limit, message.cursor);
            let parameters = Parameters::new(message.filters.into_iter().chain(paging));
            let page = self
                .queries
                .list(&caller.scope, list, parent, &parameters, consistency.as_ref());
            let page = page.await?;
            Ok(Response::new(ListResponse {
                items_json: page.items.iter().map(json).collect(),
                next_cursor: page.next_cursor.unwrap_or_default(),
            }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn price(&self, request: Request<PriceRequest>) -> Result<Response<PriceResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let deadline = self.edge.limits().deadline;
            let consistency = Consistency::of_message(message.consistency, metadata.as_ref(), deadline)?;
            let named = [
                given("product_id", message.product_id),
                given("variant_id", message.variant_id),
                given("at", message.at),
            ];
            let parameters = Parameters::new(named.into_iter().flatten());
            let list = &message.price_list_id;
            let price = self
                .queries
                .price(&caller.scope, list, &parameters, consistency.as_ref());
            let (price, version) = price.await?;
            Ok(Response::new(PriceResponse {
                price_json: price.to_string().into(),
                version,
            }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn search(&self, request: Request<SearchRequest>) -> Result<Response<SearchResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let deadline = self.edge.limits().deadline;
            let consistency = Consistency::of_message(message.consistency.clone(), metadata.as_ref(), deadline)?;
            let kind = message.kind.clone();
            let parameters = search_parameters(message);
            let _place = self.edge.admit_search(caller.scope.tenant())?;
            let answer = self
                .queries
                .search(&caller.scope, &kind, &parameters, consistency.as_ref());
            let result_json = answer.await?.to_string().into();
            Ok(Response::new(SearchResponse { result_json }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn suggest(&self, request: Request<SuggestRequest>) -> Result<Response<SuggestResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let deadline = self.edge.limits().deadline;
            let consistency = Consistency::of_message(message.consistency, metadata.as_ref(), deadline)?;
            let texts = [given("q", message.q), given("kind", message.suggestions)];
            let parameters = Parameters::new(texts.into_iter().flatten().chain(paging(message.limit, String::new())));
            let _place = self.edge.admit_search(caller.scope.tenant())?;
            let answer = self
                .queries
                .suggest(&caller.scope, &message.kind, &parameters, consistency.as_ref());
            let result_json = answer.await?.to_string().into();
            Ok(Response::new(SuggestResponse { result_json }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn metrics(&self, request: Request<MetricsRequest>) -> Result<Response<MetricsResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let dimensions = message.dimensions.into_iter().flat_map(|(name, values)| {
                let named = move |value| (format!("dim.{name}"), value);
                values.values.into_iter().map(named)
            });
            let texts = [
                given("from", message.from),
                given("to", message.to),
                given("bin", message.bin),
                given("stat", message.stat),
                given("group_by", message.group_by.join(",")),
                given("fill", message.fill),
            ];
            let parameters = Parameters::new(dimensions.chain(texts.into_iter().flatten()));
            let bins = self.queries.metrics(&caller.scope, &message.series, &parameters);
            let result_json = bins.await?.to_string().into();
            Ok(Response::new(MetricsResponse { result_json }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn metric_series(
        &self,
        request: Request<MetricSeriesRequest>,
    ) -> Result<Response<MetricSeriesResponse>, Status> {
        let (metadata, extensions, _) = request.into_parts();
        let work = async |caller: Caller| {
            let series = self.queries.metric_series(&caller.scope, &Parameters::default()).await;
            let result_json = series?.to_string().into();
            Ok(Response::new(MetricSeriesResponse { result_json }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn audit(&self, request: Request<AuditRequest>) -> Result<Response<AuditResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let texts = [
                given("actor", message.actor),
                given("type", message.r#type),
                given("from", message.from),
                given("to", message.to),
            ];
            let paging = paging(message.limit, message.cursor);
            let parameters = Parameters::new(texts.into_iter().flatten().chain(paging));
            let _place = self.edge.admit_search(caller.scope.tenant())?;
            let page = self.queries.audit(&caller.scope, &parameters).await?;
            Ok(Response::new(AuditResponse {
                items_json: page.items.iter().map(json).collect(),
                next_cursor: page.next_cursor.unwrap_or_default(),
            }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    async fn history(&self, request: Request<HistoryRequest>) -> Result<Response<HistoryResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let consistency = Consistency::of_headers(metadata.as_ref(), self.edge.limits().deadline)?;
            let path = [&*message.context, &*message.aggregate, &*message.id];
            let parameters = Parameters::new(paging(message.limit, message.cursor));
            let page = self
                .queries
                .history(&caller.scope, path, &parameters, consistency.as_ref());
            let page = page.await?;
            Ok(Response::new(HistoryResponse {
                items_json: page.items.iter().map(json).collect(),
                next_cursor: page.next_cursor.unwrap_or_default(),
            }))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }

    type SubscribeStream = Responses;

    /// A place among the requests in work is taken for the beginning alone; subscribers have bounds of their own.
    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Responses>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |caller: Caller| {
            let named = |name: &str, values: Vec<String>| {
                let name = name.to_owned();
                values.into_iter().map(move |value| (name.clone(), value))
            };
            let lists = named("context", message.contexts).chain(named("type", message.types));
            let parameters = given("after", message.after).into_iter().chain(lists);
            let subscription = self.queries.subscribe(&caller.scope, parameters, None).await?;
            Ok(Response::new(subscribe::responses(subscription)))
        };
        self.edge.unary(&metadata, &extensions, work).await
    }
}

fn json<T: From<String>>(value: &Value) -> T {
    value.to_string().into()
}

fn list_of(context: &str, collection: &str, parent: &str) -> Result<&'static List, Problem> {
    List::find(context, collection, parent).ok_or_else(|| {
        let name = |context: &str, parent: &str, collection: &str| {
            let parts = [context, parent, collection]
                .into_iter()
                .filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("/")
        };
        let known: Vec<String> = LISTS
            .iter()
            .map(|list| name(list.context, list.parent.unwrap_or_default(), list.collection))
            .collect();
        let wanted = name(context, parent, collection);
        unknown("unknown-collection", "list", &wanted, known.iter().map(String::as_str))
    })
}

/// `limit` and `cursor` as HTTP has them; what a message leaves empty is absent.
fn paging(limit: u32, cursor: String) -> impl Iterator<Item = (String, String)> {
    let limit = (limit > 0).then(|| ("limit".to_owned(), limit.to_string()));
    let cursor = given("cursor", cursor);
    limit.into_iter().chain(cursor)
}

fn given(name: &str, text: String) -> Option<(String, String)> {
    (!text.is_empty()).then(|| (name.to_owned(), text))
}

fn search_parameters(message: SearchRequest) -> Parameters {
    let filters = message.filters.into_iter().flat_map(|(name, values)| {
        let named = move |value| (name.clone(), value);
        values.values.into_iter().map(named)
    });
    let highlight = message.highlight.then(|| ("highlight".to_owned(), "true".to_owned()));
    let texts = [
        given("q", message.q),
        given("sort", message.sort),
        given("facets", message.facets.join(",")),
        given("collapse", message.collapse),
        highlight,
    ];
    let paging = paging(message.limit, message.cursor);
    Parameters::new(filters.chain(texts.into_iter().flatten()).chain(paging))
}
