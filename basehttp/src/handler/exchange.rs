//! What `rfile`, `wfile` and the handler's base share: the connection, the body of the request, the reply.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::buffer::Buffer;
use super::message::{Headers, Message};
use super::request::Request;
use super::wire::{Close, Phase, Wire};
use crate::proto::chunked::{ChunkStep, ChunkedDecoder};
use crate::proto::fault::Fault;
use crate::proto::framing::Body;
use crate::proto::head::{AtEnd, HeadParser, Progress};
use crate::proto::limits::Limits;
use crate::proto::mistake::Mistake;
use crate::proto::reply::{Asked, Ended, Reply};
use crate::proto::status::HTTPStatus;

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

/// The part of the request's body that has not been read.
enum Incoming {
    None,
    Length(u64),
    /// `ready` bytes at the front of the input are data.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        ready: usize,
    },
}

/// Reads and writes of at least this many bytes go past the buffers.
const DIRECT: usize = 16 * 1024;

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
        self.wire.set_timeout(timeout);
    }

    /// What happened, for the one who asks first.
    pub(crate) fn take_news(&mut self) -> Option<Trouble> {
        self.news.take()
    }

    pub(crate) fn body_too_large(&mut self) {
        self.record(Trouble::BodyTooLarge);
    }

    /// Notes what happened first; what follows from it is no news.
    fn record(&mut self, trouble: Trouble) {
        if self.trouble.is_none() {
            self.trouble = Some(trouble);
            self.news = Some(trouble);
        }
    }

    // The head.

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
            if !begun && self.parser.begun(self.input.data()) {
                begun = true;
                self.wire.enter(Phase::Head);
            }
            match self.input.fill(|room| self.wire.read(room)) {
                Ok(count) => self.ended = count == 0,
                Err(error) if error.kind() == io::ErrorKind::TimedOut && begun => return Next::TooSlow,
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
            self.ending = Some(Close::Linger);
        }
        Next::Request
    }

    /// Gets ready for body and reply of the request whose head was taken.
    pub(crate) fn begin(&mut self, asked: Asked, close: bool, body: Body) {
        self.wire.enter(Phase::Exchange);
        self.served += 1;
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

    // The body.

    /// Whether there is body that nobody has read.
    pub(crate) fn has_body(&self) -> bool {
        !matches!(self.body, Incoming::None)
    }

    /// Reads body bytes, with the framing taken off. `Ok(0)` is the end of the body.
    pub(crate) fn read_body(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        match self.trouble {
            Some(Trouble::Fault(fault)) => return Err(faulty(fault)),
            Some(Trouble::ClientGone) => return Err(gone()),
            _ => {}
        }
        match &mut self.body {
            Incoming::None => Ok(0),
            Incoming::Length(left) => {
                let room = usize::try_from(*left).unwrap_or(usize::MAX).min(out.len());
                let out = out.get_mut(..room).unwrap_or_default();
                let count = self.read_raw(out)?;
                self.count_length(count);
                Ok(count)
            }
            Incoming::Chunked { .. } => self.read_chunked(out),
        }
    }

    fn count_length(&mut self, count: usize) {
        if let Incoming::Length(left) = &mut self.body {
            *left -= count as u64;
            if *left == 0 {
                self.body = Incoming::None;
            }
        }
    }

    /// Reads what comes next in the input, at least a byte.
    fn read_raw(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() && out.len() >= DIRECT {
            self.prepare_to_wait()?;
            let read = self.wire.read(out);
            return match self.received(read)? {
                0 => Err(self.fault(Fault::IncompleteBody)),
                count => Ok(count),
            };
        }
        self.need_input()?;
        let data = self.input.data();
        let count = data.len().min(out.len());
        copy(data, out);
        self.input.consume(count);
        Ok(count)
    }

    fn read_chunked(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let Incoming::Chunked { decoder, ready } = &mut self.body else { return Ok(0) };
            if *ready > 0 {
                let count = (*ready).min(out.len());
                *ready -= count;
                copy(self.input.data(), out.get_mut(..count).unwrap_or_default());
                self.input.consume(count);
                return Ok(count);
            }
            match decoder.step(self.input.data()) {
                Ok(ChunkStep::Data { skip, len }) => {
                    *ready = len;
                    self.input.consume(skip);
                }
                Ok(ChunkStep::End { consumed }) => {
                    let (bytes, fields) = decoder.trailers();
                    for field in fields {
                        let name = std::str::from_utf8(field.name.of(bytes)).unwrap_or_default();
                        self.trailers.append(name, field.value.of(bytes));
                    }
                    self.input.consume(consumed);
                    self.body = Incoming::None;
                    return Ok(0);
                }
                Ok(ChunkStep::NeedMore { consumed }) => {
                    self.input.consume(consumed);
                    self.need_input()?;
                }
                Err(fault) => return Err(self.fault(fault)),
            }
        }
    }

    /// Waits until there is input.
    fn need_input(&mut self) -> io::Result<()> {
        if !self.input.is_empty() {
            return Ok(());
        }
        self.prepare_to_wait()?;
        let filled = self.input.fill(|room| self.wire.read(room));
        match self.received(filled)? {
            0 => Err(self.fault(Fault::IncompleteBody)),
            _ => Ok(()),
        }
    }

    /// Before the handler waits for the client, the client must have what it may be waiting for: the interim response
    /// that it asked for, or what the handler has written of its reply (Python's `wfile` has no buffer).
    fn prepare_to_wait(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        if self.waits_for_continue {
            self.waits_for_continue = false;
            if !self.reply.is_committed() {
                self.send_ready()?;
                self.write_wire(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
        }
        if self.reply.has_unsent_body() { self.flush() } else { Ok(()) }
    }

    fn received(&mut self, read: io::Result<usize>) -> io::Result<usize> {
        match read {
            Ok(count) => {
                self.ended |= count == 0;
                Ok(count)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The trailer fields of a chunked body that was read to its end.
    pub(crate) fn trailers(&self) -> Headers {
        self.trailers.clone()
    }

    // The reply.

    /// Takes back what is not committed of the reply.
    pub(crate) fn abandon(&mut self) -> io::Result<()> {
        if self.reply.is_committed() {
            return Err(misuse(Mistake::HeadAfterHead));
        }
        self.reply.abandon();
        Ok(())
    }

    /// Ends a head. An interim response is sent at once.
    pub(crate) fn end_head(&mut self) -> io::Result<()> {
        match self.reply.end_head().map_err(misuse)? {
            Ended::Interim(status) => {
                self.waits_for_continue &= status != HTTPStatus::CONTINUE.code();
                self.send_ready()
            }
            Ended::Final => Ok(()),
        }
    }

    /// Takes body bytes of the reply.
    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.decide_about_rest();
        if data.len() >= DIRECT {
            return self.write_direct(data);
        }
        let count = self.reply.write(data).map_err(|mistake| self.refused(mistake))?;
        if self.reply.is_committed() && self.reply.gathered() >= self.bounds.hold {
            self.flush()?;
        }
        Ok(count)
    }

    fn write_direct(&mut self, data: &[u8]) -> io::Result<usize> {
        let (count, on_wire) =
            self.reply.begin_direct(data.len()).map_err(|mistake| self.refused(mistake))?;
        self.send_ready()?;
        if on_wire {
            self.write_wire(data.get(..count).unwrap_or_default())?;
        }
        self.reply.end_direct();
        Ok(count)
    }

    /// Sends what the handler has written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.decide_about_rest();
        self.reply.flush();
        self.send_ready()
    }

    /// Completes the reply, and sends it.
    pub(crate) fn finish_reply(&mut self) -> Result<(), Mistake> {
        if self.output == Output::Cut {
            return Ok(());
        }
        self.decide_about_rest();
        let finished = self.reply.finish();
        // What fails here is in the record.
        let _ = self.send_ready();
        finished
    }

    /// A body that will not be read to its end leaves no way to find the next request. That has to be known before the
    /// head goes out, so that it can say `Connection: close`.
    fn decide_about_rest(&mut self) {
        let too_long = matches!(self.body, Incoming::Length(left) if left > self.bounds.drain);
        if too_long || self.waits_for_continue {
            self.reply.must_close();
        }
    }

    fn send_ready(&mut self) -> io::Result<()> {
        if self.output == Output::Dead {
            return Err(gone());
        }
        let mut written = 0;
        let sent = loop {
            match self.reply.ready().get(written..) {
                None | Some([]) => break Ok(()),
                Some(rest) => match self.wire.write(rest) {
                    Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => written += count,
                    Err(error) => break Err(error),
                },
            }
        };
        self.reply.sent(written);
        sent.map_err(|error| self.unwritable(error))
    }

    fn write_wire(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.wire.write(bytes) {
                Ok(0) => return Err(self.unwritable(io::ErrorKind::WriteZero.into())),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) => return Err(self.unwritable(error)),
            }
        }
        Ok(())
    }

    // The end.

    /// Reads and drops what is left of the body. False if the connection cannot be kept.
    pub(crate) fn drain(&mut self) -> bool {
        let mut scratch = [0; 4096];
        let mut left = self.bounds.drain;
        while self.has_body() && self.trouble.is_none() {
            match self.read_body(&mut scratch) {
                Ok(count) if (count as u64) <= left => left -= count as u64,
                _ => return false,
            }
        }
        self.trouble.is_none()
    }

    /// Sends what there is of the reply to a handler that failed, and ends the connection so that the client cannot take
    /// it for the whole.
    pub(crate) fn cut(&mut self) {
        if self.reply.is_committed() && !self.reply.is_complete() {
            let _ = self.flush();
            self.output = Output::Cut;
            self.ending = Some(if self.reply.ends_with_connection() { Close::Reset } else { Close::Linger });
        }
        self.reply.must_close();
    }

    pub(crate) fn close(&mut self) {
        let unread = self.has_body() || !self.input.is_empty();
        self.wire.close(self.ending.unwrap_or(if unread { Close::Linger } else { Close::Plain }));
    }

    // Blame.

    fn fault(&mut self, fault: Fault) -> io::Error {
        self.record(Trouble::Fault(fault));
        self.reply.must_close();
        faulty(fault)
    }

    fn failed(&mut self, error: io::Error) -> io::Error {
        let timed_out = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
        self.record(if timed_out { Trouble::TimedOut } else { Trouble::ClientGone });
        self.reply.must_close();
        error
    }

    /// What cannot be written now will not be written later: a reply has no gaps.
    fn unwritable(&mut self, error: io::Error) -> io::Error {
        self.output = Output::Dead;
        self.failed(error)
    }

    fn refused(&mut self, mistake: Mistake) -> io::Error {
        if mistake == Mistake::BodyForHead {
            self.record(Trouble::HeadAnswered);
            return io::Error::new(io::ErrorKind::BrokenPipe, mistake);
        }
        misuse(mistake)
    }
}

fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

pub(crate) fn misuse(mistake: Mistake) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, mistake)
}

fn faulty(fault: Fault) -> io::Error {
    let kind = if fault == Fault::IncompleteBody {
        io::ErrorKind::UnexpectedEof
    } else {
        io::ErrorKind::InvalidData
    };
    io::Error::new(kind, fault)
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
