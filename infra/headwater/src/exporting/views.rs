//! The read models of this build, each with its fold.

use headwater_dynamo_schema::{RowItem, RowItemError};
use headwater_kernel::{Aggregate, AggregateType, Commit, Id};
use headwater_projectors::apply_commit;
use headwater_read_models::{DocumentFold, Fold, ProjectionRegistry, RowFold, RowKind, RowsFold, metrics::MetricFold};

/// An aggregate being folded.
pub(super) trait Folding: Send {
    /// Folds a commit; the next one of the aggregate.
    fn take(&mut self, commit: &Commit) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
    /// The rows that it shows now.
    fn rows(&self) -> Result<Vec<RowItem>, RowItemError>;
}

/// What a read model makes of one kind of aggregate.
pub(super) struct View {
    /// Names it, and the version of its fold: another version is exported from the beginning.
    pub(super) part: String,
    /// Whose events it folds.
    pub(super) source: AggregateType,
    /// The kinds of its rows.
    pub(super) kinds: Vec<RowKind>,
    /// Begins to fold an aggregate.
    pub(super) begin: fn(&Id) -> Box<dyn Folding>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Views(pub(super) Vec<View>);

struct OneRow<F>(F);
struct Several<F>(F);

impl<F: RowFold> Folding for OneRow<F> {
    fn take(&mut self, commit: &Commit) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        apply_commit(commit, &mut self.0)
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        Ok(vec![RowItem::of(&self.0)?])
    }
}

impl<F: RowsFold> Folding for Several<F> {
    fn take(&mut self, commit: &Commit) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        apply_commit(commit, &mut self.0)
    }

    fn rows(&self) -> Result<Vec<RowItem>, RowItemError> {
        self.0.rows()
    }
}

impl Views {
    pub(super) fn of_this_build() -> Self {
        let mut views = Self::default();
        headwater_read_models::register(&mut views);
        views
    }

    fn add<F: Fold>(&mut self, projection: &str, kinds: Vec<RowKind>, begin: fn(&Id) -> Box<dyn Folding>) {
        self.0.push(View {
            part: format!("{projection}.{}:{}.{}", F::VERSION, F::Source::CONTEXT, F::Source::NAME),
            source: AggregateType::of::<F::Source>(),
            kinds,
            begin,
        });
    }
}

impl ProjectionRegistry for Views {
    fn row<F: RowFold>(&mut self, projection: &'static str) {
        self.add::<F>(projection, vec![RowKind::of::<F>()], |id| {
            Box::new(OneRow(F::empty(id)))
        });
    }

    fn rows<F: RowsFold>(&mut self, projection: &'static str) {
        self.add::<F>(projection, F::kinds(), |id| Box::new(Several(F::empty(id))));
    }

    /// Documents say what rows of the same aggregates say.
    fn document<F: DocumentFold>(&mut self, _: &'static str) {}

    /// Points are made of events, which are exported.
    fn metric<F: MetricFold>(&mut self, _: &'static str) {}
}
