//! What has come of the client: its bytes, the parser of heads, and the request's body with its framing taken off.

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
    /// No more will come.
    pub(super) ended: bool,
    body: UnreadBody,
    /// The client waits for `100 Continue` before it sends the body.
    pub(super) waits_for_continue: bool,
    trailers: Headers,
    /// Bytes of the current body that were read and dropped.
    drained: u64,
    /// What this turn may still read.
    turn: TurnBudget,
}

/// The part of the request's body that has not been read.
enum UnreadBody {
    None,
    Length(u64),
    /// Whatever comes: the connection is no HTTP any more.
    Everything {
        /// The handler has it as a stream.
        handed_over: bool,
    },
    /// `decoded` was gathered; then `ready` bytes at the front of the input are data.
    Chunked {
        decoder: Box<ChunkedDecoder>,
        decoded: Buffer,
        ready: usize,
    },
    /// The rest of a chunked body, all of which was gathered.
    Gathered(Buffer),
}

/// How the next part of a body is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// There is none.
    Nothing,
    /// As the bytes come, so many at most.
    Bytes(u64),
    /// By its framing.
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
    /// Serves a connection that has had no request yet, or has rested. All else is as [`is_at_rest`](Self::is_at_rest) has found it.
    pub(super) fn begin_connection(&mut self, limits: Limits) {
        self.parser = HeadParser::new(limits);
        self.turn = TurnBudget::default();
    }

    /// Whether there is nothing that has to be kept while the connection waits for a request.
    pub(super) fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && !self.has_body() && !self.ended
    }

    /// Gives back the memory that an unusual request has taken.
    pub(super) fn trim(&mut self) {
        self.buffer.trim();
        self.forget_trailers();
    }

    /// Takes a buffer where there is none.
    #[inline]
    pub(super) fn borrow_memory(&mut self, spare: &mut Buffer) {
        self.buffer.borrow_memory(spare);
    }

    /// A turn begins of a connection that has not rested.
    pub(super) fn begin_turn(&mut self, spare: &mut Buffer) {
        self.borrow_memory(spare);
        self.turn = TurnBudget::default();
    }

    /// A turn ends: keeps no more memory than what is in the buffer needs.
    pub(super) fn end_turn(&mut self, spare: &mut Buffer) {
        self.buffer.shrink(spare);
    }

    fn forget_trailers(&mut self) {
        if !self.trailers.is_empty() {
            self.trailers = Headers::default();
        }
    }

    /// Appends what one read gives.
    #[inline]
    pub(super) fn fill(&mut self, wire: &mut dyn Wire) -> io::Result<usize> {
        self.buffer.fill(|room| wire.read(room))
    }

    /// The last read has given something, which counts among those of the turn.
    #[inline]
    pub(super) fn spend(&mut self) {
        self.turn.spend();
    }

    /// Whether others come first now.
    pub(super) fn has_spent_turn(&mut self, clock: &Clock) -> bool {
        self.turn.is_spent(clock)
    }
}

/// The head.
impl Input {
    /// The request before is complete.
    #[inline]
    pub(super) fn await_head(&mut self) {
        self.parser.reset();
    }

    /// Parses it as far as it has come.
    #[inline]
    pub(super) fn parse(&mut self, request: &mut Request) -> Result<Progress, Fault> {
        match self.buffer.data() {
            [] => Ok(Progress::NeedMore),
            data => self.parser.parse(data, &mut request.head),
        }
    }

    /// Parses it where no more of it will come.
    pub(super) fn parse_end(&mut self, request: &mut Request) -> Result<AtEnd, Fault> {
        self.parser.end_of_input(self.buffer.data(), &mut request.head)
    }

    /// Whether what has come is more than empty lines.
    pub(super) fn has_begun(&self) -> bool {
        self.parser.begun(self.buffer.data())
    }

    /// Moves the bytes of the head to the request.
    #[inline]
    pub(super) fn take_head(&mut self, request: &mut Request, fault: Option<Fault>) {
        // After a fault the rest of the input means nothing, and the places in the head are places in all of it.
        let whole = fault.is_none() && request.head.len > 0;
        let len = if whole { request.head.len } else { self.buffer.data().len() };
        self.buffer.split_off_front(len, &mut request.bytes);
        request.fault = fault;
    }
}

