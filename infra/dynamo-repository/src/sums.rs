//! Rows that several aggregates make: each step of one of them adds the difference of its share, in the transaction that moves its head.

use crate::{
    Error, Repository,
    attributes::{Item, number, text, to_attribute},
};
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use headwater_dynamo_schema::{RowKey, Share};
use headwater_tenancy::TenantScope;
use std::collections::{BTreeMap, btree_map::Entry};

/// What the sums change by when an aggregate that contributed `before` contributes `after`: shares whose amounts are differences.
///
/// # Errors
/// [`Error::Refused`] when amounts leave 64 bits.
pub fn sum_changes(before: Vec<Share>, after: Vec<Share>) -> Result<Vec<Share>, Error> {
    let mut sums: BTreeMap<RowKey, Share> = BTreeMap::new();
    let signed = before
        .into_iter()
        .map(|share| (share, -1))
        .chain(after.into_iter().map(|share| (share, 1)));
    for (share, sign) in signed {
        let amounts = share.amounts.clone();
        let sum = match sums.entry(share.key.clone()) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.attributes = share.attributes;
                known
            }
            Entry::Vacant(place) => {
                let share = place.insert(share);
                share.amounts.values_mut().for_each(|amount| *amount = 0);
                share
            }
        };
        for (name, amount) in amounts {
            let difference = sum.amounts.entry(name).or_default();
            let added = amount
                .checked_mul(sign)
                .and_then(|amount| difference.checked_add(amount));
            *difference = added.ok_or_else(|| Error::Refused(format!("the sum of {name} leaves 64 bits").into()))?;
        }
    }
    let changed = |share: &Share| share.amounts.values().any(|amount| *amount != 0);
    Ok(sums.into_values().filter(changed).collect())
}

impl Repository {
    /// The item of a transaction that adds to a sum; its row is made by the first one. `version` counts the changes.
    pub(crate) async fn add(&self, scope: &TenantScope, share: &Share) -> Result<TransactWriteItem, Error> {
        let (pk, sk) = self.full_key(scope, share.table, &share.key).await?;
        let (mut set, mut add) = (vec!["entity = :entity".to_owned()], vec!["version :one".to_owned()]);
        let mut names = BTreeMap::new();
        let mut values = Item::from([
            (":entity".to_owned(), text(share.entity)),
            (":one".to_owned(), number(1_u64)),
        ]);
        for (n, (name, value)) in share.attributes.iter().enumerate() {
            set.push(format!("#s{n} = :s{n}"));
            names.insert(format!("#s{n}"), name.clone());
            values.insert(format!(":s{n}"), to_attribute(value.clone()));
        }
        for (n, (name, amount)) in share.amounts.iter().enumerate() {
            add.push(format!("#a{n} :a{n}"));
            names.insert(format!("#a{n}"), (*name).to_owned());
            values.insert(format!(":a{n}"), number(*amount));
        }
        let update = Update::builder()
            .table_name(self.database.table(share.table))
            .key("PK", pk)
            .key("SK", sk)
            .update_expression(format!("SET {} ADD {}", set.join(", "), add.join(", ")))
            .set_expression_attribute_names((!names.is_empty()).then(|| names.into_iter().collect()))
            .set_expression_attribute_values(Some(values));
        let update = update.build().map_err(|error| Error::Refused(error.into()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn share(sum: &str, cents: i64) -> Share {
        Share {
            table: "bank",
            entity: "TOTAL",
            key: RowKey {
                partition: String::new(),
                sort: sum.to_owned(),
            },
            amounts: BTreeMap::from([("cents", cents), ("accounts", 1)]),
            attributes: Map::new(),
        }
    }

    fn told(shares: &[Share]) -> Vec<(&str, i64, i64)> {
        shares
            .iter()
            .map(|one| (one.key.sort.as_str(), one.amounts["accounts"], one.amounts["cents"]))
            .collect()
    }

    #[test]
    fn sums_change_by_the_difference_alone() {
        let made = sum_changes(vec![], vec![share("small", 5)]).unwrap();
        assert_eq!(told(&made), [("small", 1, 5)]);
        let grown = sum_changes(vec![share("small", 5)], vec![share("small", 7)]).unwrap();
        assert_eq!(told(&grown), [("small", 0, 2)]);
        let moved = sum_changes(vec![share("small", 7)], vec![share("large", 900)]).unwrap();
        assert_eq!(told(&moved), [("large", 1, 900), ("small", -1, -7)]);
        assert!(
            sum_changes(vec![share("small", 7)], vec![share("small", 7)])
                .unwrap()
                .is_empty()
        );
        assert!(sum_changes(vec![share("small", -2)], vec![share("small", i64::MAX)]).is_err());
    }
}
