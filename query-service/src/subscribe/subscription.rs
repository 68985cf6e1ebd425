//! One subscription: the events of several contexts in one stream, each with the cursor that resumes after it.

use super::{
    Hub, Seat,
    events::FeedEvent,
    place::Place,
    request::{After, Wanted},
};
use crate::refusal::of_log;
use ::http::StatusCode;
use futures::future::{select_all, try_join_all};
use headwater_edge::Problem;
use headwater_event_log::{FeedCursor, FeedPlace};
use headwater_kernel::Timestamp;
use headwater_tenancy::TenantScope;
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};
use tokio::sync::watch;

/// The longest wait after the store did not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a subscriber gets.
#[derive(Debug, Clone)]
pub enum Message {
    /// Something happened.
    Event {
        /// Resumes after this event.
        cursor: String,
        /// What.
        event: Arc<FeedEvent>,
    },
    /// Nothing that was asked for happened for a while; the first message is one too.
    Heartbeat {
        /// Resumes here.
        cursor: String,
    },
    /// The last message.
    End {
        /// Resumes here.
        cursor: String,
        /// Why it ends.
        reason: EndReason,
    },
}

/// Why a subscription ends from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The subscriber fell too far behind.
    TooSlow,
    /// Its token has expired, or it has lasted as long as one may; come back with a token that is good.
    Expired,
    /// The server stops; come back to another.
    Closing,
    /// The feed cannot be read.
    Failed,
}

impl EndReason {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooSlow => "too-slow",
            Self::Expired => "expired",
            Self::Closing => "closing",
            Self::Failed => "failed",
        }
    }

    /// What to do, for the subscriber.
    pub fn detail(self) -> &'static str {
        match self {
            Self::TooSlow => "events came faster than they were read; subscribe again with the cursor and read faster",
            Self::Expired => {
                "the token has expired, or the subscription has lasted as long as one may; subscribe again with the cursor and a token that is good"
            }
            Self::Closing => "the server is shutting down; subscribe again with the cursor",
            Self::Failed => "the events cannot be read; try again later with the cursor",
        }
    }
}

/// A running subscription. Dropping it ends it.
pub struct Subscription {
    hub: Arc<Hub>,
    _seat: Seat,
    scope: TenantScope,
    types: Option<BTreeSet<String>>,
    places: Vec<Place>,
    /// The places of other contexts too, as the subscriber brought them.
    cursor: FeedCursor,
    closing: watch::Receiver<bool>,
    /// Whose turn it is.
    turn: usize,
    started: Duration,
    /// When the last message went out; `None` before the first.
    last: Option<Duration>,
    ended: bool,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

impl Subscription {
    pub(super) async fn open(hub: Arc<Hub>, seat: Seat, scope: &TenantScope, wanted: Wanted) -> Result<Self, Problem> {
        let ends = try_join_all(wanted.contexts.iter().map(|context| hub.log.feed_end(scope, context)));
        let ends = ends.await.map_err(of_log)?;
        let mut cursor = match &wanted.after {
            After::Cursor(cursor) => cursor.clone(),
            After::Nothing | After::Now => FeedCursor::new(),
        };
        if wanted.after == After::Now {
            // Not the feeds asked for alone: who comes back for another context begins there where it began here.
            for context in hub.types.keys() {
                let known = wanted.contexts.iter().position(|wanted| wanted == context);
                let end = match known {
                    Some(at) => ends[at],
                    None => hub.log.feed_end(scope, context).await.map_err(of_log)?,
                };
                cursor.set(context, FeedPlace::batch(end));
            }
        }
        let places = wanted.contexts.iter().zip(ends).map(|(context, end)| {
            let at = cursor.place(context);
            Place::new(context, at, hub.tail(scope, context, end))
        });
        Ok(Self {
            places: places.collect(),
            closing: hub.closing.subscribe(),
            started: hub.runtime.monotonic(),
            scope: scope.clone(),
            types: wanted.types,
            cursor,
            turn: 0,
            last: None,
            ended: false,
            _seat: seat,
            hub,
        })
    }

    /// The next message; `None` after the end. A future that is dropped before it is done loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        let mut pause = Duration::from_millis(50);
        while !self.ended {
            let now = self.hub.runtime.monotonic();
            if let Some(reason) = self.over(now) {
                return Some(self.end(reason));
            }
            if self
                .last
                .is_none_or(|last| now.saturating_sub(last) >= self.hub.options.heartbeat)
            {
                self.last = Some(now);
                return Some(Message::Heartbeat { cursor: self.seal() });
            }
            if let Some(message) = self.ready() {
                self.last = Some(now);
                return Some(message);
            }
            match self.load().await {
                Ok(true) => {
                    pause = Duration::from_millis(50);
                    // Whoever passes over much that it does not want must not keep the thread.
                    tokio::task::yield_now().await;
                }
                Ok(false) => self.wait(now).await,
                Err(problem) if problem.status() == StatusCode::SERVICE_UNAVAILABLE => {
                    tracing::warn!(problem = problem.operator(), "a subscription waits for the store");
                    self.hub.runtime.sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(problem) => {
                    tracing::error!(problem = problem.operator(), "a subscription ends");
                    return Some(self.end(EndReason::Failed));
                }
            }
        }
        None
    }

    /// The next event, if no waiting is needed for it; none after the end, whatever lies there.
    pub(super) fn ready(&mut self) -> Option<Message> {
        if self.ended {
            return None;
        }
        for _ in 0..self.places.len() {
            let place = &mut self.places[self.turn];
            let before = place.at;
            let event = place.take(self.types.as_ref());
            if place.at != before {
                self.cursor.set(place.context, place.at);
            }
            if let Some(event) = event {
                return Some(Message::Event {
                    cursor: self.seal(),
                    event,
                });
            }
            // One piece of a batch each, in turn.
            self.turn = (self.turn + 1) % self.places.len();
        }
        None
    }

    async fn load(&mut self) -> Result<bool, Problem> {
        let mut any = false;
        for place in &mut self.places {
            any |= place.load().await?;
        }
        Ok(any)
    }

    /// Waits for an event of any context, the next heartbeat, or the end.
    async fn wait(&mut self, now: Duration) {
        let options = &self.hub.options;
        let beat = self.last.unwrap_or(now) + options.heartbeat;
        let until = beat.min(self.started + options.longest).min(now + self.token_lasts());
        let more = select_all(self.places.iter_mut().map(|place| Box::pin(place.more())));
        tokio::select! {
            _ = more => {}
            _ = self.closing.wait_for(|closing| *closing) => {}
            () = self.hub.runtime.sleep(until.saturating_sub(now)) => {}
        }
    }

    /// For how long the token is still good.
    fn token_lasts(&self) -> Duration {
        let left = |until: Timestamp| until.since(self.hub.runtime.now());
        self.scope.until().map_or(self.hub.options.longest, left)
    }

    fn over(&self, now: Duration) -> Option<EndReason> {
        let options = &self.hub.options;
        if *self.closing.borrow() {
            Some(EndReason::Closing)
        } else if now.saturating_sub(self.started) >= options.longest || self.token_lasts().is_zero() {
            Some(EndReason::Expired)
        } else if self.places.iter().any(|place| place.behind() > options.most_behind) {
            Some(EndReason::TooSlow)
        } else {
            None
        }
    }

    fn end(&mut self, reason: EndReason) -> Message {
        self.ended = true;
        Message::End {
            cursor: self.seal(),
            reason,
        }
    }

    fn seal(&self) -> String {
        self.hub.log.seal_feed_cursor(&self.scope, &self.cursor)
    }
}
