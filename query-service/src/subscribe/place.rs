//! One subscriber's way through one context's feed.

use super::{
    events::FeedEvent,
    shelf::{PIECE, Piece},
    tail::{End, Tail},
};
use headwater_edge::Problem;
use headwater_event_log::FeedPlace;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::watch;

/// Where a subscriber stands in one context.
pub(super) struct Place {
    pub(super) context: &'static str,
    pub(super) at: FeedPlace,
    tail: Arc<Tail>,
    end: watch::Receiver<End>,
    held: Option<Held>,
    /// Once the end was reached: how many commits the tail had seen at the place.
    live: Option<u64>,
}

/// The piece of a batch that is being read.
struct Held {
    batch: u64,
    /// References of the whole batch.
    of: usize,
    number: usize,
    events: Arc<Piece>,
}

impl Place {
    pub(super) fn new(context: &'static str, at: FeedPlace, tail: Arc<Tail>) -> Self {
        Self {
            context,
            at,
            end: tail.end(),
            tail,
            held: None,
            live: None,
        }
    }

    /// The next wanted event of what is held. Passes over others.
    pub(super) fn take(&mut self, types: Option<&BTreeSet<String>>) -> Option<Arc<FeedEvent>> {
        loop {
            let held = self.held.as_ref().filter(|held| held.batch == self.at.batch)?;
            let reference = usize::try_from(self.at.reference).unwrap_or(usize::MAX);
            let of_piece = reference.checked_sub(held.number * PIECE)?;
            let events = held.events.get(of_piece)?;
            let event = usize::try_from(self.at.event).ok().and_then(|event| events.get(event));
            let last = usize::try_from(self.at.event).unwrap_or(usize::MAX).saturating_add(1) >= events.len();
            let event = event.cloned();
            if last {
                self.at = self.at.after_reference(reference, held.of);
                self.live = self.live.map(|commits| commits + 1);
            } else {
                self.at.event += 1;
            }
            if let Some(event) = event
                && types.is_none_or(|types| types.contains(&event.event_type))
            {
                return Some(event);
            }
        }
    }

    /// Fetches what comes next; tells whether there was anything.
    pub(super) async fn load(&mut self) -> Result<bool, Problem> {
        let end = *self.end.borrow_and_update();
        if self.at.batch >= end.next {
            self.live = Some(end.commits);
            self.held = None;
            return Ok(false);
        }
        let batch = self.tail.batch(self.at.batch).await?;
        let of = batch.references.len();
        let reference = usize::try_from(self.at.reference).unwrap_or(usize::MAX);
        if reference >= of {
            // No cursor of ours points there; the next batch is right all the same.
            self.at = FeedPlace::batch(self.at.batch + 1);
            return Ok(true);
        }
        let number = reference / PIECE;
        let events = self.tail.piece(self.at.batch, &batch, number).await?;
        self.held = Some(Held {
            batch: self.at.batch,
            of,
            number,
            events,
        });
        Ok(true)
    }

    /// Commits that have come and were not taken, once the end was reached.
    pub(super) fn behind(&self) -> u64 {
        let commits = self.end.borrow().commits;
        self.live.map_or(0, |own| commits.saturating_sub(own))
    }

    /// Ends when there is more.
    pub(super) async fn more(&mut self) {
        // The tail is held here, so its sender lives.
        drop(self.end.changed().await);
    }
}
