//! The state machine of a response: its head, the decision about its framing, and the bytes of its body.
//!
//! Bytes for the wire are collected in one buffer. A head and the body after it are *held* until the framing is decided,
//! once, in `Response::commit`: when the response is finished (then its length is known), when it outgrows the buffer, or
//! when it is flushed. Until then all of it can be taken back, so that a mistake becomes a clean error page.
//!
//! ```text
//! Idle --status_line--> Head --end_head--> Held --commit--> Body --finish--> Idle
//!   ^--- interim head ----'                  '-------finish-----------------^
//! ```

mod framing;
mod head;
mod memory;
mod trailers;

use super::chunked::{CHUNK_END, LAST_CHUNK, chunk_header};
use super::grammar;
use super::misuse::Misuse;
use super::request_line::Version;

use framing::{Framing, FramingField, ResponseHead, insert};

pub(crate) use framing::RequestTraits;
pub(crate) use head::{Ended, can_be_reason};

/// The responses of one connection, one after another.
#[derive(Debug)]
pub(crate) struct Response {
    out: Vec<u8>,
    state: State,
    /// The beginning in `out` of the current response; everything before it is final.
    start: usize,
    head: ResponseHead,
    traits: RequestTraits,
    close: bool,
    ended_by_interim: bool,
    misuse: Option<Misuse>,
    /// The mistake for which a head was taken back, until the next head begins.
    refused: Option<Misuse>,
    /// A mistake that was refused without harm to the response.
    rejected: Option<Misuse>,
    /// Nothing more is taken: another response was begun after a complete one, or this one is an error page.
    is_closed: bool,
    hold: usize,
    /// The lines of the trailer section so far.
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is no request to answer.
    NoRequest,
    Idle,
    Head,
    /// `body` is the beginning of the body in `out`; `unsent` counts body bytes that are not sent because of HEAD.
    Held {
        body: usize,
        unsent: u64,
    },
    Body(Framing),
}

impl Response {
    /// No response yet. `hold` is how many bytes of a body are held back to learn its length.
    pub(crate) fn new(hold: usize) -> Self {
        let traits = RequestTraits { version: Version::Http10, head: false, connect: false, close: true };
        Self {
            out: Vec::new(),
            state: State::NoRequest,
            start: 0,
            head: ResponseHead::default(),
            traits,
            close: true,
            ended_by_interim: false,
            misuse: None,
            refused: None,
            rejected: None,
            is_closed: false,
            hold,
            trailers: Vec::new(),
        }
    }

    /// Prepares for the response to the next request. `close` is the initial value of [`close`](Self::close).
    #[inline]
    pub(crate) fn begin(&mut self, traits: RequestTraits, close: bool) {
        self.abandon();
        self.traits = traits;
        self.close = close;
        self.state = State::Idle;
    }

    /// Ends the request, and with it the response.
    pub(crate) fn end(&mut self) {
        self.abandon();
        self.state = State::NoRequest;
    }

    /// Takes back everything in the response that is not committed.
    #[inline]
    pub(crate) fn abandon(&mut self) {
        if !self.is_committed() {
            self.take_back_head();
        }
        if self.state != State::NoRequest {
            self.state = State::Idle;
        }
        self.start = self.out.len();
        self.head = ResponseHead::default();
        self.ended_by_interim = false;
        self.is_closed = false;
        self.trailers.clear();
        self.forget_mistakes();
    }

    #[inline]
    fn forget_mistakes(&mut self) {
        if self.misuse.is_some() || self.refused.is_some() || self.rejected.is_some() {
            (self.misuse, self.refused, self.rejected) = (None, None, None);
        }
    }

    /// Whether the connection must be closed after this response.
    #[inline]
    pub(crate) fn close(&self) -> bool {
        self.close || self.traits.close
    }

    /// Sets [`close`](Self::close); after the head is committed, it can only be turned on.
    pub(crate) fn set_close(&mut self, close: bool) {
        self.close = if self.is_committed() { self.close || close } else { close };
        self.head.close_before = None;
    }

    /// Requires closing the connection after this response, whatever the handler says.
    pub(crate) fn must_close(&mut self) {
        self.traits.close = true;
    }

