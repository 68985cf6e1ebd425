//! The version that this build declares for each fold.

use headwater_kernel::Aggregate;
use headwater_read_models::{DocumentFold, Fold, ProjectionRegistry, RowFold, RowsFold, metrics::MetricFold};
use std::collections::BTreeMap;

/// By projection, by `<context>.<aggregates>`. Pass it to `headwater_read_models::register`.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeclaredFolds(BTreeMap<&'static str, BTreeMap<String, u32>>);

impl DeclaredFolds {
    /// Those of one projection; none when it is not registered.
    pub(super) fn of(&self, projection: &str) -> BTreeMap<String, u32> {
        self.0.get(projection).cloned().unwrap_or_default()
    }

    fn declare<F: Fold>(&mut self, projection: &'static str) {
        let source = format!("{}.{}", F::Source::CONTEXT, F::Source::NAME);
        self.0.entry(projection).or_default().insert(source, F::VERSION);
    }
}

impl ProjectionRegistry for DeclaredFolds {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        self.declare::<F>(projection);
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        self.declare::<F>(projection);
    }

    fn document<F: DocumentFold>(&mut self, projection: &'static str) {
        self.declare::<F>(projection);
    }

    fn metric<F: MetricFold>(&mut self, projection: &'static str) {
        self.declare::<F>(projection);
    }
}
