//! The documents that a query may match at all: the tenant's, alive, and as the filters say. Everything else reads from this set, so this is
//! the one place where the tenant is applied.

use super::{
    bits::Bits,
    schema::{Layout, tenant_term},
    terms,
};
use crate::{
    Error, Filter, validate,
    values::{attribute_value, canonical_number},
};
use tantivy::SegmentReader;

/// The set for one segment.
pub(super) fn live(segment: &SegmentReader, layout: &Layout, tenant: &str, filters: &[Filter]) -> Result<Bits, Error> {
    let mut live = Bits::none(segment.max_doc());
    terms::collect(segment, layout.tenant, tenant, &mut live)?;
    if segment.has_deletes() {
        live.retain(|document| !segment.is_deleted(document));
    }
    for filter in filters {
        apply(segment, layout, tenant, filter, &mut live)?;
    }
    Ok(live)
}

/// Keeps of a set what a filter fits.
pub(super) fn apply(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    filter: &Filter,
    live: &mut Bits,
) -> Result<(), Error> {
    let mut wanted = Bits::none(segment.max_doc());
    match filter {
        Filter::Range { field, min, max } => {
            let column = terms::numbers(segment, field)?;
            let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
            live.retain(|document| column.first(document).is_some_and(|value| min <= value && value <= max));
            return Ok(());
        }
        Filter::Equals { field, any_of } => {
            if let Some(values) = layout.field(field).and_then(|field| field.value) {
                for value in any_of {
                    terms::collect(segment, values, &tenant_term(tenant, value), &mut wanted)?;
                }
            }
        }
        Filter::Attribute { name, any_of } => {
            let field = validate::attributes(layout.mapping).and_then(|field| layout.field(field.name));
            if let Some(values) = field.and_then(|field| field.value) {
                for value in any_of {
                    let value = attribute_value(name, &canonical_number(value));
                    terms::collect(segment, values, &tenant_term(tenant, &value), &mut wanted)?;
                }
            }
        }
    }
    live.intersect(&wanted);
    Ok(())
}
