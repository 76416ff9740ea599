//! Reads the request: its head as it arrives, and its body, which the client may be asked to send.

use std::io;

use super::errors::ConnectionError;
use super::input::Reads;
use super::{ConnectionIo, DIRECT, gone};
use crate::handler::message::Headers;
use crate::handler::request::Request;
use crate::proto::connection::{Event, Phase};
use crate::proto::fault::Fault;
use crate::proto::head::{AtEnd, Progress};
use crate::proto::status::HTTPStatus;

/// The result of looking for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextHead {
    /// A request. If it has a fault, the request contains it.
    Request,
    /// The connection is over.
    End,
    /// Nothing yet, or not all of it.
    Later,
    /// As much as one turn may read; there may be more.
    Enough,
}

/// How much of a body was read or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    All,
    /// As much as has arrived.
    Some,
    /// As much as one turn may read; there may be more.
    Enough,
}

/// The head.
impl ConnectionIo {
    /// Whether the TLS handshake is still under way.
    pub(crate) fn is_in_handshake(&self) -> bool {
        self.link.wire.is_in_handshake()
    }

    /// Looks for input of the first request.
    pub(crate) fn look_for_input(&mut self) -> NextHead {
        if !self.input.buffer.is_empty() {
            return NextHead::Request;
        }
        match self.input.fill(&mut *self.link.wire) {
            Ok(0) => NextHead::End,
            Ok(_) => {
                self.input.spend();
                // The handshake is done.
                self.deadlines.met();
                NextHead::Request
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.mind_silence();
                self.later()
            }
            Err(_) => NextHead::End,
        }
    }

    /// Parses the next head as far as it has come.
    #[inline]
    pub(crate) fn next_head(&mut self, request: &mut Request, phase: &mut Phase) -> NextHead {
        // The response could not be sent.
        if !self.output.is_open() {
            return NextHead::End;
        }
        loop {
            match self.input.parse(request) {
                Ok(Progress::Done) => return self.take_head(request, self.link.wire.fault()),
                Err(fault) => return self.take_head(request, Some(fault)),
                Ok(Progress::NeedMore) => {}
            }
            if self.input.ended {
                return match self.input.parse_end(request) {
                    Ok(AtEnd::Done) => self.take_head(request, None),
                    Err(fault) => self.take_head(request, Some(fault)),
                    Ok(AtEnd::Nothing) => NextHead::End,
                };
            }
            // Empty lines before the request start its deadline: they must not keep a connection open without end. But they
            // are not a request that needs a response (RFC 9112 section 2.2).
            let is_empty = self.input.buffer.is_empty();
            if *phase == Phase::Idle && !is_empty {
                self.deadlines.require_within(self.link.bounds.head_timeout, self.link.clock());
                if self.input.has_begun() {
                    phase.happens(Event::Begun);
                }
            }
            // If nothing has arrived, there is exactly one read.
            if !is_empty && self.input.has_spent_turn(self.link.clock()) {
                return NextHead::Enough;
            }
            let is_first = *phase == Phase::Idle && is_empty;
            match self.input.fill(&mut *self.link.wire) {
                Ok(count) => {
                    self.input.ended = count == 0;
                    self.input.spend();
                    // The handshake is done.
                    if is_first {
                        self.deadlines.met();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if is_first {
                        self.mind_silence();
                    }
                    return self.later();
                }
                Err(_) => return NextHead::End,
            }
        }
    }

    /// After a read that gave nothing. If it has left something, the connection must not be taken for one that is idle or late.
    fn later(&self) -> NextHead {
        if self.link.wire.has_rest() { NextHead::Enough } else { NextHead::Later }
    }

    /// The previous request is complete: prepares for the next one.
    #[inline]
    pub(crate) fn await_next(&mut self) {
        self.input.await_head();
        // By the time an idle connection is closed, the client has long received that response.
        self.is_persistent = false;
        self.output.sent = 0;
        self.deadlines.met();
        self.link.wire.begin_idle();
    }

    /// A handshake has one deadline, however slowly it trickles in, and so does an idle connection.
    fn mind_silence(&mut self) {
        if self.link.wire.is_in_handshake() {
            self.deadlines.require_within(self.link.bounds.handshake_timeout, self.link.clock());
            return;
        }
        self.deadlines.met();
        self.link.mind_silence();
    }

    /// Gives up an incomplete head, so that the client can be answered.
    pub(crate) fn give_up_head(&mut self, request: &mut Request) {
        self.expect_more();
        // For the log, as far as it has arrived.
        self.take_head(request, None);
    }

    #[inline]
    fn take_head(&mut self, request: &mut Request, fault: Option<Fault>) -> NextHead {
        self.input.take_head(request, fault);
        if fault.is_some() {
            self.expect_more();
        }
        NextHead::Request
    }
}

/// The body.
impl ConnectionIo {
    /// The client waits for `100 Continue`, which is sent at the first read of the body.
    pub(crate) fn continue_on_read(&mut self) {
        self.input.waits_for_continue = self.has_body();
    }

