//! A connection's limits, in bytes and in time.

use std::time::Duration;

use super::write_budget::WriteBudget;
use crate::handler::clock::Clock;
use crate::proto::limits::Limits;
use crate::sync::Arc;

/// A connection's limits.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) limits: Limits,
    /// Bytes of a response that are held back to learn its length, and bytes of a body that are collected before a write.
    pub(crate) hold: usize,
    /// Bytes that may wait for the client before a handler's write waits.
    pub(crate) high_water: usize,
    /// Bytes that may wait beyond that, in all connections together.
    pub(crate) write_budget: Arc<WriteBudget>,
    /// Bytes of an unread body that are read and dropped to keep the connection.
    pub(crate) drain: u64,
    /// Bytes of a body that are gathered before the handler is called.
    pub(crate) gather: usize,
    /// How long a connection may be silent between two requests.
    pub(crate) idle_timeout: Duration,
    /// How long a handshake may take from its first byte to its last, and how long that first byte may take.
    pub(crate) handshake_timeout: Duration,
    /// How long a head may take from its first byte to its last.
    pub(crate) head_timeout: Duration,
    /// How long one read of a body, and one write, may wait for the client.
    pub(crate) read_timeout: Duration,
    pub(crate) write_timeout: Duration,
    /// How long the server may wait for a body, in addition to the time that its bytes earn.
    pub(crate) body_timeout: Duration,
    /// How long the server may wait for the client to take responses, in addition to the time that the bytes taken earn.
    pub(crate) response_timeout: Duration,
    /// The number of requests per connection.
    pub(crate) requests: u64,
    /// The clock for these times.
    pub(crate) clock: Clock,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            hold: 64 * 1024,
            high_water: 64 * 1024,
            write_budget: Arc::new(WriteBudget::new(64 * 1024 * 1024)),
            drain: 256 * 1024,
            gather: 64 * 1024,
            idle_timeout: Duration::from_secs(75),
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(20),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            response_timeout: Duration::from_secs(60),
            requests: u64::MAX,
            clock: Clock::default(),
        }
    }
}

/// No limit in practice, but short enough to be added to a point in time.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
