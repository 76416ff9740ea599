//! What other threads leave for the thread that polls in a shard.

use mio::Token;

use super::counters::Refused;
use super::far_socket::Joining;
use super::inbox::Inbox;
use super::listener::Stream;
use super::timers::Timers;
use crate::handler::Address;

/// It has cache lines of its own, since its neighbours are other shards' mailboxes.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Mailbox {
    /// Tokens of connections that are over.
    pub(super) freed: Inbox<Token>,
    pub(super) timers: Timers,
    /// Streams that another shard has accepted.
    pub(super) arrivals: Inbox<Arrival>,
    /// Sockets with which connections of this shard are joined.
    pub(super) joining: Inbox<Joining>,
}

/// A new connection that is not registered yet.
pub(super) struct Arrival {
    pub(super) stream: Stream,
    pub(super) address: Address,
    /// Set if it is above the limit and has to be answered 503.
    pub(super) refused: Option<Refused>,
}
