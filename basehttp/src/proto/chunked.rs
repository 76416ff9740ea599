//! The chunked transfer coding: RFC 9112 section 7.1.
//!
//! Stricter than the RFC's advice to recipients in two points, each of which has been used to smuggle a request past a proxy:
//! lines must end in CRLF, and extensions must match the grammar.

use super::{
    fault::Fault,
    grammar,
    headers::{self, Field},
    limits::Limits,
};

/// The result of a decoding step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkStep {
    /// All of the input was framing, and more must arrive before there is data.
    NeedMore {
        /// Bytes to drop: the whole input.
        consumed: usize,
    },
    /// Body bytes have arrived.
    Data {
        /// Bytes of framing to drop.
        skip: usize,
        /// Bytes of body that follow; never 0.
        len: usize,
    },
    /// The body is complete.
    End {
        /// Bytes of framing to drop; the next request follows.
        consumed: usize,
    },
}

/// Decodes a chunked body in place, as it arrives.
///
/// The caller passes the bytes that it has not consumed yet, and consumes what each step says. No byte of framing is looked
/// at twice, and no byte of data at all.
#[derive(Debug)]
pub struct ChunkedDecoder {
    limits: Limits,
    state: State,
    /// Length of the chunk-size line so far, without its CR.
    line: usize,
    /// Total length of chunk-size lines so far, beyond what their data has paid for.
    excess: usize,
    trailer: Vec<u8>,
    /// The beginning of the current trailer line.
    trailer_line: usize,
    fields: Vec<Field>,
    /// Trailer fields so far, including dropped ones.
    count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the chunk-size line.
    Line {
        at: At,
        size: u64,
    },
    /// In the data of a chunk, with this many bytes to come.
    Data(u64),
    /// After the data, before CR.
    DataCr,
    /// After the data, before LF.
    DataLf,
    Trailers,
    End,
    Failed(Fault),
}

/// The decoder's position in the chunk-size line:
/// `1*HEXDIG *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the size, after this many digits.
    Size(u8),
    /// In the blanks after the size or a value: only `;` may follow.
    BeforeExtension,
    /// After `;`.
    NameStart,
    Name,
    /// In the blanks after a name.
    AfterName,
    /// After `=`.
    ValueStart,
    Value,
    Quoted,
    /// After a backslash.
    QuotedPair,
    /// After the closing quote.
    AfterQuote,
    /// After CR.
    Lf,
}

/// More digits would not fit a u64. Clients pad sizes with zeros only to find differences between servers.
const SIZE_DIGITS: u8 = 16;

/// This much of each size line is free, so that a stream of short chunks is not a fault.
const FREE_PER_CHUNK: usize = 16;

impl ChunkedDecoder {
    /// A decoder at the start of a body.
    pub fn new(limits: Limits) -> Self {
        let state = State::Line { at: At::Size(0), size: 0 };
        Self {
            limits,
            state,
            line: 0,
            excess: 0,
            trailer: Vec::new(),
            trailer_line: 0,
            fields: Vec::new(),
            count: 0,
        }
    }

    /// Decodes `input`, the bytes that have arrived and are not consumed yet.
    ///
    /// # Errors
    /// The fault in the framing. Every later call returns it again.
    pub fn step(&mut self, input: &[u8]) -> Result<ChunkStep, Fault> {
        let step = self.advance(input);
        if let Err(fault) = step {
            self.state = State::Failed(fault);
        }
        step
    }

    /// The trailer section and its fields; complete after [`ChunkStep::End`].
    pub fn trailers(&self) -> (&[u8], &[Field]) {
        (&self.trailer, &self.fields)
    }

