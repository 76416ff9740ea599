//! A connection whose handler's type is erased, and the thread that gives it its turns.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::handler::connection_io::{Bounds, SharedIo};
use crate::handler::resolution::RequestKind;
use crate::handler::wire::{Want, Wire};
use crate::handler::{Address, ServerInfo};
use crate::sync::Arc;

/// What a connection consists of.
pub(crate) struct ConnectionParts {
    pub(crate) wire: Box<dyn Wire>,
    pub(crate) client_address: Address,
    pub(crate) server: Arc<ServerInfo>,
    pub(crate) bounds: Arc<Bounds>,
}

/// A connection whose handler's type is erased.
pub(crate) trait AnyConnection {
    /// Goes on as far as it can. `expired` says that the time for what it waits for is over.
    fn turn(&mut self, context: &mut dyn TurnContext, expired: bool) -> Turn;

    /// Whether it has something to do before its client has said anything.
    fn speaks_first(&self) -> bool;

    /// Whether the next turn goes on with a handshake of TLS, whose cost is that of the server's key.
    fn is_in_handshake(&self) -> bool {
        false
    }

    /// Whether it has had no request in hand since it last lay down to wait for one.
    fn is_idle(&self) -> bool;

    /// Whether it is over when the server is: nobody has asked anything, and nobody is about to.
    fn ends_with_server(&self) -> bool {
        self.is_idle()
    }

    /// Whether the last response is sent, and the connection only waits for its client to close.
    fn is_answered(&self) -> bool;

    /// Makes 503 the answer to the request that waits for its handler. False if none does.
    fn refuse(&mut self) -> bool;
}

/// What a turn ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The connection waits for its client, so long at most.
    Later(Want, Duration),
    /// There is more to do, but others have waited long enough.
    Again,
    /// Code of the user has to run that may not run here.
    Elsewhere,
    /// The connection is over.
    Over,
}

/// What a step of a turn ends with: the next one follows, or the turn is over.
pub(crate) type Step = ControlFlow<Turn>;

/// The thread that gives a connection its turn.
pub(crate) trait TurnContext {
    /// Whether the handler of such a request may run here: it is not expected to wait.
    fn may_run(&mut self, kind: RequestKind<'_>) -> bool;

    /// Whether the admitted handler is one that has been quick before.
    fn expects_quickness(&self) -> bool;

    /// Whether code of the user may run here that may take any time.
    fn admits_all(&self) -> bool;

    /// An override of `handle` has the connection to itself.
    fn takes_connection(&mut self);

    /// Whether any code of the user may run here.
    fn runs_user_code(&self) -> bool;

    /// Whether there are no more threads for handlers.
    fn is_at_bound(&self) -> bool;

    /// Whether the server is being shut down.
    fn is_stopping(&self) -> bool;

    /// Whether a client that is about to send a request is waited for even then.
    fn expects_requests(&self) -> bool;

    /// What is ready of a response is about to be sent. Its log lines are written before, unless others are waiting: who has
    /// the response may look for them.
    fn before_sending(&self);

    /// Whether there are such lines.
    fn has_lines(&self) -> bool;

    /// Responses have gathered, and go on to wait there while a handler runs that is expected to be quick.
    fn has_buffered(&mut self, io: &SharedIo);

    /// Whether the turn has taken long enough.
    fn turn_is_over(&self) -> bool;

    /// The time at the last look at the clock, at most a turn ago.
    fn last_look(&self) -> Instant;

    /// Code of the user begins.
    fn enter(&mut self);

    /// Code of the user begins behind other code of the user, with nothing between them that could take its time: the clock need not
    /// be asked again.
    fn enter_next(&mut self) {
        self.enter();
    }

    /// Code of the user has returned.
    fn leave(&mut self);
}
