//! What is new in a tenant's feed of a context, as rows of a run. The feed says what has changed; events are taken as it brings them, and the
//! aggregates of read models are folded anew from their histories.

use super::{Inner, Wanted, views::View};
use anyhow::{Context, Result, anyhow};
use headwater_event_log::{FeedPlace, upcast_commit};
use headwater_export::{Run, event_cells, row_cells};
use headwater_kernel::{Commit, Id};
use headwater_tenancy::TenantScope;
use std::collections::{BTreeMap, BTreeSet};

/// Commits of one page of a feed.
const PAGE: usize = 500;

/// What is read from a feed by itself.
enum Part<'a> {
    Events,
    View(&'a View),
}

/// Reads everything new of a context into the run.
pub(super) async fn read(
    inner: &Inner,
    run: &mut Run,
    scope: &TenantScope,
    context: &str,
    wanted: &Wanted,
) -> Result<()> {
    let mut parts: Vec<(String, Part<'_>)> = Vec::new();
    if !wanted.without_events {
        parts.push((format!("events:{context}"), Part::Events));
    }
    if !wanted.without_views {
        let of_context = inner.views.iter().filter(|view| view.source.context == context);
        parts.extend(of_context.map(|view| (view.part.clone(), Part::View(view))));
    }
    // What stands at the same place, as everything usually does, is read together.
    let mut groups: BTreeMap<FeedPlace, Vec<(String, Part<'_>)>> = BTreeMap::new();
    let of_tenant = run.places().0.entry(scope.tenant().to_string()).or_default();
    for (name, part) in parts {
        let place = of_tenant
            .get(&name)
            .map_or(FeedPlace::START, |place| FeedPlace::from(*place));
        groups.entry(place).or_default().push((name, part));
    }
    for (from, parts) in groups {
        let upto = read_from(inner, run, scope, context, from, &parts).await?;
        let of_tenant = run.places().0.entry(scope.tenant().to_string()).or_default();
        for (name, _) in parts {
            of_tenant.insert(name, upto.into());
        }
    }
    Ok(())
}

async fn read_from(
    inner: &Inner,
    run: &mut Run,
    scope: &TenantScope,
    context: &str,
    from: FeedPlace,
    parts: &[(String, Part<'_>)],
) -> Result<FeedPlace> {
    let log = &inner.parts.log;
    let with_events = parts.iter().any(|(_, part)| matches!(part, Part::Events));
    let mut place = from;
    let mut changed: BTreeMap<String, BTreeSet<Id>> = BTreeMap::new();
    loop {
        let page = log.feed_page(scope, context, place, PAGE).await?;
        for (_, commit) in page.commits {
            changed
                .entry(commit.aggregate.clone())
                .or_default()
                .insert(commit.id.clone());
            if with_events && !commit.is_internal() {
                events(inner, run, scope, commit).await?;
            }
        }
        if page.next == place {
            break;
        }
        place = page.next;
    }
    for (_, part) in parts {
        let Part::View(view) = part else { continue };
        for id in changed.get(view.source.name).into_iter().flatten() {
            rows(inner, run, scope, view, id).await?;
        }
    }
    Ok(place)
}

/// A row for each event of a commit.
async fn events(inner: &Inner, run: &mut Run, scope: &TenantScope, commit: Commit) -> Result<()> {
    let named = |aggregate: &&headwater_kernel::AggregateType| {
        (aggregate.context, aggregate.name) == (commit.context.as_str(), commit.aggregate.as_str())
    };
    let name = format!("{}/{}/{}", commit.context, commit.aggregate, commit.id.as_str());
    let table = inner.catalogue.of_events(&commit.context, &commit.aggregate);
    let (Some(aggregate), Some(table)) = (inner.aggregates.iter().find(named), table) else {
        return Err(anyhow!(
            "this build has no aggregate of {name}; run the build that wrote it"
        ));
    };
    let commit = upcast_commit(aggregate, commit).with_context(|| format!("an event of {name}"))?;
    for recorded in commit.recorded() {
        let cells = event_cells(table, run.name(), &commit, &recorded)?;
        run.add(table, scope.tenant(), Some(recorded.time), cells).await?;
    }
    Ok(())
}

/// The rows that an aggregate shows now, and for each kind of which it shows none a row that says so: none of an older version count then.
async fn rows(inner: &Inner, run: &mut Run, scope: &TenantScope, view: &View, id: &Id) -> Result<()> {
    let name = || format!("{} of {}/{}", view.part, view.source.name, id.as_str());
    let mut folding = (view.begin)(id);
    let mut version = 0;
    loop {
        let page = inner
            .parts
            .log
            .commits_until(scope, &view.source, id, version + 1)
            .await?;
        for commit in &page.commits {
            folding
                .take(commit)
                .map_err(|error| anyhow!("{error}"))
                .with_context(name)?;
            version = commit.version();
        }
        if let Some(unreadable) = page.unreadable {
            return Err(unreadable.error).with_context(name);
        }
        if !page.more {
            break;
        }
    }
    let rows = folding.rows().with_context(name)?;
    let source = format!("{}/{}", view.source.name, id.as_str());
    for kind in &view.kinds {
        let Some(table) = inner.catalogue.of_rows(kind.table, kind.entity) else {
            return Err(anyhow!("there is no table of {}", kind.entity));
        };
        let of_kind: Vec<_> = rows
            .iter()
            .filter(|row| row.entity == kind.entity)
            .map(|row| &row.attributes)
            .collect();
        let shown = of_kind
            .iter()
            .map(|row| Some(*row))
            .chain(of_kind.is_empty().then_some(None));
        for row in shown {
            let cells = row_cells(table, run.name(), &source, version, row)?;
            run.add(table, scope.tenant(), None, cells).await?;
        }
    }
    Ok(())
}