    fn advance(&mut self, input: &[u8]) -> Result<ChunkStep, Fault> {
        let mut rest = input;
        loop {
            let consumed = input.len() - rest.len();
            match (self.state, rest) {
                (State::Failed(fault), _) => return Err(fault),
                (State::End, _) => return Ok(ChunkStep::End { consumed }),
                (_, []) => return Ok(ChunkStep::NeedMore { consumed }),
                (State::Data(left), _) => {
                    let here = u64::try_from(rest.len()).map_or(left, |here| left.min(here));
                    self.state = if left == here { State::DataCr } else { State::Data(left - here) };
                    let len = usize::try_from(here).unwrap_or(rest.len());
                    return Ok(ChunkStep::Data { skip: consumed, len });
                }
                (State::Line { at, size }, [byte, tail @ ..]) => {
                    self.state = self.next_in_line(at, size, *byte)?;
                    rest = tail;
                }
                (State::DataCr, [b'\r', tail @ ..]) => (self.state, rest) = (State::DataLf, tail),
                (State::DataLf, [b'\n', tail @ ..]) => {
                    self.line = 0;
                    (self.state, rest) = (State::Line { at: At::Size(0), size: 0 }, tail);
                }
                (State::DataCr | State::DataLf, _) => return Err(Fault::BadChunkData),
                (State::Trailers, _) => rest = self.take_trailer_line(rest)?,
            }
        }
    }

    /// The state after one more byte of a chunk-size line.
    #[inline]
    fn next_in_line(&mut self, at: At, size: u64, byte: u8) -> Result<State, Fault> {
        if at == At::Lf {
            if byte != b'\n' {
                return Err(Fault::BadChunkSize);
            }
            self.settle_excess(size)?;
            return Ok(if size == 0 { State::Trailers } else { State::Data(size) });
        }
        if byte != b'\r' {
            self.line += 1;
            if self.line > self.limits.chunk_line {
                return Err(Fault::ChunkLineTooLong);
            }
        }
        if let At::Size(digits) = at
            && let Some(digit) = grammar::hex_value(byte)
        {
            if digits == SIZE_DIGITS {
                return Err(Fault::BadChunkSize);
            }
            return Ok(State::Line { at: At::Size(digits + 1), size: size << 4 | u64::from(digit) });
        }
        let fault = if matches!(at, At::Size(_)) { Fault::BadChunkSize } else { Fault::BadChunkExtension };
        at.next(byte).map(|at| State::Line { at, size }).ok_or(fault)
    }

    /// Limits the extensions of all chunks together, not only of each: one-byte chunks with long extensions would make the
    /// server read thousands of bytes for each byte that the handler sees (CVE-2023-39326).
    fn settle_excess(&mut self, size: u64) -> Result<(), Fault> {
        let paid =
            usize::try_from(size).unwrap_or(usize::MAX).saturating_mul(2).saturating_add(FREE_PER_CHUNK);
        self.excess = self.excess.saturating_add(self.line).saturating_sub(paid);
        if self.excess > self.limits.chunk_line { Err(Fault::ChunkLineTooLong) } else { Ok(()) }
    }

    /// Moves bytes up to a line's end into the trailer section, and returns those after it.
    fn take_trailer_line<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], Fault> {
        let len = grammar::line_feed(input).map_or(input.len(), |lf| lf + 1);
        let (new, rest) = input.split_at_checked(len).unwrap_or_default();
        if new.len() > self.limits.trailers.saturating_sub(self.trailer.len()) {
            return Err(Fault::TrailersTooLarge);
        }
        self.trailer.extend_from_slice(new);
        if !new.ends_with(b"\n") {
            return Ok(rest);
        }
        let line = self.trailer.get(self.trailer_line..).unwrap_or_default();
        let text = line.strip_suffix(b"\r\n").ok_or(Fault::BadTrailer)?;
        if text.is_empty() {
            self.state = State::End;
            return Ok(rest);
        }
        if self.count >= self.limits.fields {
            return Err(Fault::TrailersTooLarge);
        }
        let field = headers::parse(&self.trailer, self.trailer_line, self.trailer_line + text.len())
            .map_err(|_| Fault::BadTrailer)?;
        self.count += 1;
        match place_of(field.name.of(&self.trailer)) {
            Place::Trailer => self.fields.push(field),
            Place::Nowhere => {}
            Place::Header => return Err(Fault::BadTrailer),
        }
        self.trailer_line = self.trailer.len();
        Ok(rest)
    }
}

