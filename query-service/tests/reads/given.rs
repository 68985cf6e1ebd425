//! What there is to read: events, and rows and documents made of them as a projector would.

use crate::server::Server;
use headwater_dynamo_repository::{Expect, Head, Repository, Write};
use headwater_dynamo_schema::RowItem;
use headwater_event_log::{AggregateStore, Executed, Request};
use headwater_kernel::{Actor, Aggregate, Id, Timestamp, decode_command};
use headwater_read_models::{
    DocumentFold, EventContext, Fold, RowFold, RowsFold, account_tree::AccountFold, account_tree::OpportunityFold,
    leads::LeadRow, product_search::ProductDocument, product_view::ProductRow, search_settings::SearchSettingsRow,
};
use headwater_search::{DocumentBody, DocumentWrite, SearchIndex};
use headwater_tenancy::{TenantScope, testing::scope};
use serde_json::{Value, json};

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// The time of the `n`th second after the first of 2026.
pub(crate) fn at(n: u64) -> Timestamp {
    let start = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    start.plus(std::time::Duration::from_secs(n))
}

fn personal(subject: &str, value: &str) -> Value {
    json!({ "$pd": { "v": 0, "subject": subject, "value": value } })
}

/// Folds events, the first of them at `start` seconds.
fn fold<F: Fold>(of: &str, start: u64, events: &[Value]) -> F {
    let (of, actor) = (id(of), Actor::new("user:ann"));
    let mut state = F::empty(&of);
    for (n, event) in (0..).zip(events) {
        let event: <F::Source as Aggregate>::Event = serde_json::from_value(event.clone()).unwrap();
        let context = EventContext {
            id: &of,
            sequence: n + 1,
            time: at(start + n),
            actor: &actor,
            writer: 7,
            begins_commit: true,
        };
        state.apply(&context, &event);
    }
    state
}

pub(crate) fn product_created(price_cents: i64, brand: &str) -> Value {
    json!({ "type": "ProductCreated", "data": {
        "sku": "S-1", "title": "Copper kettle", "brand": brand, "price_cents": price_cents, "currency": "USD",
        "category": "kettles", "description": null, "gtin": [], "attributes": { "colour": "red" }, "released_at": null
    } })
}

impl Server {
    async fn put_row<F: RowFold>(&self, scope: &TenantScope, projection: &'static str, row: &F, version: u64) {
        let item = RowItem::of(row).unwrap();
        let repository = self.repository(projection);
        repository
            .save_item(scope, item, version, Expect::UpTo(version))
            .await
            .unwrap();
    }

    async fn put_rows<F: RowsFold>(&self, projection: &'static str, tenant: &str, of: &str, state: F, version: u64) {
        let repository: Repository = self.repository(projection);
        let rows = state.rows().unwrap().into_iter();
        let mut writes: Vec<Write> = rows
            .map(|row| Write::Put {
                row,
                version,
                expect: Expect::UpTo(version),
            })
            .collect();
        writes.push(Write::Head {
            table: F::TABLE,
            aggregate: F::Source::NAME,
            id: id(of),
            head: Head {
                version,
                state: serde_json::to_value(&state).unwrap(),
            },
            expect: Expect::UpTo(version),
        });
        repository.write_together(&scope(tenant).await, writes).await.unwrap();
    }

    /// Puts a view after events, the first of them at `start` seconds.
    pub(crate) async fn put_view<F: RowFold>(
        &self,
        projection: &'static str,
        tenant: &str,
        of: &str,
        start: u64,
        events: &[Value],
    ) {
        let row: F = fold(of, start, events);
        self.put_row(&scope(tenant).await, projection, &row, events.len() as u64)
            .await;
    }

    /// Puts a head and its rows after events, the first of them at the beginning of 2026.
    pub(crate) async fn put_head<F: RowsFold>(
        &self,
        projection: &'static str,
        tenant: &str,
        of: &str,
        events: &[Value],
    ) {
        let state: F = fold(of, 0, events);
        self.put_rows(projection, tenant, of, state, events.len() as u64).await;
    }

    pub(crate) async fn put_lead(&self, tenant: &str, of: &str, owner: Option<&str>, captured: u64) {
        let event = json!({ "type": "LeadCaptured", "data": {
            "name": personal(of, "Ada"), "email": personal(of, "ada@example.com"), "phone": null, "company": "Engines",
            "source": null, "owner_id": owner
        } });
        let row: LeadRow = fold(of, captured, &[event]);
        self.put_row(&scope(tenant).await, "leads", &row, 1).await;
    }

    /// A product's view after `version` events.
    pub(crate) async fn put_product(&self, tenant: &str, of: &str, version: u64) {
        let row: ProductRow = fold(of, 0, &[product_created(1_999, "Acme")]);
        self.put_row(&scope(tenant).await, "product-view", &row, version).await;
    }

    pub(crate) async fn put_search_settings(&self, tenant: &str, events: &[Value]) {
        self.put_view::<SearchSettingsRow>("search-settings", tenant, "products", 0, events)
            .await;
    }

    pub(crate) async fn put_account(&self, tenant: &str, of: &str, capsule: &str) {
        let opened = json!({ "type": "AccountOpened", "data": {
            "capsule_id": capsule, "name": personal(of, "Difference Ltd"), "owner_id": "ann"
        } });
        self.put_rows("account-tree", tenant, of, fold::<AccountFold>(of, 0, &[opened]), 1)
            .await;
    }

    pub(crate) async fn put_opportunity(&self, tenant: &str, of: &str, account: &str, line_items: &[&str]) {
        let mut events = vec![json!({ "type": "OpportunityOpened", "data": {
            "account_id": account, "name": "Engine", "amount_cents": 100, "currency": "USD"
        } })];
        events.extend(line_items.iter().map(|line_item| {
            json!({ "type": "LineItemAdded", "data": {
                "line_item_id": line_item, "product_id": "P1", "quantity": 2, "price_cents": 50
            } })
        }));
        let state = fold::<OpportunityFold>(of, 0, &events);
        self.put_rows("account-tree", tenant, of, state, events.len() as u64)
            .await;
    }

    pub(crate) async fn index_product(&self, tenant: &str, of: &str, version: u64, price_cents: i64, brand: &str) {
        let events = [product_created(price_cents, brand)];
        self.index_document::<ProductDocument>(tenant, of, version, 0, &events)
            .await;
    }

    /// Indexes a document after events, the first of them at `start` seconds.
    pub(crate) async fn index_document<F: DocumentFold>(
        &self,
        tenant: &str,
        of: &str,
        version: u64,
        start: u64,
        events: &[Value],
    ) {
        let document: F = fold(of, start, events);
        let write = DocumentWrite {
            scope: scope(tenant).await,
            id: id(of),
            version,
            body: DocumentBody::Put(serde_json::to_value(&document).unwrap()),
        };
        let index = &self.indexes[F::KIND];
        index.write(vec![write]).await.unwrap();
        index.commit(json!({})).await.unwrap();
    }

    /// Executes a command on the log itself.
    pub(crate) async fn command<A: Aggregate>(&self, tenant: &str, of: &str, name: &str, payload: Value) -> Executed {
        let bytes = payload.to_string();
        let request = Request {
            command_id: self.runtime.uuid().to_string(),
            name,
            payload: bytes.as_bytes(),
            expected_version: None,
            correlation_id: None,
            causation_id: None,
        };
        let decode = || Ok(decode_command::<A::Command>(name, payload.clone()).unwrap());
        let store = AggregateStore::<A>::new(self.log.clone());
        store
            .execute(&scope(tenant).await, &id(of), request, decode)
            .await
            .unwrap()
    }
}
