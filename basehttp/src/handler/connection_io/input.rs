//! The client's input: its bytes, the head parser, and the request's body without its framing.

use std::io;

use super::turn_budget::TurnBudget;
use crate::handler::buffer::Buffer;
use crate::handler::clock::Clock;
use crate::handler::message::{Headers, Message as _};
use crate::handler::request::Request;
use crate::handler::wire::Wire;
use crate::proto::chunked::{ChunkStep, ChunkedDecoder};
use crate::proto::fault::Fault;
use crate::proto::framing;
use crate::proto::head::{AtEnd, HeadParser, Progress};
use crate::proto::limits::Limits;

pub(super) struct Input {
    pub(super) buffer: Buffer,
    parser: HeadParser,
    /// No more input will arrive.
    pub(super) ended: bool,
    body: UnreadBody,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) waits_for_continue: bool,
    trailers: Headers,
    /// Bytes of the current body that were read and dropped.
    drained: u64,
    /// How much this turn may still read.
    turn: TurnBudget,
}

/// The unread part of the request's body.
enum UnreadBody {
    None,
    Length(u64),
    /// All further input: the connection no longer uses HTTP.
    Everything {
        /// Whether the handler has it as a stream.
        handed_over: bool,
    },
    /// `decoded` was gathered; after it, `ready` bytes at the front of the input are data.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        decoded: Buffer,
        ready: usize,
    },
    /// The rest of a chunked body that was gathered completely.
    Gathered(Buffer),
}

/// How to read the next part of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// There is no body.
    Nothing,
    /// As plain bytes, at most this many.
    Bytes(u64),
    /// According to its framing.
    Frames,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            parser: HeadParser::new(Limits::default()),
            ended: false,
            body: UnreadBody::None,
            waits_for_continue: false,
            trailers: Headers::default(),
            drained: 0,
            turn: TurnBudget::default(),
        }
    }
}

impl Input {
    /// Begins a connection that has had no request yet, or has rested. Everything else is as [`is_at_rest`](Self::is_at_rest)
    /// has found it.
    pub(super) fn begin_connection(&mut self, limits: Limits) {
        self.parser = HeadParser::new(limits);
        self.turn = TurnBudget::default();
    }

    /// Whether there is nothing to keep while the connection waits for a request.
    pub(super) fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && !self.has_body() && !self.ended
    }

    /// Frees memory that an unusual request has taken.
    pub(super) fn trim(&mut self) {
        self.buffer.trim();
        self.forget_trailers();
    }

    /// Takes a buffer if it has none.
    #[inline]
    pub(super) fn borrow_memory(&mut self, spare: &mut Buffer) {
        self.buffer.borrow_memory(spare);
    }

    /// Begins a turn of a connection that has not rested.
    pub(super) fn begin_turn(&mut self, spare: &mut Buffer) {
        self.borrow_memory(spare);
        self.turn = TurnBudget::default();
    }

    /// Ends a turn: keeps only the memory that the buffered bytes need.
    pub(super) fn end_turn(&mut self, spare: &mut Buffer) {
        self.buffer.shrink(spare);
    }

    fn forget_trailers(&mut self) {
        if !self.trailers.is_empty() {
            self.trailers = Headers::default();
        }
    }

    /// Appends the bytes of one read.
    #[inline]
    pub(super) fn fill(&mut self, wire: &mut dyn Wire) -> io::Result<usize> {
        self.buffer.fill(|room| wire.read(room))
    }

    /// Counts a read that returned something toward this turn.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.turn.spend();
    }

    /// Whether other connections come first now.
    pub(super) fn has_spent_turn(&mut self, clock: &Clock) -> bool {
        self.turn.is_spent(clock)
    }
}

/// The head.
impl Input {
    /// The previous request is complete.
    #[inline]
    pub(super) fn await_head(&mut self) {
        self.parser.reset();
    }

    /// Parses as much of it as has arrived.
    #[inline]
    pub(super) fn parse(&mut self, request: &mut Request) -> Result<Progress, Fault> {
        match self.buffer.data() {
            [] => Ok(Progress::NeedMore),
            data => self.parser.parse(data, &mut request.head),
        }
    }

    /// Parses it at the end of the input.
    pub(super) fn parse_end(&mut self, request: &mut Request) -> Result<AtEnd, Fault> {
        self.parser.end_of_input(self.buffer.data(), &mut request.head)
    }

    /// Whether more than empty lines have arrived.
    pub(super) fn has_begun(&self) -> bool {
        self.parser.begun(self.buffer.data())
    }

    /// Moves the bytes of the head to the request.
    #[inline]
    pub(super) fn take_head(&mut self, request: &mut Request, fault: Option<Fault>) {
        // After a fault the rest of the input has no meaning, and the places in the head refer to all of it.
        let whole = fault.is_none() && request.head.len > 0;
        let len = if whole { request.head.len } else { self.buffer.data().len() };
        self.buffer.split_off_front(len, &mut request.bytes);
        request.fault = fault;
    }
}

