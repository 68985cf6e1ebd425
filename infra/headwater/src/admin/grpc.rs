//! `headwater.v1.AdminService`, by the same functions as by HTTP. In a process that keeps no projections, what is asked about them is
//! `UNIMPLEMENTED`, as HTTP has no such route there.

use super::{
    Admin,
    messages::{projection, tenant},
    operator::Operator,
    parameters::{Page, tenant_of},
    parked::{Address, Wanted},
    problem::invalid,
    replay_grpc::{self, Reports},
    replays::{OfAggregate, OfGeneration, Start},
    tenants::NewTenant,
};
use headwater_edge::{
    Problem, id_of,
    v1::{
        self, CancelReplayRequest, CancelReplayResponse, CheckGenerationRequest, CheckGenerationResponse,
        CompareProjectionRequest, CreateTenantRequest, CreateTenantResponse, DiscardParkedRequest,
        DiscardParkedResponse, DropGenerationRequest, DropGenerationResponse, GetParkedRequest, GetParkedResponse,
        ListParkedRequest, ListParkedResponse, ListProjectionsRequest, ListProjectionsResponse, ListReplaysRequest,
        ListReplaysResponse, ListTenantsRequest, ListTenantsResponse, ParkedAddress, RetryAllParkedRequest,
        RetryAllParkedResponse, RetryParkedRequest, RetryParkedResponse, RewriteAggregateRequest,
        RewriteAggregateResponse, StartReplayRequest, StartReplayResponse, SwitchGenerationRequest,
        SwitchGenerationResponse,
        admin_service_server::{AdminService, AdminServiceServer},
    },
};
use headwater_kernel::TenantId;
use headwater_tenancy::Caller;
use http::StatusCode;
use tonic::{Extensions, Request, Response, Status, metadata::MetadataMap};

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
        extensions: &Extensions,
        work: impl AsyncFnOnce(Operator) -> Result<T, Problem>,
    ) -> Result<Response<T>, Status> {
        let work = async |caller: Caller| work(caller.try_into()?).await.map(Response::new);
        self.admin.edge().unary(metadata, extensions, work).await
    }

    /// The same, about projections.
    async fn ask<T>(
        &self,
        metadata: &MetadataMap,
        extensions: &Extensions,
        work: impl AsyncFnOnce(Operator) -> Result<T, Problem>,
    ) -> Result<Response<T>, Status> {
        let work = async |operator: Operator| {
            if !self.projects {
                let detail = "this process keeps no projections; ask one with the role project";
                return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "not-here", detail));
            }
            work(operator).await
        };
        self.call(metadata, extensions, work).await
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
        self.call(request.metadata(), request.extensions(), work).await
    }

    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
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
        self.call(&metadata, &extensions, work).await
    }

    async fn list_projections(
        &self,
        request: Request<ListProjectionsRequest>,
    ) -> Result<Response<ListProjectionsResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let tenant = given(&message.tenant)?;
            let projections = self.admin.projections(&operator, tenant.as_ref()).await?;
            Ok(ListProjectionsResponse {
                projections: projections.into_iter().map(projection).collect(),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn list_parked(&self, request: Request<ListParkedRequest>) -> Result<Response<ListParkedResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
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
        self.ask(&metadata, &extensions, work).await
    }

    async fn get_parked(&self, request: Request<GetParkedRequest>) -> Result<Response<GetParkedResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let address = self.address(message.address).await?;
            let shown = self.admin.show(&operator, &address).await?;
            Ok(GetParkedResponse {
                parked: Some(shown.parked.into()),
                events_json: shown.events.iter().map(|event| event.to_string().into()).collect(),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn retry_parked(
        &self,
        request: Request<RetryParkedRequest>,
    ) -> Result<Response<RetryParkedResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let outcome = self.retry(&operator, message.address, false).await?;
            Ok(RetryParkedResponse { outcome })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn discard_parked(
        &self,
        request: Request<DiscardParkedRequest>,
    ) -> Result<Response<DiscardParkedResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let outcome = self.retry(&operator, message.address, true).await?;
            Ok(DiscardParkedResponse { outcome })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn retry_all_parked(
        &self,
        request: Request<RetryAllParkedRequest>,
    ) -> Result<Response<RetryAllParkedResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
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
        self.ask(&metadata, &extensions, work).await
    }

    async fn start_replay(
        &self,
        request: Request<StartReplayRequest>,
    ) -> Result<Response<StartReplayResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let start = Start {
                tenant: given(&message.tenant)?,
                write_units_per_second: message.write_units_per_second,
            };
            let started = self.admin.start_replay(&operator, &message.projection, start).await?;
            Ok(StartReplayResponse {
                replay: Some(replay_grpc::name(started)),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn list_replays(
        &self,
        request: Request<ListReplaysRequest>,
    ) -> Result<Response<ListReplaysResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |_: Operator| {
            let replays = self.admin.progress(&message.projection).await?;
            Ok(ListReplaysResponse {
                replays: replays.into_iter().map(replay_grpc::progress).collect(),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn cancel_replay(
        &self,
        request: Request<CancelReplayRequest>,
    ) -> Result<Response<CancelReplayResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |_: Operator| {
            let cancelled = self.admin.cancel_replay(&message.projection).await?;
            Ok(CancelReplayResponse {
                replay: Some(replay_grpc::name(cancelled)),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn switch_generation(
        &self,
        request: Request<SwitchGenerationRequest>,
    ) -> Result<Response<SwitchGenerationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let to = OfGeneration {
                generation: message.generation,
                tenant: given(&message.tenant)?,
                write_units_per_second: None,
            };
            let live = self.admin.switch(&operator, &message.projection, to).await?;
            Ok(SwitchGenerationResponse {
                live: Some(replay_grpc::name(live)),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn drop_generation(
        &self,
        request: Request<DropGenerationRequest>,
    ) -> Result<Response<DropGenerationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |_: Operator| {
            let of = OfGeneration {
                generation: message.generation,
                tenant: None,
                write_units_per_second: message.write_units_per_second,
            };
            let dropped = self.admin.drop_generation(&message.projection, of).await?;
            Ok(DropGenerationResponse {
                dropped: Some(replay_grpc::name(dropped)),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn check_generation(
        &self,
        request: Request<CheckGenerationRequest>,
    ) -> Result<Response<CheckGenerationResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |_: Operator| {
            let of = OfGeneration {
                generation: message.generation,
                tenant: None,
                write_units_per_second: None,
            };
            let checked = self.admin.check_again(&message.projection, of).await?;
            Ok(CheckGenerationResponse {
                checked: Some(replay_grpc::name(checked)),
            })
        };
        self.ask(&metadata, &extensions, work).await
    }

    async fn rewrite_aggregate(
        &self,
        request: Request<RewriteAggregateRequest>,
    ) -> Result<Response<RewriteAggregateResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let of = OfAggregate {
                tenant: tenant_of(&message.tenant)?,
                aggregate: Some(message.aggregate.clone()).filter(|name| !name.is_empty()),
                id: id_of(&message.id)?,
            };
            let rewritten = self.admin.rewrite(&operator, &message.projection, &of).await?;
            Ok(replay_grpc::rewritten(rewritten))
        };
        self.ask(&metadata, &extensions, work).await
    }

    type CompareProjectionStream = Reports;

    async fn compare_projection(
        &self,
        request: Request<CompareProjectionRequest>,
    ) -> Result<Response<Reports>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let work = async |operator: Operator| {
            let tenant = given(&message.tenant)?;
            let run = self.admin.compare(&operator, &message.projection, tenant).await?;
            Ok(replay_grpc::reports(self.admin.clone(), run, metadata.clone()))
        };
        self.ask(&metadata, &extensions, work).await
    }
}