    /// The length of the rest of the body, if it was declared.
    pub(crate) fn declared(&self) -> Option<u64> {
        self.input.declared()
    }

    /// Whether there is unread body.
    #[inline]
    pub(crate) fn has_body(&self) -> bool {
        self.input.has_body()
    }

    /// Whether the whole body was read without an error.
    pub(crate) fn is_body_over(&self) -> bool {
        self.errors.first().is_none() && !self.has_body()
    }

    /// The trailer fields of a chunked body, after it was read to its end.
    pub(crate) fn trailers(&self) -> Headers {
        self.input.trailers()
    }

    /// Ends HTTP on this connection: all further input is for the handler.
    pub(crate) fn open_tunnel(&mut self) {
        if self.input.open_tunnel() {
            // There is no total time for it.
            self.deadlines.lift_totals(true, true);
        }
    }

    /// Whether this is no longer HTTP.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.input.is_tunnel()
    }

    /// Records that the handler gets the connection as a stream. False if it already has it.
    pub(crate) fn hand_over(&mut self) -> bool {
        self.input.hand_over()
    }

    /// The handler refuses the body, or it is too large, so the next request cannot be found.
    pub(crate) fn refuse_body(&mut self, status: HTTPStatus) {
        self.errors.record(ConnectionError::Body(status));
        self.response.must_close();
    }

