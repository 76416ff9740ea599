//! What a thread keeps of the request that it is about to serve, or is serving.

use std::time::Instant;

use super::pool::Lane;
use super::predictor::Kind;
use super::usage::Usage;

#[expect(clippy::struct_excessive_bools, reason = "each of them is a question of its own")]
#[derive(Default)]
pub(super) struct Local {
    /// That of the request whose handler was admitted.
    pub(super) kind: Option<Kind>,
    /// The number of the route that it is for.
    pub(super) route: Option<u16>,
    /// Who is to run a handler that was not.
    pub(super) lane: Lane,
    /// The handler was quick before.
    pub(super) is_quick: bool,
    /// When the handler was called.
    pub(super) called: Option<Instant>,
    /// What the thread had used by then, where the system was asked.
    pub(super) used: Option<Usage>,
    /// What the thread had used when its round began.
    pub(super) round: Usage,
    /// The watchdog knows where responses have gathered in this turn.
    pub(super) has_buffered: bool,
    /// A request was taken up.
    pub(super) has_answered: bool,
    /// The one handler was admitted that runs on a thread of the pool.
    pub(super) has_admitted: bool,
}
