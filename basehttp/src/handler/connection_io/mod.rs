//! The connection as its handler sees it: what `rfile`, `wfile` and the base share.

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

/// A connection that has something to do. One that rests has only its [`Link`].
pub(crate) struct ConnectionIo {
    link: Linked,
    input: Input,
    pub(crate) response: Response,
    output: Output,
    deadlines: Deadlines,
    errors: Errors,
    /// The client takes the connection for a persistent one: more requests may be on their way.
    is_persistent: bool,
    /// The response goes on after its method has returned.
    detached: Option<Box<Detached>>,
    /// How the connection is to end, once that is settled.
    closing: Option<Close>,
    /// That of the lines which the handler is about to log.
    pub(crate) level: Level,
    /// The span of the current request, until its response is settled.
    #[cfg(feature = "tracing")]
    pub(super) span: Option<tracing::Span>,
}

/// One that works on no connection yet.
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

/// Reads and writes of at least this many bytes go past the buffers.
const DIRECT: usize = 16 * 1024;

/// A response of more bytes may still be in the system's buffer when the connection is closed, and would go down with it if
/// the client sent another byte then.
const ON_ITS_WAY: u64 = 16 * 1024;

impl ConnectionIo {
    /// Takes up a connection that has had no request yet, or has rested. All else is as [`is_at_rest`](Self::is_at_rest) has found it,
    /// or is reset by [`begin`](Self::begin).
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

    /// Whether the connection waits for a request and has nothing that it must keep until then.
    fn is_at_rest(&self, phase: Phase) -> bool {
        phase == Phase::Idle
            && self.input.is_at_rest()
            && self.response.is_at_rest()
            && self.output.is_at_rest()
            && self.deadlines.are_none()
            && self.errors.are_none()
            && self.closing.is_none()
    }

    /// Lays down a connection at rest, and gives back the memory that an unusual request has taken.
    fn detach(&mut self) -> Option<Box<Link>> {
        self.input.trim();
        self.response.trim();
        self.link.take()
    }

    /// Takes a line of the handler's. True if so many have gathered that they should be written, once this is not locked any
    /// more: code of the user may take them.
    pub(crate) fn log(&mut self, line: &str) -> bool {
        self.link.wire.log(line, self.level)
    }

    /// Takes a line in which the server complains.
    pub(crate) fn warn(&mut self, text: &str) {
        self.link.wire.log(&line_of_the_server(text), Level::Warning);
    }

    /// What is known of the connection, if there is a real one.
    pub(crate) fn facts(&self) -> Option<&dyn Facts> {
        self.link.wire.facts()
    }

    /// What its deadlines are measured by.
    pub(crate) fn instant(&self) -> Instant {
        self.link.clock().instant()
    }

