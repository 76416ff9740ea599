//! A connection's I/O, shared by `rfile`, `wfile` and the handler's base.

mod attached;
mod bounds;
mod buffer_pool;
mod deadlines;
mod detached;
mod errors;
mod going_on;
mod input;
mod link;
mod output;
mod reading;
mod relay;
mod relaying;
mod sending;
mod shared;
mod transfer_budget;
mod tunnel;
mod turn_budget;
mod write_budget;
mod writing;

use std::io;
use std::time::{Duration, Instant};

use super::facts::Facts;
use super::log_line::line_of_the_server;
#[cfg(all(feature = "cgi", unix))]
use super::wire::Presence;
use super::wire::{Announced, Close, Level, Want};
use crate::proto::connection::Phase;
use crate::proto::framing::Body;
use crate::proto::response::{RequestTraits, Response};

use deadlines::Deadlines;
use errors::Errors;
use input::Input;
use link::{Link, Linked};
use output::Output;

pub(crate) use attached::Source;
pub(crate) use bounds::{Bounds, LONGEST};
pub(crate) use detached::{Continuation, Detached, HandleEnd, HandleKind, NextAct, Occasion, Served};
pub(crate) use errors::ConnectionError;
pub(crate) use going_on::Piece;
pub(crate) use reading::{BodyProgress, NextHead};
pub(crate) use relaying::RelayProgress;
pub(crate) use sending::FlushProgress;
pub(crate) use shared::{IoGuard, SharedIo};
pub(crate) use turn_budget::READING_TIME;
pub(crate) use write_budget::WriteBudget;

/// A connection with work to do. A resting connection has only its [`Link`].
pub(crate) struct ConnectionIo {
    link: Linked,
    input: Input,
    pub(crate) response: Response,
    output: Output,
    deadlines: Deadlines,
    errors: Errors,
    /// Whether the client expects a persistent connection: it may already be sending more requests.
    is_persistent: bool,
    /// Set if the response continues after its method has returned.
    detached: Option<Box<Detached>>,
    /// How the connection must end, once that is settled.
    closing: Option<Close>,
    /// The level of the lines that the handler is about to log.
    pub(crate) level: Level,
    /// The span of the current request, until its response is settled.
    #[cfg(feature = "tracing")]
    pub(super) span: Option<tracing::Span>,
}

/// Without a connection.
impl Default for ConnectionIo {
    fn default() -> Self {
        Self {
            link: Linked::NONE,
            input: Input::default(),
            response: Response::new(0),
            output: Output::default(),
            deadlines: Deadlines::default(),
            errors: Errors::default(),
            is_persistent: false,
            detached: None,
            closing: None,
            level: Level::Info,
            #[cfg(feature = "tracing")]
            span: None,
        }
    }
}

/// Reads and writes of at least this many bytes bypass the buffers.
const DIRECT: usize = 16 * 1024;

/// When a connection is closed, more than this many response bytes may still be in the system's buffer. They would be lost if
/// the client sent another byte then.
const ON_ITS_WAY: u64 = 16 * 1024;

impl ConnectionIo {
    /// Attaches a connection that has had no request yet, or has rested. Everything else is as
    /// [`is_at_rest`](Self::is_at_rest) has found it, or is reset by [`begin`](Self::begin).
    fn attach_link(&mut self, link: Box<Link>) {
        let Bounds { limits, hold, .. } = *link.bounds;
        self.input.begin_connection(limits);
        self.response.begin_connection(hold);
        self.output.begin_connection();
        self.deadlines = Deadlines::new(link.timeouts, &link.bounds);
        self.errors.clear();
        self.is_persistent = false;
        self.level = Level::Info;
        self.link.set(link);
    }

    /// Whether the connection waits for a request and has nothing to keep until then.
    fn is_at_rest(&self, phase: Phase) -> bool {
        phase == Phase::Idle
            && self.input.is_at_rest()
            && self.response.is_at_rest()
            && self.output.is_at_rest()
            && self.deadlines.are_none()
            && self.errors.are_none()
            && self.closing.is_none()
    }

