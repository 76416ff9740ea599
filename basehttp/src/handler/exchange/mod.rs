//! What `rfile`, `wfile` and the handler's base share: the connection, the body of the request, the reply.

mod incoming;
mod outgoing;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::buffer::Buffer;
use super::message::Headers;
use super::request::Request;
use super::wire::{Close, Phase, Wire};
use crate::proto::chunked::ChunkedDecoder;
use crate::proto::fault::Fault;
use crate::proto::framing::Body;
use crate::proto::head::{AtEnd, HeadParser, Progress};
use crate::proto::limits::Limits;
use crate::proto::reply::{Asked, Reply};

use incoming::Incoming;

/// The handle on an [`Exchange`]. The lock is uncontended, and never held while code of the user runs: an override or a
/// `Display` may call back into the base.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Exchange>>);

impl Shared {
    pub(crate) fn new(wire: Box<dyn Wire>, bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Exchange::new(wire, bounds))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much a connection may take of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) limits: Limits,
    /// Bytes of a reply held back to learn its length, and of a body gathered before a write.
    pub(crate) hold: usize,
    /// Bytes of an unread body that are read and dropped to keep the connection.
    pub(crate) drain: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { limits: Limits::default(), hold: 64 * 1024, drain: 256 * 1024 }
    }
}

/// What happened to a connection while a handler ran. The server decides by this record, never by the error that the
/// handler returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The client went away.
    ClientGone,
    /// It neither sent nor took anything in time.
    TimedOut,
    /// The framing of the request's body is broken.
    Fault(Fault),
    /// The body is larger than the handler wants.
    BodyTooLarge,
    /// A HEAD reply was complete, and the handler was told so.
    HeadAnswered,
}

/// What came instead of a request, or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A request; its fault, if any, is in it.
    Request,
    /// The connection is over.
    End,
    /// A head was begun and not finished in time.
    TooSlow,
}

pub(crate) struct Exchange {
    wire: Box<dyn Wire>,
    bounds: Bounds,
    input: Buffer,
    parser: HeadParser,
    /// No more input will come.
    ended: bool,
    body: Incoming,
    /// The client waits for `100 Continue` before it sends the body.
    waits_for_continue: bool,
    trailers: Headers,
    pub(crate) reply: Reply,
    trouble: Option<Trouble>,
    /// The trouble, until somebody has asked for it to log it.
    news: Option<Trouble>,
    output: Output,
    /// How the connection is to end, once that is settled.
    ending: Option<Close>,
    served: u64,
    /// Bytes sent since the current request began.
    sent: u64,
}

/// Whether more of the reply can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Open,
    /// The reply was cut short, and nothing may be added to it.
    Cut,
    /// The connection takes nothing more.
    Dead,
}

/// Reads and writes of at least this many bytes go past the buffers.
const DIRECT: usize = 16 * 1024;

/// For ever, as far as anybody can tell, and yet short enough to be added to a time.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A reply of more bytes may still be in the system's buffer when the connection is closed, and would go down with it if
/// the client sent another byte then.
const ON_ITS_WAY: u64 = 16 * 1024;

impl Exchange {
    fn new(wire: Box<dyn Wire>, bounds: Bounds) -> Self {
        Self {
            wire,
            bounds,
            input: Buffer::default(),
            parser: HeadParser::new(bounds.limits),
            ended: false,
            body: Incoming::None,
            waits_for_continue: false,
            trailers: Headers::default(),
            reply: Reply::new(bounds.hold),
            trouble: None,
            news: None,
            output: Output::Open,
            ending: None,
            served: 0,
            sent: 0,
        }
    }

    /// How many requests have come, or what was meant for one.
    pub(crate) fn served(&self) -> u64 {
        self.served
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.wire.now()
    }

    pub(crate) fn log(&mut self, line: &str) {
        self.wire.log(line);
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.wire.set_timeout(timeout.min(LONGEST));
    }

    /// What happened, for the one who asks first.
    pub(crate) fn take_news(&mut self) -> Option<Trouble> {
        self.news.take()
    }