/// The body.
impl Input {
    /// Begins a body with this framing.
    #[inline]
    pub(super) fn begin_body(&mut self, body: framing::Body, limits: Limits) {
        match body {
            framing::Body::None | framing::Body::Length(0) if !self.has_body() => {}
            framing::Body::None | framing::Body::Length(0) => self.body = UnreadBody::None,
            framing::Body::Length(length) => self.body = UnreadBody::Length(length),
            framing::Body::Chunked => {
                let decoder = Box::new(ChunkedDecoder::new(limits));
                self.body = UnreadBody::Chunked { decoder, decoded: Buffer::default(), ready: 0 };
            }
        }
        self.drained = 0;
        self.waits_for_continue = false;
        self.forget_trailers();
    }

    /// Whether there is unread body.
    #[inline]
    pub(super) fn has_body(&self) -> bool {
        !matches!(self.body, UnreadBody::None)
    }

    /// The length of the rest, if it was declared.
    pub(super) fn declared(&self) -> Option<u64> {
        match self.body {
            UnreadBody::Length(left) => Some(left),
            _ => None,
        }
    }

    /// The minimum length of the rest.
    #[inline]
    pub(super) fn unread(&self) -> u64 {
        match &self.body {
            UnreadBody::Length(left) => *left,
            UnreadBody::Gathered(decoded) => decoded.data().len() as u64,
            // The length is unknown.
            UnreadBody::Chunked { .. } | UnreadBody::Everything { .. } | UnreadBody::None => 0,
        }
    }

    /// Ends HTTP on this connection: all further input is for the handler. False if there is still a body.
    pub(super) fn open_tunnel(&mut self) -> bool {
        let opens = !self.has_body();
        if opens {
            self.body = UnreadBody::Everything { handed_over: false };
        }
        opens
    }

    pub(super) fn is_tunnel(&self) -> bool {
        matches!(self.body, UnreadBody::Everything { .. })
    }

    /// Records that the handler gets the connection as a stream. False if it already has it.
    pub(super) fn hand_over(&mut self) -> bool {
        match &mut self.body {
            UnreadBody::Everything { handed_over } => !std::mem::replace(handed_over, true),
            _ => false,
        }
    }

    /// How to read the next part of the body.
    pub(super) fn reads(&self) -> Reads {
        match &self.body {
            UnreadBody::None => Reads::Nothing,
            UnreadBody::Length(left) => Reads::Bytes(*left),
            UnreadBody::Everything { .. } if self.ended && self.buffer.is_empty() => Reads::Nothing,
            UnreadBody::Everything { .. } => Reads::Bytes(u64::MAX),
            UnreadBody::Chunked { .. } | UnreadBody::Gathered(_) => Reads::Frames,
        }
    }

    /// Reads what has arrived of a framed body: at least one byte, unless the body is at its end. `None` if more must arrive
    /// first.
    pub(super) fn read_frames(&mut self, out: &mut [u8]) -> Result<Option<usize>, Fault> {
        loop {
            match &mut self.body {
                UnreadBody::Gathered(decoded) => {
                    let count = take(decoded, out);
                    self.end_gathered();
                    return Ok(Some(count));
                }
                UnreadBody::Chunked { decoded, .. } if !decoded.is_empty() => {
                    return Ok(Some(take(decoded, out)));
                }
                UnreadBody::Chunked { ready, .. } if *ready > 0 => {
                    let room = (*ready).min(out.len());
                    let count = take(&mut self.buffer, out.get_mut(..room).unwrap_or_default());
                    *ready -= count;
                    return Ok(Some(count));
                }
                UnreadBody::Chunked { decoder, ready, .. } => match decoder.step(self.buffer.data())? {
                    ChunkStep::Data { skip, len } => {
                        *ready = len;
                        self.buffer.consume(skip);
                    }
                    ChunkStep::End { consumed } => self.end_chunks(consumed),
                    ChunkStep::NeedMore { consumed } => {
                        self.buffer.consume(consumed);
                        if self.buffer.is_empty() {
                            return Ok(None);
                        }
                    }
                },
                UnreadBody::None | UnreadBody::Length(_) | UnreadBody::Everything { .. } => {
                    return Ok(Some(0));
                }
            }
        }
    }

    /// Moves bytes from the input to `out`.
    pub(super) fn take_bytes(&mut self, out: &mut [u8]) -> usize {
        take(&mut self.buffer, out)
    }

    /// Records that this many bytes of a declared body were read.
    pub(super) fn count(&mut self, count: usize) {
        if let UnreadBody::Length(left) = &mut self.body {
            *left = left.saturating_sub(count as u64);
            if *left == 0 {
                self.body = UnreadBody::None;
            }
        }
    }