impl At {
    /// The position after `byte`; `None` if the byte is not allowed. A size's digits are not handled here.
    #[inline]
    fn next(self, byte: u8) -> Option<Self> {
        let (blank, token) = (grammar::is_blank(byte), grammar::is_token(byte));
        match self {
            Self::BeforeExtension | Self::NameStart | Self::AfterName | Self::ValueStart if blank => {
                Some(self)
            }
            Self::NameStart | Self::Name if token => Some(Self::Name),
            Self::Name if blank => Some(Self::AfterName),
            Self::Name | Self::AfterName if byte == b'=' => Some(Self::ValueStart),
            Self::BeforeExtension | Self::AfterName if byte == b';' => Some(Self::NameStart),
            Self::ValueStart | Self::Value if token => Some(Self::Value),
            Self::ValueStart if byte == b'"' => Some(Self::Quoted),
            Self::Quoted if byte == b'"' => Some(Self::AfterQuote),
            Self::Quoted if byte == b'\\' => Some(Self::QuotedPair),
            Self::Quoted | Self::QuotedPair if grammar::is_field_text(byte) => Some(Self::Quoted),
            Self::Size(1..) | Self::Name | Self::Value | Self::AfterQuote => match byte {
                b'\r' => Some(Self::Lf),
                b';' => Some(Self::NameStart),
                b' ' | b'\t' => Some(Self::BeforeExtension),
                _ => None,
            },
            Self::Size(0)
            | Self::BeforeExtension
            | Self::NameStart
            | Self::AfterName
            | Self::ValueStart
            | Self::Quoted
            | Self::QuotedPair
            | Self::Lf => None,
        }
    }
}

/// What to do with a field that arrived as a trailer.
enum Place {
    Trailer,
    /// It has no effect there, and is dropped.
    Nowhere,
    Header,
}

/// RFC 9110 section 6.5.1: a field that is needed for framing, routing, authentication or for reading the content must not
/// come after it. By then, each reader has decided without it, in its own way. If that could be an attack, the request is
/// refused; a media type or coding that comes late is dropped (RFC 9112 section 7.1.2).
fn place_of(name: &[u8]) -> Place {
    let is_in = |names: &[&[u8]]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
    if is_in(&IN_HEADER) {
        Place::Header
    } else if is_in(&TOO_LATE) {
        Place::Nowhere
    } else {
        Place::Trailer
    }
}

/// Whether a field has an effect only before the body, so that it is not a trailer field.
pub(crate) fn belongs_in_header(name: &[u8]) -> bool {
    !matches!(place_of(name), Place::Trailer)
}

const IN_HEADER: [&[u8]; 10] = [
    b"transfer-encoding",
    b"content-length",
    b"te",
    b"connection",
    b"upgrade",
    b"expect",
    b"host",
    b"authorization",
    b"proxy-authorization",
    b"cookie",
];

const TOO_LATE: [&[u8]; 7] = [
    b"content-encoding",
    b"content-type",
    b"content-range",
    b"trailer",
    b"set-cookie",
    b"keep-alive",
    b"proxy-connection",
];

/// Appends the size line of a chunk of `len` bytes. [`CHUNK_END`] follows the data.
///
/// A length of 0 appends nothing: it would end the body.
pub fn chunk_header(len: u64, out: &mut Vec<u8>) {
    if len == 0 {
        return;
    }
    let digits = (u64::BITS - len.leading_zeros()).div_ceil(4);
    for digit in (0..digits).rev() {
        // Four bits: at most 15.
        let value = (len >> (4 * digit) & 0xf).to_le_bytes().first().copied().unwrap_or_default();
        out.push(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    }
    out.extend_from_slice(b"\r\n");
}

/// Follows the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The last chunk with an empty trailer section: the end of a body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests;
