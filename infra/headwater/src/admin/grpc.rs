//! `headwater.v1.AdminService`, by the same functions as by HTTP. In a process that keeps no projections, what is asked about them is
//! `UNIMPLEMENTED`, as HTTP has no such route there.

use super::{
    Admin,
    operator::Operator,
    parameters::{Page, tenant_of},
    parked::{Address, ParkedAggregate, Wanted},
    problem::invalid,
    projections::{ContextStatus, ProjectionStatus, ShardState},
    retry::ParkedOutcome,
    tenants::NewTenant,
};
use headwater_edge::{
    Problem,
    v1::{
        self, CreateTenantRequest, CreateTenantResponse, DiscardParkedRequest, DiscardParkedResponse, GetParkedRequest,
        GetParkedResponse, ListParkedRequest, ListParkedResponse, ListProjectionsRequest, ListProjectionsResponse,
        ListTenantsRequest, ListTenantsResponse, ParkedAddress, RetryAllParkedRequest, RetryAllParkedResponse,
        RetryParkedRequest, RetryParkedResponse,
        admin_service_server::{AdminService, AdminServiceServer},
    },
};
use headwater_kernel::{TenantId, Timestamp};
use headwater_tenancy::{Caller, Tenant};
use http::StatusCode;
use tonic::{Request, Response, Status, metadata::MetadataMap};

struct Service {
    admin: Admin,
    projects: bool,
}

/// To be added to the process's gRPC services. `projects`: whether it has the role `project`.
pub(crate) fn grpc(admin: Admin, projects: bool) -> AdminServiceServer<impl AdminService> {
    let limit = admin.edge().limits().max_body;
    AdminServiceServer::new(Service { admin, projects }).max_decoding_message_size(limit)
}

impl Service {
    /// One call of an operator.
    async fn call<T>(
        &self,
        metadata: &MetadataMap,
        work: impl AsyncFnOnce(Operator) -> Result<T, Problem>,
    ) -> Result<Response<T>, Status> {
        let work = async |caller: Caller| work(caller.try_into()?).await.map(Response::new);
        self.admin.edge().unary(metadata, work).await
    }

    /// The same, about projections.
    async fn ask<T>(
        &self,
        metadata: &MetadataMap,
        work: impl AsyncFnOnce(Operator) -> Result<T, Problem>,
    ) -> Result<Response<T>, Status> {
        let work = async |operator: Operator| {
            if !self.projects {
                let detail = "this process keeps no projections; ask one with the role project";
                return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "not-here", detail));
            }
            work(operator).await
        };
        self.call(metadata, work).await
    }

    async fn address(&self, address: Option<ParkedAddress>) -> Result<Address, Problem> {
        let named = address.ok_or_else(|| invalid("address", "is missing"))?;
        let parts = [
            &named.projection,
            &named.tenant,
            &named.context,
            &named.aggregate,
            &named.id,
        ];
        self.admin.address(parts.map(String::as_str)).await
    }

    async fn retry(
        &self,
        operator: &Operator,
        address: Option<ParkedAddress>,
        discard: bool,
    ) -> Result<Option<v1::ParkedOutcome>, Problem> {
        let address = self.address(address).await?;
        let outcome = self.admin.retry(operator, &address, discard).await?;
        Ok(Some(outcome.into()))
    }
}

fn given(tenant: &str) -> Result<Option<TenantId>, Problem> {
    (!tenant.is_empty()).then(|| tenant_of(tenant)).transpose()
}

