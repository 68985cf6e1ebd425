//! The list of all projections, for whoever keeps or reads them: a visitor, so that each keeps the types.

use crate::{
    DocumentFold, RowFold, RowsFold,
    account_tree::{AccountRows, CapsuleRow, OpportunityRows},
    brands::BrandRow,
    categories::CategoryRow,
    leads::LeadRow,
    product_search::ProductDocument,
    product_view::ProductRow,
};

/// Receives every projection, once per source aggregate that it follows.
pub trait ProjectionRegistry {
    /// A fold that is one row.
    fn row<F: RowFold>(&mut self, projection: &'static str);

    /// A fold that writes several rows.
    fn rows<F: RowsFold>(&mut self, projection: &'static str);

    /// A fold that is a search document.
    fn document<F: DocumentFold>(&mut self, projection: &'static str);
}

/// The projections, one line per source aggregate.
pub fn register(registry: &mut impl ProjectionRegistry) {
    registry.row::<ProductRow>("product-view");
    registry.document::<ProductDocument>("product-search");
    registry.row::<CategoryRow>("categories");
    registry.row::<BrandRow>("brands");
    registry.row::<CapsuleRow>("account-tree");
    registry.rows::<AccountRows>("account-tree");
    registry.rows::<OpportunityRows>("account-tree");
    registry.row::<LeadRow>("leads");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::testing::id;
    use headwater_kernel::Aggregate;

    #[derive(Default)]
    struct Sources(Vec<(&'static str, &'static str)>);

    impl ProjectionRegistry for Sources {
        fn row<F: RowFold>(&mut self, projection: &'static str) {
            let state = F::default();
            assert!(!state.is_live(), "{projection} has a row of nothing");
            assert_eq!(
                F::SCHEMA.table,
                F::Source::CONTEXT,
                "a view is in the table of its context"
            );
            assert_ne!(F::key(&id("T1")), F::key(&id("T2")));
            self.0.push((projection, F::Source::NAME));
        }

        fn rows<F: RowsFold>(&mut self, projection: &'static str) {
            assert_eq!(
                F::default().rows(&id("T1")).unwrap(),
                [],
                "{projection} has rows of nothing"
            );
            self.0.push((projection, F::Source::NAME));
        }

        fn document<F: DocumentFold>(&mut self, projection: &'static str) {
            assert!(!F::default().is_live(), "{projection} has a document of nothing");
            assert_eq!(F::KIND, F::mapping().kind);
            self.0.push((projection, F::Source::NAME));
        }
    }

    #[test]
    fn nothing_is_there_before_the_first_event() {
        let mut sources = Sources::default();
        register(&mut sources);
        assert!(sources.0.contains(&("account-tree", "opportunities")));
        let mut once = sources.0.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), sources.0.len(), "a projection follows an aggregate once");
    }
}