    /// Appends what has arrived of the body, up to `most` bytes. Appends nothing if copying is not enough.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, most: usize) -> usize {
        match &mut self.body {
            UnreadBody::Length(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(most);
                let count = append(&mut self.buffer, out, most);
                self.count(count);
                count
            }
            UnreadBody::Chunked { decoded, .. } => append(decoded, out, most),
            UnreadBody::Gathered(decoded) => {
                let count = append(decoded, out, most);
                self.end_gathered();
                count
            }
            UnreadBody::None | UnreadBody::Everything { .. } => 0,
        }
    }

    /// Decodes what has arrived. True if the body is complete or has `most` bytes.
    pub(super) fn gather(&mut self, most: usize) -> bool {
        loop {
            match &mut self.body {
                UnreadBody::None | UnreadBody::Everything { .. } | UnreadBody::Gathered(_) => return true,
                // Some of a long body must arrive, too: otherwise a head alone would occupy a thread.
                UnreadBody::Length(length) => {
                    return self.buffer.data().len() as u64 >= (*length).min(most as u64);
                }
                UnreadBody::Chunked { decoded, .. } if decoded.data().len() >= most => return true,
                UnreadBody::Chunked { decoder, decoded, .. } => match decoder.step(self.buffer.data()) {
                    Ok(ChunkStep::Data { skip, len }) => {
                        self.buffer.consume(skip);
                        decoded.extend(self.buffer.data().get(..len).unwrap_or_default());
                        self.buffer.consume(len);
                    }
                    Ok(ChunkStep::NeedMore { consumed }) => {
                        self.buffer.consume(consumed);
                        return false;
                    }
                    Ok(ChunkStep::End { consumed }) => {
                        self.end_chunks(consumed);
                        return true;
                    }
                    // The handler finds the fault when it continues reading: the decoder returns it again.
                    Err(_) => return true,
                },
            }
        }
    }

    /// Bytes of the body that were dropped.
    pub(super) fn drained(&self) -> u64 {
        self.drained
    }

    /// Whether dropping needs more input.
    pub(super) fn is_dry(&self) -> bool {
        self.buffer.is_empty() && !matches!(self.body, UnreadBody::Gathered(_))
    }

    /// Drops some of what has arrived.
    pub(super) fn drop_some(&mut self) -> Result<(), Fault> {
        match &mut self.body {
            UnreadBody::None => {}
            UnreadBody::Everything { .. } | UnreadBody::Gathered(_) => self.body = UnreadBody::None,
            UnreadBody::Length(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.data().len());
                self.buffer.consume(count);
                self.drained += count as u64;
                self.count(count);
            }
            UnreadBody::Chunked { decoder, decoded, ready } => {
                self.drained += (decoded.data().len() + *ready) as u64;
                decoded.clear();
                self.buffer.consume(*ready);
                *ready = 0;
                match decoder.step(self.buffer.data())? {
                    ChunkStep::Data { skip, len } => {
                        self.buffer.consume(skip + len);
                        self.drained += len as u64;
                    }
                    ChunkStep::NeedMore { consumed } => self.buffer.consume(consumed),
                    ChunkStep::End { consumed } => self.end_chunks(consumed),
                }
            }
        }
        Ok(())
    }

    /// The trailer fields of a chunked body, after it was read to its end.
    pub(super) fn trailers(&self) -> Headers {
        // If the body was gathered, they have arrived before the handler has read that far.
        if self.has_body() { Headers::default() } else { self.trailers.clone() }
    }

    /// The last chunk and the trailer section are complete.
    fn end_chunks(&mut self, consumed: usize) {
        if let UnreadBody::Chunked { decoder, decoded, .. } = &mut self.body {
            let (bytes, fields) = decoder.trailers();
            for field in fields {
                let name = std::str::from_utf8(field.name.of(bytes)).unwrap_or_default();
                self.trailers.append(name, field.value.of(bytes));
            }
            let decoded = std::mem::take(decoded);
            self.body = if decoded.is_empty() { UnreadBody::None } else { UnreadBody::Gathered(decoded) };
        }
        self.buffer.consume(consumed);
    }

    fn end_gathered(&mut self) {
        if matches!(&self.body, UnreadBody::Gathered(decoded) if decoded.is_empty()) {
            self.body = UnreadBody::None;
        }
    }
}

/// Moves bytes from the front of `from` to `to`, as many as there are and fit.
fn take(from: &mut Buffer, to: &mut [u8]) -> usize {
    let count = from.data().len().min(to.len());
    if let (Some(data), Some(room)) = (from.data().get(..count), to.get_mut(..count)) {
        room.copy_from_slice(data);
    }
    from.consume(count);
    count
}

/// Appends bytes from the front of `from` to `to`, at most `most`.
fn append(from: &mut Buffer, to: &mut Vec<u8>, most: usize) -> usize {
    let data = from.data();
    let data = data.get(..most).unwrap_or(data);
    let count = data.len();
    to.extend_from_slice(data);
    from.consume(count);
    count
}
