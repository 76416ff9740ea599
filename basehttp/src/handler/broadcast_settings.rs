//! How a broadcast treats its clients.

use std::time::Duration;

use super::event_stream::HEARTBEAT_EVERY;

/// The settings of a [`Broadcast`](crate::Broadcast).
///
/// ```
/// use std::time::Duration;
/// use basehttp::{Broadcast, SlowClients};
///
/// let news = Broadcast::builder()
///     .history(1000, 1 << 20)
///     .heartbeat(Some(Duration::from_secs(30)))
///     .slow_clients(SlowClients::Skip)
///     .max_clients(200)
///     .build();
/// assert_eq!(news.len(), 0);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "call build()"]
pub struct BroadcastBuilder {
    pub(super) history_events: usize,
    pub(super) history_bytes: usize,
    pub(super) heartbeat: Option<Duration>,
    pub(super) slow_clients: Option<SlowClients>,
    pub(super) max_clients: usize,
}

/// What becomes of a client that has not taken enough of earlier messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowClients {
    /// Its connection ends, so that it cannot take what came for all. A browser comes back, and gets what it has missed.
    Drop,
    /// It misses the message.
    Skip,
}

impl BroadcastBuilder {
    pub(super) const DEFAULT: Self = Self {
        history_events: 100,
        history_bytes: 64 * 1024,
        heartbeat: Some(HEARTBEAT_EVERY),
        slow_clients: None,
        max_clients: 10_000,
    };

    /// How many of the last events are kept for clients that come back, and how many bytes of them: 100 events and 64 KiB, about what
    /// may wait for a client in any case. The last event is kept however long it is. With no events there is no history, and messages
    /// get no ids of their own.
    pub fn history(mut self, events: usize, bytes: usize) -> Self {
        (self.history_events, self.history_bytes) = (events, bytes);
        self
    }

    /// How long a client of events may get nothing before it is sent an empty comment: 15 seconds, since proxies and networks forget
    /// connections that are silent for a minute. `None` sends none, and a client that vanishes without a word is found when it takes no more
    /// messages. See [`EventStream::heartbeat`](crate::EventStream::heartbeat).
    pub fn heartbeat(mut self, every: Option<Duration>) -> Self {
        self.heartbeat = every;
        self
    }

    /// What becomes of slow clients. If nothing is said, those of events are dropped, as a missing one would not be noticed, and those of
    /// bytes skip, as the next picture is worth more than the last. The log tells of each such client once.
    pub fn slow_clients(mut self, policy: SlowClients) -> Self {
        self.slow_clients = Some(policy);
        self
    }

    /// How many clients there may be at a time: 10,000, as many as a server has connections by default.
    pub fn max_clients(mut self, count: usize) -> Self {
        self.max_clients = count;
        self
    }
}
