//! From the parameters of a search to its query.

use super::{ATTRIBUTE, COMMON, DEFAULT_LIMIT, Search};
use crate::{
    parameters::Parameters,
    refusal::{bad_request, hint, invalid},
};
use headwater_edge::Problem;
use headwater_read_models::search::Mapping;
use headwater_search::{Filter, MAX_LIMIT, Query, Sort};

impl Search {
    fn parameters(&self) -> Vec<&'static str> {
        let equals = self.equals.iter().map(|(parameter, _)| *parameter);
        let ranges = self.ranges.iter().chain(self.times);
        let ranges = ranges.flat_map(|(least, greatest, _)| [*least, *greatest]);
        COMMON.iter().copied().chain(equals).chain(ranges).collect()
    }

    /// The filters whose values can be counted: the parameter and the field.
    pub(crate) fn countable(&self, mapping: &Mapping) -> impl Iterator<Item = (&'static str, &'static str)> + Clone {
        let countable = |field: &str| mapping.field(field).is_some_and(|field| field.countable());
        self.equals.iter().copied().filter(move |(_, field)| countable(field))
    }

    /// The query that was asked for.
    ///
    /// # Errors
    /// 400 for what is unknown or has a value that it cannot have.
    pub(super) fn query(&self, mapping: &Mapping, parameters: &Parameters) -> Result<Query, Problem> {
        parameters.only(&self.parameters(), self.attributes.then_some(ATTRIBUTE))?;
        let mut filters = self.exact(parameters)?;
        for (least, greatest, field) in self.ranges {
            let (min, max) = (parameters.integer(least)?, parameters.integer(greatest)?);
            if let (Some(min), Some(max)) = (min, max)
                && max < min
            {
                return Err(invalid(greatest, format!("is less than {least}")));
            }
            filters.extend(range(field, min, max));
        }
        for (from, to, field) in self.times {
            let (min, end) = (parameters.beginning(from)?, parameters.end(to)?);
            if let (Some(min), Some(end)) = (min, end)
                && end <= min
            {
                return Err(invalid(to, format!("is not after {from}")));
            }
            // What happened at the end is not within; a range has both its ends.
            let max = end.map(|end| end.nanos().saturating_sub(1));
            filters.extend(range(field, min.map(|min| min.nanos()), max));
        }
        Ok(Query {
            text: parameters.text("q")?.map(str::to_owned),
            filters,
            facets: self.facets(mapping, parameters)?,
            sort: self.sort(parameters)?,
            collapse: self.collapse(mapping, parameters)?,
            limit: parameters.limit(DEFAULT_LIMIT, MAX_LIMIT)?,
            cursor: parameters.text("cursor")?.map(str::to_owned),
            highlight: parameters.flag("highlight")?,
            ..Query::default()
        })
    }

    /// Filters by exactly these values, attributes among them.
    fn exact(&self, parameters: &Parameters) -> Result<Vec<Filter>, Problem> {
        let mut filters = Vec::new();
        for (parameter, field) in self.equals {
            let any_of: Vec<String> = parameters.all(parameter).map(str::to_owned).collect();
            let closed = self.closed.iter().find(|(name, _)| name == parameter);
            if let Some((_, values)) = closed
                && let Some(stranger) = any_of.iter().find(|value| !values.contains(&value.as_str()))
            {
                let near = hint(stranger, values.iter().copied());
                return Err(invalid(parameter, format!("has no such value; {near}")));
            }
            if !any_of.is_empty() {
                let field = (*field).to_owned();
                filters.push(Filter::Equals { field, any_of });
            }
        }
        let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
        for (name, value) in parameters.family(ATTRIBUTE) {
            match attributes.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.to_owned()),
                None => attributes.push((name.to_owned(), vec![value.to_owned()])),
            }
        }
        let attributes = attributes.into_iter();
        filters.extend(attributes.map(|(name, any_of)| Filter::Attribute { name, any_of }));
        Ok(filters)
    }

    /// The fields to count, by the names of their filters.
    fn facets(&self, mapping: &Mapping, parameters: &Parameters) -> Result<Vec<String>, Problem> {
        let names = parameters.text("facets")?.unwrap_or_default().split(',');
        let names = names.map(str::trim).filter(|name| !name.is_empty());
        names
            .map(|name| self.counted(mapping, "facets", "counted", name))
            .collect()
    }

    /// The field of whose values each has one hit.
    fn collapse(&self, mapping: &Mapping, parameters: &Parameters) -> Result<Option<String>, Problem> {
        let name = parameters.text("collapse")?;
        name.map(|name| self.counted(mapping, "collapse", "collapsed by", name))
            .transpose()
    }

    /// The field of a filter whose values can be counted, for what a parameter does with it.
    fn counted(&self, mapping: &Mapping, parameter: &str, usage: &str, name: &str) -> Result<String, Problem> {
        let known = self.countable(mapping).find(|(parameter, _)| *parameter == name);
        known.map(|(_, field)| field.to_owned()).ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            let near = hint(name, self.countable(mapping).map(|(parameter, _)| parameter));
            let detail = format!("{shown:?} cannot be {usage}; {near}");
            bad_request("unknown-field", detail.clone()).at(format!("/{parameter}"), detail)
        })
    }

    fn sort(&self, parameters: &Parameters) -> Result<Sort, Problem> {
        let wanted = parameters.text("sort")?.unwrap_or("relevance");
        if wanted == "relevance" {
            return Ok(Sort::Relevance);
        }
        let known = self.sorts.iter().find(|(name, ..)| *name == wanted);
        let (_, field, descending) = known.ok_or_else(|| {
            let detail = format!("there is no such order; {}", hint(wanted, self.orders()));
            invalid("sort", detail)
        })?;
        Ok(Sort::Field {
            name: (*field).to_owned(),
            descending: *descending,
        })
    }
}

fn range(field: &str, min: Option<i64>, max: Option<i64>) -> Option<Filter> {
    let field = field.to_owned();
    min.or(max).map(|_| Filter::Range { field, min, max })
}
