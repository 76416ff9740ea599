//! What `rfile`, `wfile` and the handler's base share: the connection, the body of the request, the response.

mod attached;
mod bounds;
mod budget;
mod desk;
mod head;
mod incoming;
mod outgoing;
mod patience;
mod pump;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use super::buffer::Buffer;
use super::facts::Facts;
use super::log_line::line_of_the_server;
use super::message::Headers;
#[cfg(all(feature = "cgi", unix))]
use super::wire::Presence;
use super::wire::{Announced, Close, Level, Want};
use crate::proto::chunked::ChunkedDecoder;
use crate::proto::connection::Phase;
use crate::proto::fault::Fault;
use crate::proto::framing::Body;
use crate::proto::head::HeadParser;
use crate::proto::response::{Asked, Response};
use crate::proto::status::HTTPStatus;

use attached::Attached;
pub(crate) use attached::Source;
pub(crate) use bounds::{Bounds, LONGEST};
use budget::Budget;
use desk::{Line, Silence};
use incoming::Incoming;
use patience::Patience;

pub(crate) use budget::READING_TIME;
pub(crate) use desk::{Desk, Guard, Shared};
pub(crate) use incoming::Taken;
pub(crate) use pump::Sent;

/// What happened to a connection while a handler ran. The server decides by this record, never by the error that the
/// handler returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The client went away, or the server has cut the connection.
    ClientGone,
    /// It was too slow, for the deadline that this setting has.
    TimedOut(&'static str),
    /// The framing of the request's body is broken.
    Fault(Fault),
    /// The body is not what the handler wants, or larger, which this status says.
    Body(HTTPStatus),
    /// A file of the response lacks so many bytes, or they cannot be read.
    File { left: u64, kind: io::ErrorKind },
    /// A HEAD response was complete, and the handler was told so.
    HeadAnswered,
}

/// What came instead of a request, or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A request; its fault, if any, is in it.
    Request,
    /// The connection is over.
    End,
    /// Nothing yet, or not all of it.
    Later,
    /// As much of it as others should have to wait for; there may be more.
    Enough,
}

pub(crate) struct Exchange {
    line: Box<Line>,
    input: Buffer,
    parser: HeadParser,
    /// No more input will come.
    ended: bool,
    body: Incoming,
    /// The client waits for `100 Continue` before it sends the body.
    waits_for_continue: bool,
    trailers: Headers,
    pub(crate) response: Response,
    /// The status of the response, once it was counted.
    told_status: u16,
    /// What stands between the bytes of `response`, in the order of the places.
    attached: VecDeque<Attached>,
    trouble: Option<Trouble>,
    /// The trouble, until somebody has asked for it to log it.
    news: Option<Trouble>,
    /// The failure of the handler was told.
    pub(crate) failed: bool,
    /// That of the lines which the handler is about to log.
    pub(crate) level: Level,
    output: Output,
    /// How the connection is to end, once that is settled.
    ending: Option<Close>,
    /// Bytes of the current body that were read and dropped.
    drained: u64,
    /// Bytes sent since the current request began.
    sent: u64,
    /// When the time for a head, or for the rest of a body, is over, however it trickles in.
    until: Option<Instant>,
    after: After,
    /// Bytes that the last try to send has left.
    unsent: usize,
    /// The deadlines of the current request: the handler may have set its own.
    read_timeout: Duration,
    write_timeout: Duration,
    /// What this turn may still read.
    budget: Budget,
    /// How long the client may let the body wait, and what is ready of the responses.
    sending: Patience,
    taking: Patience,
    /// The span of the current request, until its response is settled.
    #[cfg(feature = "tracing")]
    pub(super) span: Option<tracing::Span>,
}

/// What may come after the current request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The client wants the connection closed.
    Nothing,
    /// The client takes the connection for a persistent one: more requests may be on their way.
    Requests,
}

/// Whether more of the response can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Open,
    /// The response was cut short, and nothing may be added to it.
    Cut,
    /// The connection takes nothing more.
    Dead,
}

/// Reads and writes of at least this many bytes go past the buffers.
const DIRECT: usize = 16 * 1024;

/// A response of more bytes may still be in the system's buffer when the connection is closed, and would go down with it if
/// the client sent another byte then.
const ON_ITS_WAY: u64 = 16 * 1024;

impl Exchange {
    /// Takes a line of the handler's. True if so many have gathered that they should be written, once this is not locked any
    /// more: code of the user may take them.
    pub(crate) fn log(&mut self, line: &str) -> bool {
        self.line.wire.log(line, self.level)
    }

    /// Takes a line in which the server complains.
    pub(crate) fn complain(&mut self, text: &str) {
        self.line.wire.log(&line_of_the_server(text), Level::Warning);
    }

    /// What is known of the connection, if there is a real one.
    pub(crate) fn facts(&self) -> Option<&dyn Facts> {
        self.line.wire.facts()
    }

