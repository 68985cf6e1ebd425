//! What something costs at a time under a price list: one read of the list.

use crate::{
    QueryService,
    consistency::Consistency,
    parameters::Parameters,
    refusal::{invalid, not_found, of_repository},
    service::{answer, may_read},
};
use ::http::StatusCode;
use headwater_edge::{Problem, id_of};
use headwater_read_models::{
    RowFold,
    price_lists::{PROJECTION, PriceListRow},
};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

/// The route.
pub(crate) const PATH: &str = "/v1/catalog/price-lists/{id}/price";

/// What a caller may say: the name and what it means.
pub(crate) const PARAMETERS: [(&str, &str); 3] = [
    (
        "product_id",
        "The product that is priced, or whose variant is: its price counts for a variant without one.",
    ),
    ("variant_id", "The variant of the product that is priced."),
    ("at", "When (RFC 3339); now without it."),
];

impl QueryService {
    /// What a product or variant costs at a time under a price list, and the version of the list that says so.
    pub(crate) async fn price(
        &self,
        scope: &TenantScope,
        list: &str,
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<(Value, u64), Problem> {
        may_read(scope)?;
        parameters.only(&PARAMETERS.map(|(name, _)| name), None)?;
        let id = id_of(list)?;
        let (product, variant) = (parameters.id("product_id")?, parameters.id("variant_id")?);
        let product = product.ok_or_else(|| invalid("product_id", "is missing; say what is priced"))?;
        let at = parameters.time("at")?.unwrap_or_else(|| self.inner().runtime.now());
        self.reach(scope, PROJECTION, consistency).await?;
        let mut repository = (self.inner().repository)(PROJECTION);
        if consistency.is_some() {
            repository = repository.consistent();
        }
        let found = repository.find::<PriceListRow>(scope, &PriceListRow::key_of(&id)).await;
        let row = found.map_err(of_repository)?;
        let row = row.ok_or_else(|| not_found(&format!("catalog/price-lists/{id}")))?;
        let list = &row.entity;
        let entry = list
            .price(&product, variant.as_ref(), at)
            .map_err(|why| Problem::new(StatusCode::NOT_FOUND, "no-price", why.to_string()))?;
        let mut price = json!({
            "price_list_id": id, "product_id": product, "price_cents": entry.price_cents, "currency": list.currency, "at": at,
            "entry": entry.item()
        });
        if let Some(variant) = variant {
            price["variant_id"] = json!(variant);
        }
        Ok((answer(price, row.version), row.version))
    }
}
