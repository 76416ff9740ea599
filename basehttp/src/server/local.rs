//! What a thread keeps about the request that it serves or is about to serve.

use std::time::Instant;

use super::pool::Lane;
use super::predictor::Kind;
use super::usage::Usage;

#[expect(clippy::struct_excessive_bools, reason = "each of them is a question of its own")]
#[derive(Default)]
pub(super) struct Local {
    /// The kind of the request whose handler was admitted.
    pub(super) kind: Option<Kind>,
    /// The number of its route.
    pub(super) route: Option<u16>,
    /// The lane for a handler that was not admitted.
    pub(super) lane: Lane,
    /// The handler was quick before.
    pub(super) is_quick: bool,
    /// When the handler was called.
    pub(super) called: Option<Instant>,
    /// The thread's usage at that time, if the system was asked.
    pub(super) used: Option<Usage>,
    /// The thread's usage when its round began.
    pub(super) round: Usage,
    /// The watchdog knows the connection whose responses are buffered in this turn.
    pub(super) has_buffered: bool,
    /// A request was taken up.
    pub(super) has_answered: bool,
    /// The one handler that a pool thread runs was admitted.
    pub(super) has_admitted: bool,
}