    /// What its deadlines are measured by.
    pub(crate) fn instant(&self) -> Instant {
        self.line.bounds.clock.instant()
    }

    /// Reads what comes before the first request; see [`Wire::preface`](super::wire::Wire::preface). It has the time of a head.
    pub(crate) fn preface(&mut self) -> io::Result<Option<Announced>> {
        let read = self.line.wire.preface();
        match &read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.until = self.until.or_else(|| Some(self.instant() + self.line.bounds.head_timeout));
            }
            Ok(Some(_)) => self.until = None,
            // There is none, or it was read before: what is waited for now is something else, a handshake for example.
            Ok(None) | Err(_) => {}
        }
        read
    }

    /// Sets how long one read, or one write, may wait for the client: in the current request, or where there is none yet,
    /// in all.
    pub(crate) fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>, all: bool) {
        self.read_timeout = read.unwrap_or(self.read_timeout).min(LONGEST);
        self.write_timeout = write.unwrap_or(self.write_timeout).min(LONGEST);
        if all {
            self.line.read_timeout = self.read_timeout;
            self.line.write_timeout = self.write_timeout;
            return;
        }
        // The handler knows how slow its client may be.
        if read.is_some() {
            self.sending = Patience::new(LONGEST);
        }
        if write.is_some() {
            self.taking = Patience::new(LONGEST);
        }
    }

    /// How long the connection may be silent from now on.
    pub(crate) fn patience(&self, phase: Phase) -> Duration {
        match (self.until, phase) {
            (Some(until), _) => until.saturating_duration_since(self.instant()),
            (None, Phase::Idle) => match self.line.silence {
                Silence::Until(until) => until.saturating_duration_since(self.instant()),
                Silence::No | Silence::Begun => self.line.bounds.idle_timeout,
            },
            (None, _) => self.input_patience(),
        }
    }

    /// How long the client may go on sending nothing of its body.
    fn input_patience(&self) -> Duration {
        self.sending.left(self.read_timeout, &self.line.bounds.clock)
    }

    /// Whether this is no HTTP any more, and so nothing that could be late as a whole.
    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(self.body, Incoming::Everything { .. })
    }

    /// Notes that the handler gets the connection as a stream. False if it has it.
    pub(crate) fn hand_over(&mut self) -> bool {
        match &mut self.body {
            Incoming::Everything { handed_over } => !std::mem::replace(handed_over, true),
            _ => false,
        }
    }

    /// Whether the connection has nothing to do but to wait for a request.
    pub(crate) fn is_idle(&self, phase: Phase) -> bool {
        phase == Phase::Idle && !self.has_output()
    }

    /// Whether the server wants no further request on this connection.
    pub(crate) fn is_last_request(&self) -> bool {
        self.line.requests_left == 0 || self.line.wire.is_last_request()
    }

    /// Whether the server is being shut down.
    pub(crate) fn is_stopping(&self) -> bool {
        self.line.wire.is_stopping()
    }

    /// Whether the server has cut the connection, at the end of a shutdown's grace.
    pub(crate) fn is_cut(&self) -> bool {
        self.line.wire.is_cut()
    }

    /// Whether the handler was told that its client is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.trouble == Some(Trouble::ClientGone)
    }

    /// A handler begins to run: while it does, no time of the client's is used up.
    #[inline]
    pub(crate) fn handler_begins(&mut self) {
        self.taking.stop(&self.line.bounds.clock);
    }

    /// Notes that the client is too late with its request.
    pub(crate) fn record_late(&mut self, in_head: bool) {
        let deadline = if in_head { "head_timeout" } else { self.input_deadline() };
        self.record(Trouble::TimedOut(deadline));
    }

    /// The setting whose deadline for the body is over, or will be next.
    fn input_deadline(&self) -> &'static str {
        if self.sending.ends_before(self.read_timeout) { "body_timeout" } else { "read_timeout" }
    }

    /// The setting whose deadline is over.
    pub(crate) fn missed_deadline(&self) -> Option<&'static str> {
        match self.trouble {
            Some(Trouble::TimedOut(deadline)) => Some(deadline),
            _ => None,
        }
    }

    /// Whether the client is still there, as far as that is known.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn presence(&self) -> Presence {
        self.line.wire.presence()
    }

    /// The client is gone, though no read or write has said so.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn lose_client(&mut self) -> io::Error {
        self.failed(io::ErrorKind::ConnectionReset.into(), "")
    }

    /// Blocks the thread until there may be input.
    pub(crate) fn wait_for_input(&mut self, timeout: Duration) -> io::Result<()> {
        self.line.wire.wait(Want::Input, timeout)
    }

    /// What happened, for the one who asks first.
    pub(crate) fn take_news(&mut self) -> Option<Trouble> {
        self.news.take()
    }

    /// Whether the connection is of no more use. One with an answered HEAD is.
    #[inline]
    pub(super) fn is_troubled(&self) -> bool {
        !matches!(self.trouble, None | Some(Trouble::HeadAnswered))
    }

    /// The body is not what the handler wants, or larger, which leaves no way to the next request.
    pub(crate) fn refuse_body(&mut self, status: HTTPStatus) {
        self.record(Trouble::Body(status));
        self.response.must_close();
    }

    /// What is wrong with the body's framing, as far as it was read.
    pub(crate) fn body_fault(&self) -> Option<Fault> {
        match self.trouble {
            Some(Trouble::Fault(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Notes what happened first; what follows from it is no news.
    pub(super) fn record(&mut self, trouble: Trouble) {
        if !self.is_troubled() {
            self.trouble = Some(trouble);
            self.news = Some(trouble);
        }
    }

    /// Nobody knows where this request ends, so more of it may come after the response.
    pub(crate) fn expect_more(&mut self) {
        if !self.ended {
            self.ending = Some(Close::Linger);
        }
    }

    /// Gets ready for body and response of the request whose head was taken.
    #[inline]
    pub(crate) fn begin(&mut self, asked: Asked, close: bool, after: After, body: Body) {
        self.after = after;
        self.told_status = 0;
        self.line.wire.begin_exchange(self.response.gathered(), asked.head);
        self.drained = 0;
        self.sent = 0;
        self.until = None;
        match body {
            Body::None | Body::Length(0) if !self.has_body() => {}
            Body::None | Body::Length(0) => self.body = Incoming::None,
            Body::Length(length) => self.body = Incoming::Length(length),
            Body::Chunked => {
                let decoder = Box::new(ChunkedDecoder::new(self.line.bounds.limits));
                self.body = Incoming::Chunked { decoder, decoded: Buffer::default(), ready: 0 };
            }
        }
        self.read_timeout = self.line.read_timeout;
        self.write_timeout = self.line.write_timeout;
        self.sending = Patience::new(self.line.bounds.body_timeout);
        // A client that takes responses a little at a time gains no time by asking for more of them.
        if !self.has_output() || self.taking.is_endless() {
            self.taking = Patience::new(self.line.bounds.response_timeout);
        }
        self.line.requests_left = self.line.requests_left.saturating_sub(1);
        self.line.silence = Silence::No;
        self.waits_for_continue = false;
        self.forget_trailers();
        self.trouble = None;
        self.news = None;
        self.failed = false;
        #[cfg(feature = "tracing")]
        {
            self.span = None;
        }
        self.response.begin(Asked { close: asked.close || self.is_last_request(), ..asked }, close);
    }

    /// The client waits for `100 Continue`, which is sent when the body is first asked for.
    pub(crate) fn continue_on_read(&mut self) {
        self.waits_for_continue = self.has_body();
    }

    /// How the connection has to end.
    pub(crate) fn ending(&self) -> Close {
        let unread = self.has_body() || !self.input.is_empty();
        let on_its_way = self.sent > ON_ITS_WAY;
        // There a reset says that the response is not whole, so nothing that a client sends too much may cause one.
        let ends_response = self.response.ends_with_connection();
        let may_come = unread || on_its_way || ends_response || self.after == After::Requests;
        self.ending.unwrap_or(if may_come && !self.ended { Close::Linger } else { Close::Plain })
    }

    /// Ends the server's half of the connection.
    pub(crate) fn shutdown_write(&mut self) {
        self.line.silence = Silence::No;
        self.line.wire.shutdown_write();
    }

    /// Makes the end of the connection a reset.
    pub(crate) fn reset(&mut self) {
        self.line.wire.reset();
    }

    /// How long the client may go on taking nothing.
    pub(crate) fn room_patience(&self) -> Duration {
        self.taking.left(self.write_timeout, &self.line.bounds.clock)
    }

    /// Whether the client has to take more of the responses before its next request is looked at. A client that takes nothing
    /// must not have the room of its next response filled by those before: the handler would wait for it.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.unsent > 0 || !self.attached.is_empty() || self.response.gathered() > self.line.bounds.high_water
    }

    /// Reads and drops input. `WouldBlock` when there may be more, `Ok` with a count when there was some.
    pub(crate) fn linger(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let read = self.line.wire.read(scratch);
        if matches!(read, Ok(1..)) {
            self.line.silence = Silence::No;
        }
        read
    }

    /// How long the client may go on sending nothing, of so much from when it began to.
    pub(crate) fn silence(&mut self, most: Duration) -> Duration {
        let now = self.instant();
        let until = match self.line.silence {
            Silence::Until(until) => until,
            Silence::No | Silence::Begun => now + most,
        };
        self.line.silence = Silence::Until(until);
        until.saturating_duration_since(now)
    }

    pub(super) fn failed(&mut self, error: io::Error, deadline: &'static str) -> io::Error {
        let timed_out = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        self.record(if timed_out { Trouble::TimedOut(deadline) } else { Trouble::ClientGone });
        self.response.must_close();
        error
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
