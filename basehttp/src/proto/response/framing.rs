//! The framing of a response (RFC 9112 section 6), decided in one place.

use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

/// The properties of a request that determine the response's form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestTraits {
    /// The version of the request; HTTP/0.9 gets a body without a head.
    pub version: Version,
    /// The method is HEAD: a head without a body.
    pub head: bool,
    /// The method is CONNECT: a 2xx head ends HTTP on the connection (RFC 9110 section 9.3.6).
    pub connect: bool,
    /// The client wants the connection closed, or it must be closed: no handler can keep it open.
    pub close: bool,
}

/// The known properties of the current head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) protocol: Option<Version>,
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    /// There is a `Trailer` field.
    pub(super) announces: bool,
    pub(super) connection: Option<Persist>,
    /// Whether the connection was to be closed before this head said what it does.
    pub(super) close_before: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persist {
    Close,
    KeepAlive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length {
        left: u64,
    },
    /// `chunk` is the beginning of the open chunk in `out`.
    Chunked {
        chunk: usize,
    },
    UntilClose,
    /// HEAD with a declared length: the body is counted and dropped.
    Counted {
        left: u64,
    },
    /// HEAD without a declared length: more body is of no use.
    HeadOnly,
    /// A status without a body.
    Nothing,
}

/// The field that states the framing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FramingField {
    None,
    Length(u64),
    Chunked,
}

/// The end of a head: the fields that are decided last.
pub(super) struct Tail {
    bytes: [u8; LONGEST],
    len: usize,
}

/// Room for `Content-Length` with 20 digits, and `Connection: keep-alive`.
const LONGEST: usize = 80;

impl Default for Tail {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], len: 0 }
    }
}

impl Tail {
    #[inline]
    fn push<const LEN: usize>(&mut self, text: &[u8; LEN]) {
        if let Some((place, _)) = self.bytes.get_mut(self.len..).and_then(|free| free.split_first_chunk_mut())
        {
            *place = *text;
            self.len += LEN;
        }
    }

    fn push_decimal(&mut self, mut number: u64) {
        let len = match number {
            0..=9 => 1,
            10..=99 => 2,
            100..=999 => 3,
            1000..=9999 => 4,
            _ => number.ilog10() as usize + 1,
        };
        let place = self.bytes.get_mut(self.len..self.len + len).unwrap_or_default();
        for digit in place.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len += len;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl ResponseHead {
    #[inline]
    pub(super) fn has_no_body(&self) -> bool {
        HTTPStatus::new(self.status).has_no_body()
    }

    /// Whether HTTP ends after this head: 101, and 2xx to CONNECT.
    #[inline]
    pub(super) fn has_tunnel_status(&self, traits: RequestTraits) -> bool {
        match self.status {
            101 => true,
            200..=299 => traits.connect,
            _ => false,
        }
    }

    /// Whether both sides speak HTTP/1.1.
    pub(super) fn speaks_1_1(&self, traits: RequestTraits) -> bool {
        traits.version == Version::Http11 && self.protocol == Some(Version::Http11)
    }

    /// Whether the body must be chunked even if its length is known at the end: the handler asked for it, or there may be
    /// trailer fields, which need chunks. A declared length overrides the latter.
    #[inline]
    pub(super) fn wants_chunks(&self) -> bool {
        self.chunked || self.announces
    }

    /// Decides the framing. `close` is whether the connection must be closed in any case, `total` the length of the whole
    /// body, if known, and `held` how much of it has been written.
    #[inline]
    pub(super) fn decide(
        &self,
        traits: RequestTraits,
        close: bool,
        total: Option<u64>,
        held: u64,
    ) -> (Framing, FramingField) {
        let declared = self.length.map_or(FramingField::None, FramingField::Length);
        // RFC 9110 section 15.2.2: what follows is not HTTP/1.1. Requests after it, which a proxy has not inspected, must not
        // be answered; closing the connection afterwards ensures that.
        if self.has_tunnel_status(traits) {
            return (Framing::UntilClose, FramingField::None);
        }
        match self.status {
            // RFC 9110 section 8.6: no Content-Length in 1xx and 204; in 304 it is that of the 200 response.
            304 => return (Framing::Nothing, declared),
            // RFC 9110 section 15.3.6: it has no content, but is not among the statuses that end with their head.
            205 if !close => return (Framing::Nothing, FramingField::Length(0)),
            _ if self.has_no_body() => return (Framing::Nothing, FramingField::None),
            _ => {}
        }
        // RFC 9112 section 6.1: no transfer coding unless the client is known to support HTTP/1.1.
        let may_chunk = self.speaks_1_1(traits);
        let wants_chunks = may_chunk && self.wants_chunks();
        if traits.head {
            return match (self.length, total) {
                (Some(length), _) => (Framing::Counted { left: length.saturating_sub(held) }, declared),
                (None, Some(1..)) if !wants_chunks => (Framing::HeadOnly, FramingField::Length(held)),
                (None, _) if wants_chunks => (Framing::HeadOnly, FramingField::Chunked),
                (None, _) => (Framing::HeadOnly, FramingField::None),
            };
        }
        match (self.length, total) {
            (Some(length), _) => (Framing::Length { left: length.saturating_sub(held) }, declared),
            (None, Some(total)) if !wants_chunks => {
                (Framing::Length { left: 0 }, FramingField::Length(total))
            }
            _ if may_chunk => (Framing::Chunked { chunk: 0 }, FramingField::Chunked),
            _ => (Framing::UntilClose, FramingField::None),
        }
    }

    /// The end of the head. `close` is whether the connection must be closed with this framing.
    #[inline]
    pub(super) fn tail(&self, traits: RequestTraits, close: bool, line: FramingField) -> Tail {
        let mut tail = Tail::default();
        match line {
            FramingField::None => {}
            FramingField::Chunked => tail.push(b"Transfer-Encoding: chunked\r\n"),
            FramingField::Length(length) => {
                tail.push(b"Content-Length: ");
                tail.push_decimal(length);
                tail.push(b"\r\n");
            }
        }
        match self.connection_line(traits, close) {
            Some(Persist::Close) => tail.push(b"Connection: close\r\n"),
            Some(Persist::KeepAlive) => tail.push(b"Connection: keep-alive\r\n"),
            None => {}
        }
        tail.push(b"\r\n");
        tail
    }

    /// RFC 9112 sections 9.3 and 9.6: states what the client cannot infer from the versions.
    #[inline]
    fn connection_line(&self, traits: RequestTraits, close: bool) -> Option<Persist> {
        // After a tunnel's head there is no HTTP, and the connection ends with the tunnel.
        let assumed = self.protocol != Some(Version::Http11) || self.has_tunnel_status(traits);
        if close {
            if assumed && self.connection != Some(Persist::Close) { None } else { Some(Persist::Close) }
        } else if self.connection.is_some() || !self.speaks_1_1(traits) {
            Some(Persist::KeepAlive)
        } else {
            None
        }
    }
}

/// Inserts `bytes` into `buffer` at `at`.
#[inline]
pub(super) fn insert(buffer: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let tail = at..buffer.len();
    buffer.extend_from_slice(bytes);
    // Nothing needs to move if nothing follows.
    if tail.is_empty() {
        return;
    }
    buffer.copy_within(tail, at + bytes.len());
    if let Some(gap) = buffer.get_mut(at..at + bytes.len()) {
        gap.copy_from_slice(bytes);
    }
}