    /// The fault in the body's framing, as far as it was read.
    pub(crate) fn body_fault(&self) -> Option<Fault> {
        match self.errors.first() {
            Some(ConnectionError::Fault(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Reads decoded body bytes. `Ok(0)` is the end of the body.
    pub(crate) fn read_body(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.read_next(out)?;
        // A client that has sent its body does not wait for `100 Continue`.
        self.input.waits_for_continue &= count == 0;
        Ok(count)
    }

    /// Like [`read_body`](Self::read_body), for a body of declared length, but returns `None` instead of waiting for the
    /// client. The client's deadline still applies.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn read_body_now(&mut self, out: &mut [u8]) -> io::Result<Option<usize>> {
        if self.declared().is_some() && self.input.buffer.is_empty() && self.errors.first().is_none() {
            self.link.wire.await_body();
            match self.input.fill(&mut *self.link.wire) {
                Ok(count) => self.deadlines.received(count, self.link.clock()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.prepare_to_wait()?;
                    self.deadlines.await_input(self.link.clock());
                    if !self.deadlines.input_left(self.link.clock()).is_zero() {
                        return Ok(None);
                    }
                }
                // The next read finds the error again.
                Err(_) => {}
            }
        }
        self.read_body(out).map(Some)
    }

    fn read_next(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        match self.errors.first() {
            Some(ConnectionError::Fault(fault)) => return Err(faulty(fault)),
            Some(ConnectionError::ClientGone) => return Err(gone()),
            _ => {}
        }
        match self.input.reads() {
            Reads::Nothing => Ok(0),
            Reads::Bytes(left) => {
                let room = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
                let count = self.read_bytes(out.get_mut(..room).unwrap_or_default())?;
                self.input.count(count);
                Ok(count)
            }
            Reads::Frames => loop {
                match self.input.read_frames(out) {
                    Ok(Some(count)) => return Ok(count),
                    Ok(None) => self.need_input()?,
                    Err(fault) => return Err(self.fault(fault)),
                }
            },
        }
    }

    /// Appends what has arrived of the body, up to `most` bytes. Appends nothing if copying is not enough.
    pub(crate) fn append_body(&mut self, out: &mut Vec<u8>, most: usize) -> usize {
        if self.errors.first().is_some() {
            return 0;
        }
        let count = self.input.append(out, most);
        self.input.waits_for_continue &= count == 0;
        count
    }

    /// Reads the next bytes of the input, at least one.
    fn read_bytes(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.input.buffer.is_empty() && out.len() >= DIRECT {
            return self.receive(|io| io.link.wire.read(out));
        }
        self.need_input()?;
        Ok(self.input.take_bytes(out))
    }

    /// Waits until there is input.
    fn need_input(&mut self) -> io::Result<()> {
        if self.input.buffer.is_empty() {
            self.receive(|io| io.input.fill(&mut *io.link.wire))?;
        }
        Ok(())
    }

    /// Reads body bytes from the wire, at least one, and waits for them.
    fn receive(&mut self, mut read: impl FnMut(&mut Self) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match read(self) {
                Ok(0) => {
                    self.input.ended = true;
                    if self.is_cut() {
                        return Err(self.fail(io::ErrorKind::ConnectionAborted.into(), ""));
                    }
                    // Without HTTP, the end of the connection is a normal end.
                    if self.is_tunnel() {
                        return Ok(0);
                    }
                    return Err(self.fault(Fault::IncompleteBody));
                }
                Ok(count) => {
                    self.deadlines.received(count, self.link.clock());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.prepare_to_wait()?;
                    self.deadlines.await_input(self.link.clock());
                    let timeout = self.deadlines.input_left(self.link.clock());
                    if let Err(error) = self.wait_for_input(timeout) {
                        let setting = self.deadlines.input_setting();
                        // The handler may try again.
                        self.deadlines.stop_input(self.link.clock());
                        return Err(self.fail(error, setting));
                    }
                }
                Err(error) => return Err(self.fail(error, self.deadlines.input_setting())),
            }
        }
    }

    /// Called before the handler waits for the client. The client may itself be waiting: for the interim response that it
    /// asked for, or for what the handler has written of its response (Python's `wfile` has no buffer).
    fn prepare_to_wait(&mut self) -> io::Result<()> {
        if self.input.waits_for_continue {
            self.input.waits_for_continue = false;
            if !self.response.is_committed() {
                self.send_ready()?;
                self.write_wire(CONTINUE)?;
            }
        }
        // Responses to earlier requests may be ready, too.
        if self.response.has_news() { self.flush() } else { self.send_ready() }
    }

    /// Reads what has arrived of a short body, or of the beginning of a long one, so that no handler and no thread waits for
    /// it.
    pub(crate) fn gather(&mut self) -> BodyProgress {
        if self.errors.first().is_some() {
            return BodyProgress::All;
        }
        loop {
            if self.input.gather(self.link.bounds.gather) {
                return BodyProgress::All;
            }
            if self.input.has_spent_turn(self.link.clock()) {
                return BodyProgress::Enough;
            }
            match self.input.fill(&mut *self.link.wire) {
                Ok(count @ 1..) => {
                    self.input.spend();
                    self.deadlines.received(count, self.link.clock());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.deadlines.await_input(self.link.clock());
                    return BodyProgress::Some;
                }
                // The handler finds the end of the input when it continues reading.
                Ok(0) => return BodyProgress::All,
                Err(error) => {
                    self.fail(error, self.deadlines.input_setting());
                    return BodyProgress::All;
                }
            }
        }
    }

    /// Reads and drops what has arrived of an unread body. `None` if the connection cannot be kept.
    pub(crate) fn drain(&mut self) -> Option<BodyProgress> {
        if self.has_body() {
            self.deadlines.require_within_one_read(self.link.clock());
        }
        loop {
            if self.errors.are_fatal() {
                return None;
            }
            if !self.has_body() {
                return Some(BodyProgress::All);
            }
            if self.input.drained() > self.link.bounds.drain {
                return None;
            }
            if self.input.is_dry() {
                if self.input.has_spent_turn(self.link.clock()) {
                    return Some(BodyProgress::Enough);
                }
                match self.input.fill(&mut *self.link.wire) {
                    Ok(1..) => self.input.spend(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Some(BodyProgress::Some);
                    }
                    Ok(0) | Err(_) => return None,
                }
            }
            // There is input, so this does not wait; an incomplete chunk is retried.
            if let Err(fault) = self.input.drop_some() {
                self.fault(fault);
            }
        }
    }

    fn fault(&mut self, fault: Fault) -> io::Error {
        self.errors.record(ConnectionError::Fault(fault));
        self.expect_more();
        self.response.must_close();
        faulty(fault)
    }
}

/// Invites the client to send the body. A client that does not wait for it discards it (RFC 9110 section 15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn faulty(fault: Fault) -> io::Error {
    let kind = if fault == Fault::IncompleteBody {
        io::ErrorKind::UnexpectedEof
    } else {
        io::ErrorKind::InvalidData
    };
    io::Error::new(kind, fault)
}
