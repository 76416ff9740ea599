//! A connection whose handler's type is erased, and the thread that gives it its turns.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::handler::connection_io::{Bounds, SharedIo};
use crate::handler::resolution::RequestKind;
use crate::handler::wire::{Want, Wire};
use crate::handler::{Address, ServerInfo};
use crate::sync::Arc;

/// What a connection is made from.
pub(crate) struct ConnectionParts {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) client_address: Address,
    pub(crate) server: Arc<ServerInfo>,
    pub(crate) bounds: Arc<Bounds>,
}

/// A connection whose handler's type is erased.
pub(crate) trait AnyConnection {
    /// Continues as far as it can. `expired` says that it has waited too long.
    fn turn(&mut self, context: &mut dyn TurnContext, expired: bool) -> Turn;

    /// Whether it has something to do before its client has sent anything.
    fn speaks_first(&self) -> bool;

    /// Whether the next turn continues a TLS handshake, whose cost depends on the server's key.
    fn is_in_handshake(&self) -> bool {
        false
    }

    /// Whether it has had no request in hand since it was last parked to wait for one.
    fn is_idle(&self) -> bool;

    /// Whether it ends with the server: its client has asked nothing, and is not about to.
    fn ends_with_server(&self) -> bool {
        self.is_idle()
    }

    /// Whether the last response is sent, and the connection only waits for its client to close.
    fn is_answered(&self) -> bool;

    /// Answers 503 to the request that waits for its handler. False if none does.
    fn refuse(&mut self) -> bool;
}

/// How a turn ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The connection waits for its client, at most for this time.
    Later(Want, Duration),
    /// There is more to do, but other connections have waited long enough.
    Again,
    /// User code has to run that may not run here.
    Elsewhere,
    /// The connection is over.
    Over,
}

/// How a step of a turn ends: the next step follows, or the turn ends.
pub(crate) type Step = ControlFlow<Turn>;

/// The thread that gives a connection its turn.
pub(crate) trait TurnContext {
    /// Whether the handler of such a request may run here. On a driver, it must be expected not to block.
    fn may_run(&mut self, kind: RequestKind<'_>) -> bool;

    /// Whether the admitted handler has been quick before.
    fn expects_quickness(&self) -> bool;

    /// Whether user code that may block for any time may run here.
    fn admits_all(&self) -> bool;

    /// An override of `handle` has the connection to itself.
    fn takes_connection(&mut self);

    /// Whether any user code may run here.
    fn runs_user_code(&self) -> bool;

    /// Whether there are no more threads for handlers.
    fn is_at_bound(&self) -> bool;

    /// Whether the server is being shut down.
    fn is_stopping(&self) -> bool;

    /// Whether, even then, a client that is about to send a request is waited for.
    fn expects_requests(&self) -> bool;

    /// Response bytes are about to be sent. Their log lines are written first, unless other connections are waiting: the
    /// client that has the response may look for them.
    fn before_sending(&self);

    /// Whether there are such lines.
    fn has_lines(&self) -> bool;

    /// Responses are buffered, and keep waiting while a handler runs that is expected to be quick.
    fn has_buffered(&mut self, io: &SharedIo);

    /// Whether the turn has taken long enough.
    fn turn_is_over(&self) -> bool;

    /// When the clock was last read, at most a turn ago.
    fn last_look(&self) -> Instant;

    /// User code begins.
    fn enter(&mut self);

    /// User code begins right after other user code, with nothing in between that takes time: the clock need not be read
    /// again.
    fn enter_next(&mut self) {
        self.enter();
    }

    /// User code has returned.
    fn leave(&mut self);
}