    /// Whether the head is final: nothing can be taken back.
    #[inline]
    pub(crate) fn is_committed(&self) -> bool {
        matches!(self.state, State::Body(_))
    }

    /// Whether a final response has begun.
    pub(crate) fn is_begun(&self) -> bool {
        !matches!(self.state, State::NoRequest | State::Idle)
    }

    /// Whether an interim response may still precede the response (RFC 9110 section 15.2).
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn takes_interim(&self) -> bool {
        !self.is_committed() && self.traits.version == Version::Http11
    }

    /// The status in the head begun last.
    #[inline]
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    /// Whether HTTP ends after the head, in both directions: 101, and 2xx to CONNECT.
    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(self.state, State::Held { .. } | State::Body(_)) && self.has_tunnel_status()
    }

    /// Whether the handler has written something that the client may be waiting for: body bytes, or a head with declared
    /// framing. A head without a declared length is better held back until the length is known.
    pub(crate) fn has_news(&self) -> bool {
        match self.state {
            State::NoRequest | State::Idle | State::Head => false,
            State::Held { body, .. } => {
                self.out.len() > body || self.head.length.is_some() || self.head.wants_chunks()
            }
            State::Body(_) => !self.out.is_empty(),
        }
    }

    /// Whether the client can tell from the bytes sent that a committed response is complete.
    pub(crate) fn is_complete(&self) -> bool {
        match self.state {
            State::Body(Framing::Length { left }) => left == 0,
            State::Body(Framing::Counted { .. } | Framing::HeadOnly | Framing::Nothing) => true,
            _ => false,
        }
    }

    /// Whether closing the connection marks the end of the body, so that only a reset shows a truncation. In HTTP/0.9 this is
    /// always so, whatever length the handler has declared.
    pub(crate) fn ends_with_connection(&self) -> bool {
        self.state == State::Body(Framing::UntilClose) || (self.is_committed() && self.is_headless())
    }

    /// Refuses body bytes and trailer fields for a response that is complete and to which nothing may be added. The response
    /// stands.
    ///
    /// # Errors
    /// The mistake: a second response, or what is written after an error page.
    #[inline]
    pub(crate) fn check_open(&mut self) -> Result<(), Misuse> {
        if self.is_closed {
            // A second response was noted when it began.
            return Err(self.rejected.get_or_insert(Misuse::AfterErrorPage).clone());
        }
        Ok(())
    }

    /// Whether another response would not take the place of this one, which is complete.
    pub(crate) fn stands(&self) -> bool {
        self.is_closed || self.is_whole()
    }

    /// Whether the response is complete and nothing may be added to it.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Closes an error page: what is written after it is refused.
    pub(crate) fn end_error_page(&mut self) {
        self.is_closed = self.is_whole();
    }

    /// Reports a value that comes after the beginning of a response. A complete response stands.
    #[cold]
    pub(crate) fn second_response(&mut self) {
        if self.is_whole() {
            self.note(Misuse::SecondResponse);
        } else {
            self.misused(Misuse::SecondResponse);
        }
    }

    /// Reports content for a status that has none. The response stands without it.
    #[cold]
    pub(crate) fn leave_out_content(&mut self) {
        self.note(Misuse::BodyForStatus(self.head.status));
    }

    /// The first mistake that was refused without harm to the response.
    #[inline]
    pub(crate) fn rejected(&self) -> Option<&Misuse> {
        self.rejected.as_ref()
    }

    /// The first mistake in this response that cannot be repaired by another response.
    #[inline]
    pub(crate) fn misuse(&self) -> Option<&Misuse> {
        self.misuse.as_ref().or(self.refused.as_ref())
    }

    /// Takes body bytes, and returns how many.
    ///
    /// # Errors
    /// If the head has not ended, or if there is more body than the response may have.
    #[inline]
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<usize, Misuse> {
        if data.ends_with(b"\r\n") {
            self.mind_chunks(data);
        }
        let room = self.room(data.len() as u64).map_err(|misuse| self.note(misuse))?;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let taken = data.get(..room).unwrap_or_default();
        match &mut self.state {
            State::Held { unsent, .. } if self.traits.head => *unsent += room as u64,
            State::Body(Framing::Counted { left }) => *left -= room as u64,
            State::Body(Framing::Length { left }) => {
                *left -= room as u64;
                self.out.extend_from_slice(taken);
            }
            _ => self.out.extend_from_slice(taken),
        }
        if let State::Held { body, unsent } = self.state
            && (self.out.len() - body > self.hold || unsent > self.hold as u64)
        {
            self.commit(None);
        }
        Ok(room)
    }

    /// Takes body bytes if they can simply be held after their head. False if there is more to do.
    #[inline]
    pub(crate) fn hold(&mut self, data: &[u8]) -> bool {
        let State::Held { body, .. } = self.state else { return false };
        let held = (self.out.len() - body).saturating_add(data.len());
        let fits = held <= self.hold && self.head.length.is_none_or(|length| held as u64 <= length);
        if !fits || self.traits.head || self.traits.connect || self.has_no_body() || data.ends_with(b"\r\n") {
            return false;
        }
        self.out.extend_from_slice(data);
        true
    }

    /// How many of `len` body bytes are allowed.
    #[inline]
    fn room(&self, len: u64) -> Result<u64, Misuse> {
        let limit = match self.state {
            State::NoRequest => return Err(Misuse::NoRequest),
            State::Idle | State::Head => return Err(Misuse::BodyBeforeHead),
            _ if len == 0 => return Ok(0),
            State::Held { .. } if self.has_tunnel_status() => return Ok(len),
            State::Held { .. } if self.has_no_body() => return Err(Misuse::BodyForStatus(self.head.status)),
            State::Held { body, unsent } => match self.head.length {
                Some(length) => length - (self.out.len() - body) as u64 - unsent,
                None => return Ok(len),
            },
            State::Body(Framing::Length { left } | Framing::Counted { left }) => left,
            State::Body(Framing::Chunked { .. } | Framing::UntilClose) => return Ok(len),
            State::Body(Framing::HeadOnly) => return Err(Misuse::BodyForHead),
            State::Body(Framing::Nothing) => return Err(Misuse::BodyForStatus(self.head.status)),
        };
        match limit.min(len) {
            0 => Err(Misuse::TooMuchBody),
            room => Ok(room),
        }
    }

    /// Whether `len` more bytes of body would still be held back to learn its length.
    pub(crate) fn would_hold(&self, len: usize) -> bool {
        match self.state {
            State::Held { body, .. } => {
                self.head.length.is_none() && (self.out.len() - body).saturating_add(len) <= self.hold
            }
            _ => false,
        }
    }

    /// Begins a write that bypasses the buffer: commits the head and frames `len` bytes of body, which the caller puts on the
    /// wire after the [`ready`](Self::ready) bytes. Returns how many bytes that is, and whether they are sent at all.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub(crate) fn begin_direct(&mut self, len: u64) -> Result<(u64, bool), Misuse> {
        let room = self.room(len).map_err(|misuse| self.note(misuse))?;
        self.flush();
        match &mut self.state {
            State::Body(Framing::Length { left }) => *left -= room,
            State::Body(Framing::Counted { left }) => {
                *left -= room;
                return Ok((room, false));
            }
            State::Body(Framing::HeadOnly) => return Ok((room, false)),
            State::Body(Framing::Chunked { chunk }) => {
                chunk_header(room, &mut self.out);
                *chunk = self.out.len();
            }
            _ => {}
        }
        Ok((room, true))
    }

    /// Like [`write`](Self::write), but takes nothing if there is too much.
    pub(crate) fn write_whole(&mut self, data: &[u8]) -> Result<(), Misuse> {
        if self.room(data.len() as u64).map_err(|misuse| self.note(misuse))? < data.len() as u64 {
            return Err(self.note(Misuse::TooMuchBody));
        }
        self.write(data).map(drop)
    }

    /// Prepares for a body from elsewhere: makes what there is of the response ready to send.
    pub(crate) fn begin_stream(&mut self) -> Result<(), Misuse> {
        match self.state {
            State::NoRequest => return Err(Misuse::NoRequest),
            State::Idle => return Err(Misuse::BodyBeforeHead),
            State::Head => return Err(Misuse::OpenHead),
            State::Held { .. } | State::Body(_) => {}
        }
        self.flush();
        Ok(())
    }

    /// Like [`begin_direct`](Self::begin_direct), with all `len` bytes or none. True if they are sent at all: then their
    /// place is after the [`gathered`](Self::gathered) bytes, and bytes written after [`end_direct`](Self::end_direct) follow
    /// them.
    ///
    /// # Errors
    /// Those of [`write`](Self::write), and if there are more bytes than the response may have.
    pub(crate) fn begin_file(&mut self, len: u64) -> Result<bool, Misuse> {
        if len > 0 {
            self.check_open()?;
        }
        match self.room(len) {
            Ok(room) if room < len => Err(self.note(Misuse::TooMuchBody)),
            // An empty chunk would be the last one.
            Ok(0) => Ok(false),
            Ok(_) => Ok(self.begin_direct(len)?.1),
            Err(misuse) => Err(self.note(misuse)),
        }
    }

    /// Takes those bytes of a direct write that the wire did not take.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.out.extend_from_slice(rest);
        if let State::Body(Framing::Chunked { chunk }) = &mut self.state {
            *chunk = self.out.len();
        }
    }

    /// Ends a write that [`begin_direct`](Self::begin_direct) began.
    pub(crate) fn end_direct(&mut self) {
        if let State::Body(Framing::Chunked { chunk }) = &mut self.state {
            self.out.extend_from_slice(CHUNK_END);
            *chunk = self.out.len();
        }
    }

    /// Makes as much [`ready`](Self::ready) as possible: commits a finished head, and ends the open chunk.
    pub(crate) fn flush(&mut self) {
        if let State::Held { .. } = self.state {
            self.commit(None);
        }
        if let State::Body(Framing::Chunked { chunk }) = &mut self.state {
            let len = self.out.len() - *chunk;
            if len > 0 {
                let mut header = Vec::with_capacity(18);
                chunk_header(len as u64, &mut header);
                insert(&mut self.out, *chunk, &header);
                self.out.extend_from_slice(CHUNK_END);
                *chunk = self.out.len();
            }
        }
    }

    /// Ends the response after the handler has returned. A mistake in a committed response stays in [`misuse`](Self::misuse).
    ///
    /// # Errors
    /// Why there is no good response: none of it was sent, or, if it is committed, its body is incomplete.
    #[inline]
    pub(crate) fn finish(&mut self) -> Result<(), Misuse> {
        if let (false, Some(misuse)) = (self.is_committed(), self.misuse()) {
            return Err(misuse.clone());
        }
        match self.state {
            State::NoRequest => return Err(Misuse::NoRequest),
            State::Idle if self.ended_by_interim => {}
            State::Idle => return Err(Misuse::NoReply),
            State::Head => return Err(Misuse::OpenHead),
            State::Held { body, unsent } => {
                let total = (self.out.len() - body) as u64 + unsent;
                self.commit(Some(total));
                return self.finish_body();
            }
            State::Body(_) => return self.finish_body(),
        }
        Ok(())
    }

    #[inline]
    fn finish_body(&mut self) -> Result<(), Misuse> {
        match self.state {
            State::Body(Framing::Length { left: left @ 1.. }) => return Err(Misuse::TooLittleBody(left)),
            State::Body(Framing::Chunked { .. }) => {
                self.flush();
                self.end_chunks();
                // All written data is complete now, and no more can come.
                self.state = State::Body(Framing::Length { left: 0 });
            }
            _ => {}
        }
        Ok(())
    }

    /// Decides the framing and completes the head with it. `total` is the length of the whole body, if it is known.
    #[inline]
    fn commit(&mut self, total: Option<u64>) {
        let State::Held { body, unsent } = self.state else { return };
        let held = (self.out.len() - body) as u64 + unsent;
        let (framing, line) = self.head.decide(self.traits, self.close(), total, held);
        if framing == Framing::UntilClose || self.is_headless() {
            self.close = true;
        }
        let mut added = 0;
        if !self.is_headless() {
            if line == FramingField::Chunked && !self.trailers.is_empty() {
                let announcement = self.announcement();
                insert(&mut self.out, body, &announcement);
                added = announcement.len();
            }
            let tail = self.head.tail(self.traits, self.close(), line);
            insert(&mut self.out, body + added, tail.bytes());
            added += tail.bytes().len();
        }
        self.state = State::Body(match framing {
            Framing::Chunked { .. } => Framing::Chunked { chunk: body + added },
            other => other,
        });
    }

    /// How many bytes are waiting, whether or not they may be sent now.
    #[inline]
    pub(crate) fn gathered(&self) -> usize {
        self.out.len()
    }

    /// The bytes that may be sent now.
    #[inline]
    pub(crate) fn ready(&self) -> &[u8] {
        let end = match self.state {
            State::Head | State::Held { .. } => self.start,
            State::Body(Framing::Chunked { chunk }) => chunk,
            State::NoRequest | State::Idle | State::Body(_) => self.out.len(),
        };
        self.out.get(..end).unwrap_or_default()
    }

    /// Removes the first `count` [`ready`](Self::ready) bytes, which are on the wire.
    pub(crate) fn sent(&mut self, count: usize) {
        let count = count.min(self.ready().len());
        if count == self.out.len() {
            self.out.clear();
        } else {
            self.out.drain(..count);
        }
        self.start = self.start.saturating_sub(count);
        match &mut self.state {
            State::Held { body, .. } => *body -= count,
            State::Body(Framing::Chunked { chunk }) => *chunk -= count,
            _ => {}
        }
    }

    /// Remembers a refused write, for a handler that ignores its errors.
    #[cold]
    fn note(&mut self, misuse: Misuse) -> Misuse {
        if misuse != Misuse::BodyForHead {
            self.rejected.get_or_insert(misuse.clone());
        }
        misuse
    }

    #[cold]
    fn misused(&mut self, misuse: Misuse) {
        self.misuse.get_or_insert(misuse);
    }

    /// Without this, a client would silently receive the framing of such chunks as data.
    #[cold]
    fn mind_chunks(&mut self, data: &[u8]) {
        if !self.has_tunnel_status() && has_chunks(data) {
            self.rejected.get_or_insert(Misuse::OwnChunks);
        }
    }

    /// Whether all of the declared response has been written. An error page is complete in this sense, whatever is tried
    /// after it; what is then refused does no harm.
    fn is_whole(&self) -> bool {
        let State::Held { body, unsent } = self.state else { return self.is_complete() };
        let length = (self.out.len() - body) as u64 + unsent;
        let is_whole = self.head.length == Some(length) || (self.has_no_body() && !self.has_tunnel_status());
        self.misuse.is_none() && is_whole
    }

    /// A head, or part of one, after the end of this response's head.
    #[cold]
    fn head_after_head(&mut self) {
        if self.is_closed {
            // Of a second response, the mistake was noted when it began.
            self.note(Misuse::AfterErrorPage);
        } else if self.is_whole() {
            self.note(Misuse::HeadAfterHead);
        } else {
            self.misused(Misuse::HeadAfterHead);
        }
    }

    /// HTTP/0.9 responses have no head.
    #[inline]
    fn is_headless(&self) -> bool {
        self.traits.version == Version::Http09
    }

    #[inline]
    fn has_no_body(&self) -> bool {
        self.head.has_no_body()
    }

    #[inline]
    fn has_tunnel_status(&self) -> bool {
        self.head.has_tunnel_status(self.traits)
    }
}

/// Whether these bytes are a complete chunk, or end with the last chunk. A line with only a number may be anything.
fn has_chunks(data: &[u8]) -> bool {
    if data == LAST_CHUNK || data.strip_suffix(LAST_CHUNK).is_some_and(|before| before.ends_with(CHUNK_END)) {
        return true;
    }
    let digits = data.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let size = data.get(..digits).and_then(grammar::hexadecimal);
    let rest = data.get(digits..).and_then(|rest| rest.strip_prefix(CHUNK_END));
    let content = rest.and_then(|rest| rest.strip_suffix(CHUNK_END));
    content.is_some_and(|content| !content.is_empty() && size == Some(content.len() as u64))
}

#[cfg(test)]
mod tests;
