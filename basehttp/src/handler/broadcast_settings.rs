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

/// How to treat a client that has not yet taken enough of the earlier messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowClients {
    /// Its connection ends, so that it cannot take a partial stream for a complete one. A browser reconnects and gets what it
    /// missed.
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

    /// How many of the last events, and how many bytes of them, are kept for clients that reconnect: 100 events and 64 KiB by
    /// default, about as much as may wait for any client. The last event is always kept, however long. With 0 events there is
    /// no history, and messages get no ids.
    pub fn history(mut self, events: usize, bytes: usize) -> Self {
        (self.history_events, self.history_bytes) = (events, bytes);
        self
    }

    /// How long a client of events may receive nothing before it is sent an empty comment: 15 seconds by default, since
    /// proxies and networks drop connections that are silent for a minute. With `None` no comments are sent, and a vanished
    /// client is noticed only when it stops taking messages. See [`EventStream::heartbeat`](crate::EventStream::heartbeat).
    pub fn heartbeat(mut self, every: Option<Duration>) -> Self {
        self.heartbeat = every;
        self
    }

    /// How to treat slow clients. By default clients of events are dropped, since a missing event would go unnoticed; clients
    /// of bytes skip, since the next picture is worth more than the last. Each slow client is logged once.
    pub fn slow_clients(mut self, policy: SlowClients) -> Self {
        self.slow_clients = Some(policy);
        self
    }

    /// How many clients there may be at a time: 10,000 by default, as many as a server's connections.
    pub fn max_clients(mut self, count: usize) -> Self {
        self.max_clients = count;
        self
    }
}
