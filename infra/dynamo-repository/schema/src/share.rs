//! A share of a sum: what one source aggregate contributes to a row that several make.

use crate::{Entity, RowItem, RowItemError, RowKey};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What one aggregate contributes to one sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The table of the bounded context.
    pub table: &'static str,
    /// The discriminator.
    pub entity: &'static str,
    /// The key of the sum.
    pub key: RowKey,
    /// What is added up, by attribute.
    pub amounts: BTreeMap<&'static str, i64>,
    /// The other attributes of the sum's row, the same in every share.
    pub attributes: Map<String, Value>,
}

impl Share {
    /// The share that `entity` is: the row of the sum as it would be with this aggregate alone. The attributes named in `amounts` are
    /// added up, all others have to be the same in every share of this sum.
    ///
    /// # Errors
    /// As [`RowItem::of`]; also when an amount is not a whole number of 64 bits, or when the entity has indexes: their keys would be made
    /// of a share and not of the sum.
    pub fn of<E: Entity>(entity: &E, amounts: &[&'static str]) -> Result<Self, RowItemError> {
        let RowItem {
            table,
            entity,
            key,
            indexes,
            mut attributes,
        } = RowItem::of(entity)?;
        if !indexes.is_empty() {
            return Err(RowItemError::new(entity, "a row of sums has no indexes"));
        }
        let mut shares = BTreeMap::new();
        for name in amounts {
            let amount = attributes.remove(*name).and_then(|value| value.as_i64());
            let why = || RowItemError::new(entity, format!("the amount {name} is not a whole number of 64 bits"));
            shares.insert(*name, amount.ok_or_else(why)?);
        }
        Ok(Self {
            table,
            entity,
            key,
            amounts: shares,
            attributes,
        })
    }
}
