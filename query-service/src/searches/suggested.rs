//! Suggestions while a text is typed.

use super::{SEARCHES, Search};
use crate::{
    QueryService,
    consistency::Consistency,
    parameters::Parameters,
    refusal::{hint, invalid, of_search, unknown},
    service::may_read,
};
use headwater_edge::Problem;
use headwater_read_models::search::Mapping;
use headwater_search::{MAX_SUGGESTIONS, SuggestQuery, SuggestionKind};
use headwater_tenancy::TenantScope;
use serde_json::{Value, json};

/// Suggestions, when the caller does not say.
pub(crate) const DEFAULT_SUGGESTIONS: usize = 10;
/// The name of those that are words to search for.
const WORDS: &str = "words";

impl Search {
    /// The route.
    pub(crate) fn suggest_path(&self) -> String {
        format!("/v1/search/{}/suggest", self.kind)
    }

    /// What is suggested: words, names, and values of filters by these names.
    pub(crate) fn suggestions(&self, mapping: &Mapping) -> Vec<(String, SuggestionKind)> {
        let of = |kind: SuggestionKind| match &kind {
            SuggestionKind::Words => (WORDS.to_owned(), kind),
            SuggestionKind::Field(field) => (self.parameter_of(field).to_owned(), kind),
        };
        SuggestionKind::of(mapping).into_iter().map(of).collect()
    }

    fn suggest_query(&self, mapping: &Mapping, parameters: &Parameters) -> Result<SuggestQuery, Problem> {
        parameters.only(&["q", "limit", "kind"], None)?;
        let known = self.suggestions(mapping);
        let kind = parameters.text("kind")?.map(|name| {
            let found = known.iter().find(|(own, _)| own == name);
            found.map(|(_, kind)| kind.clone()).ok_or_else(|| {
                let near = hint(name, known.iter().map(|(own, _)| own.as_str()));
                invalid("kind", format!("there are no such suggestions; {near}"))
            })
        });
        Ok(SuggestQuery {
            text: parameters.text("q")?.unwrap_or_default().to_owned(),
            limit: parameters.limit(DEFAULT_SUGGESTIONS, MAX_SUGGESTIONS)?,
            kind: kind.transpose()?,
        })
    }
}

impl QueryService {
    /// What a text may become, as the answer has it.
    pub(crate) async fn suggest(
        &self,
        scope: &TenantScope,
        kind: &str,
        parameters: &Parameters,
        consistency: Option<&Consistency>,
    ) -> Result<Value, Problem> {
        may_read(scope)?;
        let search = Search::find(kind)?;
        if !search.suggests {
            let suggesting = SEARCHES.iter().filter(|search| search.suggests);
            return Err(unknown(
                "unknown-kind",
                "suggestions for",
                kind,
                suggesting.map(|search| search.kind),
            ));
        }
        let (index, of_kind) = self.searched(search)?;
        let query = search.suggest_query(of_kind.mapping, parameters)?;
        self.reach(scope, of_kind.projection, consistency).await?;
        let suggestions = index.suggest(scope, &query).await.map_err(of_search)?;
        let items = suggestions.into_iter().map(|suggestion| {
            let kind = match &suggestion.kind {
                SuggestionKind::Words => WORDS,
                SuggestionKind::Field(field) => search.parameter_of(field),
            };
            json!({ "text": suggestion.text, "kind": kind, "highlighted": suggestion.highlighted })
        });
        Ok(json!({ "items": items.collect::<Vec<_>>() }))
    }
}
