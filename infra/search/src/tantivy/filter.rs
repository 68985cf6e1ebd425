//! The documents that a query may match at all: the tenant's, alive, and as the filters say. Everything else reads from this set, so this is
//! the one place where the tenant is applied.

use super::{
    bits::Bits,
    schema::{Layout, tenant_term},
    terms,
};
use crate::{Error, Filter, attributes, validate};
use tantivy::SegmentReader;

/// The set for one segment.
pub(super) fn live(segment: &SegmentReader, layout: &Layout, tenant: &str, filters: &[Filter]) -> Result<Bits, Error> {
    let mut live = Bits::none(segment.max_doc());
    terms::collect(segment, layout.tenant, tenant, &mut live)?;
    if segment.has_deletes() {
        live.retain(|document| !segment.is_deleted(document));
    }
    for filter in filters
        .iter()
        .filter(|filter| !matches!(filter, Filter::Attribute { .. }))
    {
        apply(segment, layout, tenant, filter, &mut live)?;
    }
    have_attributes(segment, layout, tenant, filters, &mut live)?;
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
    match filter {
        Filter::Range { field, min, max } => {
            let column = terms::numbers(segment, field)?;
            let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
            live.retain(|document| column.first(document).is_some_and(|value| min <= value && value <= max));
        }
        Filter::Equals { field, any_of } => {
            let mut wanted = Bits::none(segment.max_doc());
            if let Some(values) = layout.field(field).and_then(|field| field.value) {
                for value in any_of {
                    terms::collect(segment, values, &tenant_term(tenant, value), &mut wanted)?;
                }
            }
            live.intersect(&wanted);
        }
        Filter::Attribute { .. } => have_attributes(segment, layout, tenant, [filter], live)?,
    }
    Ok(())
}

/// Keeps of a set what has the attributes that filters want, itself or with one of its parts.
fn have_attributes<'a>(
    segment: &SegmentReader,
    layout: &Layout,
    tenant: &str,
    filters: impl IntoIterator<Item = &'a Filter>,
    live: &mut Bits,
) -> Result<(), Error> {
    let field = validate::attributes(layout.mapping).and_then(|field| layout.field(field.name));
    let field = field.and_then(|field| field.value);
    for any_of in attributes::wanted(layout.mapping, filters) {
        let mut have = Bits::none(segment.max_doc());
        for (value, field) in any_of.iter().filter_map(|value| Some((value, field?))) {
            terms::collect(segment, field, &tenant_term(tenant, value), &mut have)?;
        }
        live.intersect(&have);
    }
    Ok(())
}
