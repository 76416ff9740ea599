//! The framing of a reply (RFC 9112 section 6), decided in one place.

use super::head::Persist;
use super::{Reply, State};
use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length {
        left: u64,
    },
    /// `chunk` is where the open chunk begins in `out`.
    Chunked {
        chunk: usize,
    },
    UntilClose,
    /// HEAD with a declared length: the body is counted and dropped.
    Counted {
        left: u64,
    },
    /// HEAD without a declared length: there is no use in more body.
    HeadOnly,
    /// A status without a body.
    Nothing,
}

enum Line {
    None,
    Length(u64),
    Chunked,
}

/// Digits of the longest number.
const DIGITS: usize = 20;

/// Writes `1*DIGIT` at the end of `digits`, and returns how many they are.
fn decimal(mut number: u64, digits: &mut [u8; DIGITS]) -> usize {
    let mut len = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        len += 1;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    len
}

impl Reply {
    /// Decides the framing (RFC 9112 section 6) and completes the head with it. `total` is the length of the whole body,
    /// where that is known.
    #[inline]
    pub(super) fn commit(&mut self, total: Option<u64>) {
        let State::Held { body, unsent } = self.state else { return };
        let held = (self.out.len() - body) as u64 + unsent;
        let (framing, line) = self.decide(total, held);
        if framing == Framing::UntilClose || self.is_headless() {
            self.close = true;
        }
        let mut added = 0;
        if !self.is_headless() {
            let (mut digits, mut length) = ([0; DIGITS], 0);
            let name: &[u8] = match line {
                Line::None => b"",
                Line::Chunked => b"Transfer-Encoding: chunked\r\n",
                Line::Length(total) => {
                    length = decimal(total, &mut digits);
                    b"Content-Length: "
                }
            };
            let digits = digits.get(DIGITS - length..).unwrap_or_default();
            let end: &[u8] = if length > 0 { b"\r\n" } else { b"" };
            let connection = self.connection_line();
            added = insert(&mut self.out, body, [name, digits, end, connection, b"\r\n"]);
        }
        self.state = State::Body(match framing {
            Framing::Chunked { .. } => Framing::Chunked { chunk: body + added },
            other => other,
        });
    }

    #[inline]
    pub(super) fn has_tunnel_status(&self) -> bool {
        match self.head.status {
            101 => true,
            200..=299 => self.asked.connect,
            _ => false,
        }
    }

    #[inline]
    fn decide(&self, total: Option<u64>, held: u64) -> (Framing, Line) {
        let declared = self.head.length.map_or(Line::None, Line::Length);
        let status = self.head.status;
        // RFC 9110 section 15.2.2: what follows is not HTTP/1.1. Requests behind it, which a proxy has not looked at, must
        // not be answered; closing after it sees to that.
        if self.has_tunnel_status() {
            return (Framing::UntilClose, Line::None);
        }
        match status {
            // RFC 9110 section 8.6: no Content-Length in 1xx and 204; in 304 it is that of the 200 reply.
            304 => return (Framing::Nothing, declared),
            // RFC 9110 section 15.3.6: without content, and yet not one of those that end with their head.
            205 if !self.close() => return (Framing::Nothing, Line::Length(0)),
            _ if self.has_no_body() => return (Framing::Nothing, Line::None),
            _ => {}
        }
        // RFC 9112 section 6.1: no transfer coding unless the client is known to speak HTTP/1.1.
        let chunked = self.asked.version == Version::Http11 && self.head.protocol == Some(Version::Http11);
        if self.asked.head {
            return match (self.head.length, total) {
                (Some(length), _) => (Framing::Counted { left: length.saturating_sub(held) }, declared),
                (None, Some(1..)) if !self.head.chunked => (Framing::HeadOnly, Line::Length(held)),
                (None, _) if self.head.chunked && chunked => (Framing::HeadOnly, Line::Chunked),
                (None, _) => (Framing::HeadOnly, Line::None),
            };
        }
        match (self.head.length, total) {
            (Some(length), _) => (Framing::Length { left: length.saturating_sub(held) }, declared),
            (None, Some(total)) if !(self.head.chunked && chunked) => {
                (Framing::Length { left: 0 }, Line::Length(total))
            }
            _ if chunked => (Framing::Chunked { chunk: 0 }, Line::Chunked),
            _ => (Framing::UntilClose, Line::None),
        }
    }

    /// RFC 9112 section 9.3 and 9.6: say what the client cannot know from the versions.
    #[inline]
    fn connection_line(&self) -> &'static [u8] {
        let switching = self.head.status == HTTPStatus::SWITCHING_PROTOCOLS.code();
        if self.close() {
            let assumed = self.head.protocol != Some(Version::Http11) || switching;
            if assumed && self.head.says != Some(Persist::Close) { b"" } else { b"Connection: close\r\n" }
        } else if self.head.says.is_some() || self.asked.version != Version::Http11 {
            b"Connection: keep-alive\r\n"
        } else {
            b""
        }
    }
}

/// Puts `pieces` into `buffer` at `at`, and returns how long they are together.
#[inline]
pub(super) fn insert<const COUNT: usize>(buffer: &mut Vec<u8>, at: usize, pieces: [&[u8]; COUNT]) -> usize {
    let end = buffer.len();
    let added: usize = pieces.iter().map(|piece| piece.len()).sum();
    // Where nothing stands behind them, they are appended.
    if at == end {
        pieces.iter().for_each(|piece| buffer.extend_from_slice(piece));
        return added;
    }
    buffer.resize(end + added, 0);
    buffer.copy_within(at..end, at + added);
    let mut gap = buffer.get_mut(at..at + added).unwrap_or_default();
    for piece in pieces {
        let Some((place, rest)) = gap.split_at_mut_checked(piece.len()) else { break };
        place.copy_from_slice(piece);
        gap = rest;
    }
    added
}