    /// Whether the connection is of no more use. One with an answered HEAD is.
    pub(super) fn is_troubled(&self) -> bool {
        !matches!(self.trouble, None | Some(Trouble::HeadAnswered))
    }

    pub(crate) fn body_too_large(&mut self) {
        self.record(Trouble::BodyTooLarge);
    }

    /// Notes what happened first; what follows from it is no news.
    pub(super) fn record(&mut self, trouble: Trouble) {
        if !self.is_troubled() {
            self.trouble = Some(trouble);
            self.news = Some(trouble);
        }
    }

    /// Waits for the next head, and parses it as it comes.
    pub(crate) fn next_head(&mut self, request: &mut Request) -> Next {
        self.parser.reset();
        self.wire.enter(Phase::Idle);
        let mut begun = false;
        loop {
            match self.parser.parse(self.input.data(), &mut request.head) {
                Ok(Progress::Done) => return self.take_head(request, None),
                Err(fault) => return self.take_head(request, Some(fault)),
                Ok(Progress::NeedMore) => {}
            }
            if self.ended {
                return match self.parser.end_of_input(self.input.data(), &mut request.head) {
                    Ok(AtEnd::Done) => self.take_head(request, None),
                    Err(fault) => self.take_head(request, Some(fault)),
                    Ok(AtEnd::Nothing) => Next::End,
                };
            }
            // Empty lines before the request count: they must not keep a connection for ever.
            if !begun && !self.input.is_empty() {
                begun = true;
                self.wire.enter(Phase::Head);
            }
            match self.input.fill(|room| self.wire.read(room)) {
                Ok(count) => self.ended = count == 0,
                Err(error)
                    if error.kind() == io::ErrorKind::TimedOut && self.parser.begun(self.input.data()) =>
                {
                    return Next::TooSlow;
                }
                Err(_) => return Next::End,
            }
        }
    }

    fn take_head(&mut self, request: &mut Request, fault: Option<Fault>) -> Next {
        // After a fault the rest of the input means nothing, and the places in the head are places in all of it.
        let len = if fault.is_some() { self.input.data().len() } else { request.head.len };
        self.input.split_off_front(len, &mut request.bytes);
        request.fault = fault;
        if fault.is_some() {
            self.expect_more();
        }
        Next::Request
    }

    /// Nobody knows where this request ends, so more of it may come after the reply.
    pub(crate) fn expect_more(&mut self) {
        if !self.ended {
            self.ending = Some(Close::Linger);
        }
    }

    /// Gets ready for body and reply of the request whose head was taken.
    pub(crate) fn begin(&mut self, asked: Asked, close: bool, body: Body) {
        self.wire.enter(Phase::Exchange);
        self.served += 1;
        self.sent = 0;
        self.body = match body {
            Body::None | Body::Length(0) => Incoming::None,
            Body::Length(length) => Incoming::Length(length),
            Body::Chunked => {
                Incoming::Chunked { decoder: Box::new(ChunkedDecoder::new(self.bounds.limits)), ready: 0 }
            }
        };
        self.waits_for_continue = false;
        self.trailers = Headers::default();
        self.trouble = None;
        self.news = None;
        self.reply.begin(Asked { close: asked.close || self.wire.is_last_request(), ..asked }, close);
    }

    /// The client waits for `100 Continue`, which is sent when the body is first asked for.
    pub(crate) fn continue_on_read(&mut self) {
        self.waits_for_continue = self.has_body();
    }

    pub(crate) fn close(&mut self) {
        let unread = self.has_body() || !self.input.is_empty();
        let on_its_way = self.sent > ON_ITS_WAY;
        let how = if unread || on_its_way { Close::Linger } else { Close::Plain };
        self.wire.close(self.ending.unwrap_or(how));
    }

    pub(super) fn failed(&mut self, error: io::Error) -> io::Error {
        let timed_out = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        self.record(if timed_out { Trouble::TimedOut } else { Trouble::ClientGone });
        self.reply.must_close();
        error
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