/// The body.
impl Input {
    /// A body of this framing follows.
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

    /// Whether there is body that nobody has read.
    #[inline]
    pub(super) fn has_body(&self) -> bool {
        !matches!(self.body, UnreadBody::None)
    }

    /// How long the rest of it is, where that was declared.
    pub(super) fn declared(&self) -> Option<u64> {
        match self.body {
            UnreadBody::Length(left) => Some(left),
            _ => None,
        }
    }

    /// How long the rest of it is at least.
    #[inline]
    pub(super) fn unread(&self) -> u64 {
        match &self.body {
            UnreadBody::Length(left) => *left,
            UnreadBody::Gathered(decoded) => decoded.data().len() as u64,
            // Nobody knows how long it is.
            UnreadBody::Chunked { .. } | UnreadBody::Everything { .. } | UnreadBody::None => 0,
        }
    }

    /// What follows on this connection is not HTTP, and all of it is for the handler. False where there is still a body.
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

    /// Notes that the handler gets the connection as a stream. False if it has it.
    pub(super) fn hand_over(&mut self) -> bool {
        match &mut self.body {
            UnreadBody::Everything { handed_over } => !std::mem::replace(handed_over, true),
            _ => false,
        }
    }

    /// How the next part of it is read.
    pub(super) fn reads(&self) -> Reads {
        match &self.body {
            UnreadBody::None => Reads::Nothing,
            UnreadBody::Length(left) => Reads::Bytes(*left),
            UnreadBody::Everything { .. } if self.ended && self.buffer.is_empty() => Reads::Nothing,
            UnreadBody::Everything { .. } => Reads::Bytes(u64::MAX),
            UnreadBody::Chunked { .. } | UnreadBody::Gathered(_) => Reads::Frames,
        }
    }

    /// Reads what is here of a body with frames: at least a byte, unless it is at its end. None where more has to come first.
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

    /// So many bytes of a declared body were read.
    pub(super) fn count(&mut self, count: usize) {
        if let UnreadBody::Length(left) = &mut self.body {
            *left = left.saturating_sub(count as u64);
            if *left == 0 {
                self.body = UnreadBody::None;
            }
        }
    }

    /// Appends what is here of the body, up to `most` bytes. Nothing where more has to be done for it than to copy it.
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

    /// Takes the framing off what is here. True if it is all, or `most` bytes of it.
    pub(super) fn gather(&mut self, most: usize) -> bool {
        loop {
            match &mut self.body {
                UnreadBody::None | UnreadBody::Everything { .. } | UnreadBody::Gathered(_) => return true,
                // Of a long body some as well: else a head is all that a thread costs.
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
                    // The handler finds the fault when it reads on: the decoder says the same again.
                    Err(_) => return true,
                },
            }
        }
    }

    /// Bytes of the body that were dropped.
    pub(super) fn drained(&self) -> u64 {
        self.drained
    }

    /// Whether a drop needs more input.
    pub(super) fn is_dry(&self) -> bool {
        self.buffer.is_empty() && !matches!(self.body, UnreadBody::Gathered(_))
    }

    /// Drops some of what is here.
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

    /// The trailer fields of a chunked body that was read to its end.
    pub(super) fn trailers(&self) -> Headers {
        // Gathered with the body, they have come before the handler has read up to them.
        if self.has_body() { Headers::default() } else { self.trailers.clone() }
    }

    /// The last chunk and the trailer section have come.
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

/// Moves bytes from the front of `from` to `to`, as many as there are or fit.
fn take(from: &mut Buffer, to: &mut [u8]) -> usize {
    let count = from.data().len().min(to.len());
    if let (Some(data), Some(room)) = (from.data().get(..count), to.get_mut(..count)) {
        room.copy_from_slice(data);
    }
    from.consume(count);
    count
}

/// Appends bytes from the front of `from` to `to`, as many as there are or `most`.
fn append(from: &mut Buffer, to: &mut Vec<u8>, most: usize) -> usize {
    let data = from.data();
    let data = data.get(..most).unwrap_or(data);
    let count = data.len();
    to.extend_from_slice(data);
    from.consume(count);
    count
}