#[tonic::async_trait]
impl AdminService for Service {
    async fn list_tenants(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        let work = async |operator: Operator| {
            let tenants = self.admin.tenants(&operator).await?;
            Ok(ListTenantsResponse {
                tenants: tenants.into_iter().map(tenant).collect(),
            })
        };
        self.call(request.metadata(), work).await
    }

    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let new = NewTenant {
                id: tenant_of(&message.id)?,
                region: message.region.parse().map_err(|_| invalid("region", "is us or eu"))?,
            };
            let created = self.admin.create_tenant(&operator, &new).await?;
            Ok(CreateTenantResponse {
                tenant: Some(tenant(created)),
            })
        };
        self.call(&metadata, work).await
    }

    async fn list_projections(
        &self,
        request: Request<ListProjectionsRequest>,
    ) -> Result<Response<ListProjectionsResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let tenant = given(&message.tenant)?;
            let projections = self.admin.projections(&operator, tenant.as_ref()).await?;
            Ok(ListProjectionsResponse {
                projections: projections.into_iter().map(projection).collect(),
            })
        };
        self.ask(&metadata, work).await
    }

    async fn list_parked(&self, request: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let tenant = given(&message.tenant)?;
            let wanted = Wanted {
                projection: Some(message.projection.as_str()).filter(|name| !name.is_empty()),
                tenant: tenant.as_ref(),
            };
            let page = Page::of_message(message.limit, &message.cursor)?;
            let listed = self.admin.parked(&operator, &wanted, &page).await?;
            Ok(ListParkedResponse {
                items: listed.items.into_iter().map(Into::into).collect(),
                next_cursor: listed.next_cursor.unwrap_or_default(),
            })
        };
        self.ask(&metadata, work).await
    }

    async fn get_parked(&self, request: Request<GetParkedRequest>) -> Result<Response<GetParkedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let address = self.address(message.address).await?;
            let shown = self.admin.show(&operator, &address).await?;
            Ok(GetParkedResponse {
                parked: Some(shown.parked.into()),
                events_json: shown.events.iter().map(|event| event.to_string().into()).collect(),
            })
        };
        self.ask(&metadata, work).await
    }

    async fn retry_parked(
        &self,
        request: Request<RetryParkedRequest>,
    ) -> Result<Response<RetryParkedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let outcome = self.retry(&operator, message.address, false).await?;
            Ok(RetryParkedResponse { outcome })
        };
        self.ask(&metadata, work).await
    }

    async fn discard_parked(
        &self,
        request: Request<DiscardParkedRequest>,
    ) -> Result<Response<DiscardParkedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let outcome = self.retry(&operator, message.address, true).await?;
            Ok(DiscardParkedResponse { outcome })
        };
        self.ask(&metadata, work).await
    }

    async fn retry_all_parked(
        &self,
        request: Request<RetryAllParkedRequest>,
    ) -> Result<Response<RetryAllParkedResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let work = async |operator: Operator| {
            let tenant = given(&message.tenant)?;
            let wanted = Wanted {
                projection: Some(&message.projection),
                tenant: tenant.as_ref(),
            };
            let page = Page::of_message(message.limit, &message.cursor)?;
            let retried = self.admin.retry_all(&operator, &wanted, &page).await?;
            Ok(RetryAllParkedResponse {
                items: retried.items.into_iter().map(Into::into).collect(),
                next_cursor: retried.next_cursor.unwrap_or_default(),
            })
        };
        self.ask(&metadata, work).await
    }
}

fn tenant(tenant: Tenant) -> v1::Tenant {
    let state = match tenant.state {
        headwater_tenancy::TenantState::Active => "active",
        headwater_tenancy::TenantState::Suspended => "suspended",
    };
    v1::Tenant {
        id: tenant.id.as_str().to_owned(),
        region: tenant.region.to_string(),
        state: state.to_owned(),
        created_at: tenant.created_at.to_string(),
    }
}

fn projection(status: ProjectionStatus) -> v1::ProjectionStatus {
    v1::ProjectionStatus {
        projection: status.projection,
        generation: status.generation,
        live: status.live,
        state: status.state,
        folds: status.folds.into_iter().collect(),
        outdated: status.outdated,
        lag_events: status.lag_events,
        lag_seconds: status.lag_seconds,
        recovering: status.recovering,
        parked: status.parked,
        partial: status.partial,
        contexts: status.contexts.into_iter().map(context).collect(),
    }
}

fn context(status: ContextStatus) -> v1::ContextStatus {
    let tenant = |lag: super::projections::TenantLag| v1::TenantLag {
        tenant: lag.tenant.as_str().to_owned(),
        lag_events: lag.lag_events,
        lag_seconds: lag.lag_seconds,
    };
    v1::ContextStatus {
        context: status.context,
        lag_events: status.lag_events,
        lag_seconds: status.lag_seconds,
        recovering: status.recovering,
        parked: status.parked,
        shards: status.shards.into_iter().map(shard).collect(),
        most_behind: status.most_behind.into_iter().map(tenant).collect(),
    }
}

fn shard(state: ShardState) -> v1::ShardStatus {
    v1::ShardStatus {
        shard: state.shard,
        held_by: state.held_by.unwrap_or_default(),
        here: state.here,
        position: state.position.unwrap_or_default(),
        position_at: state.position_at.as_ref().map(Timestamp::to_string).unwrap_or_default(),
        at_tip: state.at_tip,
        lag_events: state.lag_events,
        lag_seconds: state.lag_seconds,
        recovering: state.recovering,
    }
}

impl From<ParkedAggregate> for v1::ParkedAggregate {
    fn from(parked: ParkedAggregate) -> Self {
        Self {
            projection: parked.projection,
            generation: parked.generation,
            tenant: parked.tenant.as_str().to_owned(),
            context: parked.context,
            aggregate: parked.aggregate,
            id: parked.id.as_str().to_owned(),
            first_sequence: parked.first_sequence,
            up_to: parked.up_to,
            reason: parked.reason,
            since: parked.since.to_string(),
        }
    }
}

impl From<ParkedOutcome> for v1::ParkedOutcome {
    fn from(outcome: ParkedOutcome) -> Self {
        Self {
            outcome: outcome.outcome.to_owned(),
            parked: Some(outcome.parked.into()),
        }
    }
}