    /// Detaches a connection at rest, and frees memory that an unusual request has taken.
    fn detach(&mut self) -> Option<Box<Link>> {
        self.input.trim();
        self.response.trim();
        self.link.take()
    }

    /// Takes a log line of the handler. True if so many have gathered that they should be written; do that after releasing
    /// this lock, because user code may receive them.
    pub(crate) fn log(&mut self, line: &str) -> bool {
        self.link.wire.log(line, self.level)
    }

    /// Logs a warning of the server.
    pub(crate) fn warn(&mut self, text: &str) {
        self.link.wire.log(&line_of_the_server(text), Level::Warning);
    }

    /// Facts about the connection, if it is a real one.
    pub(crate) fn facts(&self) -> Option<&dyn Facts> {
        self.link.wire.facts()
    }

    /// The current time of the clock that measures deadlines.
    pub(crate) fn instant(&self) -> Instant {
        self.link.clock().instant()
    }

    /// Reads the preface; see [`Wire::preface`](super::wire::Wire::preface). It has the deadline of a head.
    pub(crate) fn preface(&mut self) -> io::Result<Option<Announced>> {
        let read = self.link.wire.preface();
        match &read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.deadlines.require_within(self.link.bounds.head_timeout, self.link.clock());
            }
            Ok(Some(_)) => self.deadlines.met(),
            // There is none, or it was read before: the connection now waits for something else, such as a handshake.
            Ok(None) | Err(_) => {}
        }
        read
    }

    /// Sets how long one read, or one write, may wait for the client: in the current request, or with `all`, in all requests.
    pub(crate) fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>, all: bool) {
        let timeouts = self.deadlines.set_timeouts(read, write);
        if all {
            self.link.timeouts = timeouts;
        } else {
            self.deadlines.lift_totals(read.is_some(), write.is_some());
        }
    }

    /// How long the connection may stay silent.
    pub(crate) fn silence_allowed(&self, phase: Phase) -> Duration {
        let clock = self.link.clock();
        match (self.deadlines.required(clock), phase) {
            (Some(left), _) => left,
            (None, Phase::Idle) => self.link.idle_left(),
            (None, _) => self.deadlines.input_left(clock),
        }
    }

    /// Whether the connection only waits for a request.
    pub(crate) fn is_idle(&self, phase: Phase) -> bool {
        phase == Phase::Idle && !self.has_output()
    }

    /// Whether the server accepts no further request on this connection.
    pub(crate) fn is_last_request(&self) -> bool {
        self.link.requests_left == 0 || self.link.wire.is_last_request()
    }

    /// Whether the server is shutting down.
    pub(crate) fn is_stopping(&self) -> bool {
        self.link.wire.is_stopping()
    }

    /// Whether the server has cut the connection, at the end of a shutdown's grace period.
    pub(crate) fn is_cut(&self) -> bool {
        self.link.wire.is_cut()
    }

    /// Whether the handler was told that its client has gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.errors.first() == Some(ConnectionError::ClientGone)
    }

    /// A handler begins to run: while it runs, the client's time does not count down.
    #[inline]
    pub(crate) fn handler_begins(&mut self) {
        self.deadlines.stop_room(self.link.clock());
    }

    /// Records that the client is too late with its request.
    pub(crate) fn record_late(&mut self, in_head: bool) {
        let deadline = if in_head { "head_timeout" } else { self.deadlines.input_setting() };
        self.errors.record(ConnectionError::TimedOut(deadline));
    }

    /// The setting whose deadline has passed.
    pub(crate) fn missed_deadline(&self) -> Option<&'static str> {
        match self.errors.first() {
            Some(ConnectionError::TimedOut(deadline)) => Some(deadline),
            _ => None,
        }
    }

    /// Whether the client is still there, as far as is known.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn presence(&self) -> Presence {
        self.link.wire.presence()
    }

    /// Records that the client has gone, though no read or write has shown it.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn lose_client(&mut self) -> io::Error {
        self.fail(io::ErrorKind::ConnectionReset.into(), "")
    }

    /// Blocks the thread until there may be input.
    pub(crate) fn wait_for_input(&mut self, timeout: Duration) -> io::Result<()> {
        self.link.wire.wait(Want::Input, timeout)
    }

    /// The error that has not been reported yet. Returned once.
    pub(crate) fn take_unreported(&mut self) -> Option<ConnectionError> {
        self.errors.take_unreported()
    }

    /// Whether there is such an error.
    pub(crate) fn has_unreported(&self) -> bool {
        self.errors.has_unreported()
    }

    /// Records that the handler's failure was reported, which happens only once.
    pub(crate) fn handler_failed(&mut self) {
        self.errors.handler_failed = true;
    }

    pub(crate) fn has_handler_failed(&self) -> bool {
        self.errors.handler_failed
    }

    /// The end of this request is unknown, so more of it may arrive after the response.
    pub(crate) fn expect_more(&mut self) {
        if !self.input.ended {
            self.closing = Some(Close::Linger);
        }
    }

    /// Prepares for the body and response of the request whose head was taken. `is_persistent` is whether the client expects
    /// a persistent connection, `close` whether the server closes it after the response.
    #[inline]
    pub(crate) fn begin(&mut self, traits: RequestTraits, close: bool, is_persistent: bool, body: Body) {
        self.is_persistent = is_persistent;
        self.level = Level::Info;
        self.link.wire.begin_request(self.response.gathered(), traits.head);
        self.input.begin_body(body, self.link.bounds.limits);
        let owes = self.has_output();
        self.deadlines.begin_request(self.link.timeouts, &self.link.bounds, owes);
        self.output.begin_request();
        self.errors.clear();
        self.link.requests_left = self.link.requests_left.saturating_sub(1);
        self.link.break_silence();
        #[cfg(feature = "tracing")]
        {
            self.span = None;
        }
        self.response.begin(RequestTraits { close: traits.close || self.is_last_request(), ..traits }, close);
    }

    /// How the connection must end.
    pub(crate) fn closing(&self) -> Close {
        let unread = self.has_body() || !self.input.buffer.is_empty();
        let on_its_way = self.output.sent > ON_ITS_WAY;
        // In this case a reset tells the client that the response is incomplete, so surplus input must not cause one.
        let ends_response = self.response.ends_with_connection();
        let has_message = self.link.wire.has_closing_message();
        let may_come = unread || on_its_way || ends_response || self.is_persistent || has_message;
        self.closing.unwrap_or(if may_come && !self.input.ended { Close::Linger } else { Close::Plain })
    }

    /// All output is with the system. The connection will be closed.
    pub(crate) fn before_close(&mut self) {
        if let Some(time) = self.deadlines.slow_for(self.link.clock()) {
            self.link.wire.has_been_slow(time);
        }
    }

    /// Ends the server's half of the connection.
    pub(crate) fn shutdown_write(&mut self) {
        self.link.break_silence();
        self.link.wire.shutdown_write();
    }

    /// Makes the end of the connection a reset.
    pub(crate) fn reset(&mut self) {
        self.link.wire.reset();
    }

    /// How long the client may continue to take nothing.
    pub(crate) fn room_left(&self) -> Duration {
        self.deadlines.room_left(self.link.clock())
    }

    /// Whether the client must take more of the responses before its next request is looked at. Otherwise earlier responses
    /// to a client that takes nothing would fill the room of the next one, and its handler would have to wait.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.output.is_behind() || self.response.gathered() > self.link.bounds.high_water
    }

    /// Reads and drops input. `WouldBlock` if there may be more later, `Ok` with a count if there was some.
    pub(crate) fn linger(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let read = self.link.wire.drop_input(scratch);
        if matches!(read, Ok(1..)) {
            self.link.break_silence();
        }
        read
    }

    /// How much of `most` is left for the client to stay silent, since it fell silent.
    pub(crate) fn silence_left(&mut self, most: Duration) -> Duration {
        self.link.silence_left(most)
    }

    /// Records a failed read or write. `setting` names the deadline of what it waited for.
    pub(super) fn fail(&mut self, error: io::Error, setting: &'static str) -> io::Error {
        let timed_out = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        self.errors.record(if timed_out {
            ConnectionError::TimedOut(setting)
        } else {
            ConnectionError::ClientGone
        });
        self.response.must_close();
        error
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