    /// Reads what comes before the first request; see [`Wire::preface`](super::wire::Wire::preface). It has the time of a head.
    pub(crate) fn preface(&mut self) -> io::Result<Option<Announced>> {
        let read = self.link.wire.preface();
        match &read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.deadlines.require_within(self.link.bounds.head_timeout, self.link.clock());
            }
            Ok(Some(_)) => self.deadlines.met(),
            // There is none, or it was read before: what is waited for now is something else, a handshake for example.
            Ok(None) | Err(_) => {}
        }
        read
    }

    /// Sets how long one read, or one write, may wait for the client: in the current request, or where there is none yet,
    /// in all.
    pub(crate) fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>, all: bool) {
        let timeouts = self.deadlines.set_timeouts(read, write);
        if all {
            self.link.timeouts = timeouts;
        } else {
            self.deadlines.lift_totals(read.is_some(), write.is_some());
        }
    }

    /// How long the connection may be silent from now on.
    pub(crate) fn silence_allowed(&self, phase: Phase) -> Duration {
        let clock = self.link.clock();
        match (self.deadlines.required(clock), phase) {
            (Some(left), _) => left,
            (None, Phase::Idle) => self.link.idle_left(),
            (None, _) => self.deadlines.input_left(clock),
        }
    }

    /// Whether the connection has nothing to do but to wait for a request.
    pub(crate) fn is_idle(&self, phase: Phase) -> bool {
        phase == Phase::Idle && !self.has_output()
    }

    /// Whether the server wants no further request on this connection.
    pub(crate) fn is_last_request(&self) -> bool {
        self.link.requests_left == 0 || self.link.wire.is_last_request()
    }

    /// Whether the server is being shut down.
    pub(crate) fn is_stopping(&self) -> bool {
        self.link.wire.is_stopping()
    }

    /// Whether the server has cut the connection, at the end of a shutdown's grace.
    pub(crate) fn is_cut(&self) -> bool {
        self.link.wire.is_cut()
    }

    /// Whether the handler was told that its client is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.errors.first() == Some(ConnectionError::ClientGone)
    }

    /// A handler begins to run: while it does, no time of the client's is used up.
    #[inline]
    pub(crate) fn handler_begins(&mut self) {
        self.deadlines.stop_room(self.link.clock());
    }

    /// Notes that the client is too late with its request.
    pub(crate) fn record_late(&mut self, in_head: bool) {
        let deadline = if in_head { "head_timeout" } else { self.deadlines.input_setting() };
        self.errors.record(ConnectionError::TimedOut(deadline));
    }

    /// The setting whose deadline is over.
    pub(crate) fn missed_deadline(&self) -> Option<&'static str> {
        match self.errors.first() {
            Some(ConnectionError::TimedOut(deadline)) => Some(deadline),
            _ => None,
        }
    }

    /// Whether the client is still there, as far as that is known.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn presence(&self) -> Presence {
        self.link.wire.presence()
    }

    /// The client is gone, though no read or write has said so.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn lose_client(&mut self) -> io::Error {
        self.fail(io::ErrorKind::ConnectionReset.into(), "")
    }

    /// Blocks the thread until there may be input.
    pub(crate) fn wait_for_input(&mut self, timeout: Duration) -> io::Result<()> {
        self.link.wire.wait(Want::Input, timeout)
    }

    /// What has gone wrong, for the one who asks first.
    pub(crate) fn take_unreported(&mut self) -> Option<ConnectionError> {
        self.errors.take_unreported()
    }

    /// The failure of the handler is reported: it is reported once.
    pub(crate) fn handler_failed(&mut self) {
        self.errors.handler_failed = true;
    }

    pub(crate) fn has_handler_failed(&self) -> bool {
        self.errors.handler_failed
    }

    /// Nobody knows where this request ends, so more of it may come after the response.
    pub(crate) fn expect_more(&mut self) {
        if !self.input.ended {
            self.closing = Some(Close::Linger);
        }
    }

    /// Gets ready for body and response of the request whose head was taken. The client takes the connection for a persistent one,
    /// or not, and the server closes it after the response, or not.
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

    /// How the connection has to end.
    pub(crate) fn closing(&self) -> Close {
        let unread = self.has_body() || !self.input.buffer.is_empty();
        let on_its_way = self.output.sent > ON_ITS_WAY;
        // There a reset says that the response is not whole, so nothing that a client sends too much may cause one.
        let ends_response = self.response.ends_with_connection();
        let may_come = unread || on_its_way || ends_response || self.is_persistent;
        self.closing.unwrap_or(if may_come && !self.input.ended { Close::Linger } else { Close::Plain })
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

    /// How long the client may go on taking nothing.
    pub(crate) fn room_left(&self) -> Duration {
        self.deadlines.room_left(self.link.clock())
    }

    /// Whether the client has to take more of the responses before its next request is looked at. A client that takes nothing
    /// must not have the room of its next response filled by those before: the handler would wait for it.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.output.is_behind() || self.response.gathered() > self.link.bounds.high_water
    }

    /// Reads and drops input. `WouldBlock` when there may be more, `Ok` with a count when there was some.
    pub(crate) fn linger(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let read = self.link.wire.read(scratch);
        if matches!(read, Ok(1..)) {
            self.link.break_silence();
        }
        read
    }

    /// How long the client may go on sending nothing, of so much from when it began to.
    pub(crate) fn silence_left(&mut self, most: Duration) -> Duration {
        self.link.silence_left(most)
    }

    /// A read, or a write, has failed: what was waited for has the deadline of this setting.
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
