//! Takes the response from the handler, on its way to the wire.

use std::fmt;
use std::io;
use std::ops::Range;

use super::attached::{Attached, MOST_ATTACHED, Source};
use super::errors::ConnectionError;
use super::sending::FlushProgress;
use super::{ConnectionIo, DIRECT};
use crate::handler::wire::Close;
use crate::proto::connection::{Phase, Settled};
use crate::proto::misuse::Misuse;
use crate::proto::request_line::Version;
use crate::proto::response::{Ended, RequestTraits};
use crate::proto::status::HTTPStatus;

impl ConnectionIo {
    /// Takes back the response, for another one in its place.
    pub(crate) fn take_back(&mut self) -> io::Result<()> {
        if self.response.is_committed() {
            return Err(invalid(Misuse::SentAlready));
        }
        self.response.abandon();
        Ok(())
    }

    /// Ends a head. An interim response is sent at once.
    #[inline]
    pub(crate) fn end_head(&mut self) -> io::Result<()> {
        match self.response.end_head().map_err(invalid)? {
            Ended::Interim(status) => {
                self.input.waits_for_continue &= status != HTTPStatus::CONTINUE.code();
                self.send_ready()
            }
            // The client waits for the head before it uses the other protocol.
            Ended::Final if self.response.is_tunnel() => {
                self.open_tunnel();
                self.flush()
            }
            Ended::Final => Ok(()),
        }
    }

    /// Takes body bytes of the response.
    #[inline]
    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // The framing of held bytes is still open.
        if !self.has_body() && data.len() < DIRECT && self.response.hold(data) {
            return Ok(data.len());
        }
        self.write_on(data)
    }

    #[inline(never)]
    fn write_on(&mut self, data: &[u8]) -> io::Result<usize> {
        self.decide_about_rest();
        if !data.is_empty() {
            self.response.check_open().map_err(|misuse| self.refused(misuse))?;
        }
        if data.len() >= DIRECT && !self.response.would_hold(data.len()) {
            return self.write_large(data);
        }
        let count = self.response.write(data).map_err(|misuse| self.refused(misuse))?;
        let waiting = self.output.untried(&self.response);
        if self.response.is_committed() && waiting >= self.link.bounds.hold {
            self.response.flush();
            loop {
                match self.send_some()? {
                    FlushProgress::Done => break,
                    _ if self.response.gathered() <= self.link.bounds.high_water => break,
                    FlushProgress::NoRoom => self.wait_for_room()?,
                    FlushProgress::Paused => {}
                }
            }
            // The handler's time until its next write is not the client's.
            self.deadlines.stop_room(self.link.clock());
        }
        Ok(count)
    }

    /// Takes many bytes, past the buffer, which would otherwise have to be as large.
    fn write_large(&mut self, data: &[u8]) -> io::Result<usize> {
        while !self.output.attached.is_empty() {
            let progress = self.send_some()?;
            if !self.output.attached.is_empty()
                && let Some(count) = self.write_behind(data)?
            {
                self.deadlines.stop_room(self.link.clock());
                return Ok(count);
            }
            if progress == FlushProgress::NoRoom {
                self.wait_for_room()?;
            }
        }
        self.write_direct(data)
    }

    fn write_direct(&mut self, data: &[u8]) -> io::Result<usize> {
        let (count, on_wire) =
            self.response.begin_direct(data.len() as u64).map_err(|misuse| self.refused(misuse))?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut rest = data.get(..count).filter(|_| on_wire).unwrap_or_default();
        loop {
            let sent = self.send_with(rest)?;
            rest = rest.get(sent..).unwrap_or_default();
            if self.response.gathered() + rest.len() <= self.link.bounds.high_water {
                self.response.keep(rest);
                // The client had no room for it.
                self.output.has_no_room(&self.response);
                break;
            }
            if sent == 0 && !rest.is_empty() && self.keep(rest) {
                self.output.has_no_room(&self.response);
                break;
            }
            if sent == 0 {
                self.wait_for_room()?;
            }
        }
        self.deadlines.stop_room(self.link.clock());
        self.response.end_direct();
        Ok(count)
    }

    /// Keeps many bytes for which the client has no room. False if the server has no room either.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        let kept = self.link.bounds.write_budget.keep(bytes, self.output.kept());
        if let Some(kept) = &kept {
            let offset = self.response.gathered();
            self.output.attached.push_back(Attached::kept(offset, kept.clone(), bytes.len()));
        }
        kept.is_some()
    }

    /// Takes many bytes, to be sent after those before them. `None` if the server has no room for them.
    fn write_behind(&mut self, data: &[u8]) -> io::Result<Option<usize>> {
        // Before the framing is decided, which cannot be undone.
        let kept = self.link.bounds.write_budget.keep(data, self.output.kept());
        let Some(kept) = kept else { return Ok(None) };
        let (count, on_wire) =
            self.response.begin_direct(data.len() as u64).map_err(|misuse| self.refused(misuse))?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if on_wire && count > 0 {
            let offset = self.response.gathered();
            self.output.attached.push_back(Attached::kept(offset, kept, count));
        }
        self.response.end_direct();
        Ok(Some(count))
    }

    /// Attaches bytes as the next part of the body, without a copy. They are sent after those before them.
    pub(crate) fn attach(&mut self, source: Source, range: Range<u64>) -> io::Result<()> {
        self.decide_about_rest();
        if self.output.handed_over() >= MOST_ATTACHED {
            let text =
                format!("a response may have at most {MOST_ATTACHED} unsent pieces of files or memory");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let len = range.end.saturating_sub(range.start);
        if self.response.begin_file(len).map_err(|misuse| self.refused(misuse))? {
            let offset = self.response.gathered();
            self.output.attached.push_back(Attached::new(offset, source, range));
            self.response.end_direct();
        }
        Ok(())
    }

    /// Takes body bytes, all of them or none, without sending them. They form a chunk of their own.
    pub(super) fn write_whole(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        self.response.check_open().map_err(|misuse| self.refused(misuse))?;
        self.response.write_whole(data).map_err(|misuse| self.refused(misuse))?;
        self.response.flush();
        Ok(())
    }

    /// Takes a trailer field of the response.
    pub(crate) fn trailer(&mut self, name: &str, value: Result<&str, fmt::Error>) -> io::Result<()> {
        let added = match value {
            Ok(value) => self.response.trailer(name, value),
            Err(fmt::Error) => Err(self.response.unprintable_trailer(name)),
        };
        added.map_err(|misuse| self.refused(misuse))
    }

    /// Sends what the handler has written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.decide_about_rest();
        self.response.flush();
        self.send_ready()
    }

    /// Completes the response, which is then ready, but not yet sent.
    #[inline]
    pub(crate) fn finish_response(&mut self) -> Result<(), Misuse> {
        // The client has gone, or must not take the rest for a complete response.
        if self.output.is_cut() || self.is_gone() {
            return Ok(());
        }
        self.decide_about_rest();
        self.response.finish()?;
        self.count_status();
        Ok(())
    }

    /// Sets the route that answers the current request, for the counters.
    pub(crate) fn set_route(&mut self, route: Option<u16>) {
        self.output.route = route;
    }

    /// Counts the response, once.
    pub(super) fn count_status(&mut self) {
        if self.output.counted_status == 0 {
            self.output.counted_status = self.response.status();
            self.link.wire.responded(self.output.counted_status, self.output.route);
        }
    }

    /// Completes a response if there is nothing to report about it.
    #[inline]
    pub(crate) fn finish_well(&mut self) -> Option<Settled> {
        let response_is_good = self.finish_response().is_ok()
            && self.response.misuse().is_none()
            && self.response.rejected().is_none()
            && !self.errors.has_unreported();
        if !response_is_good {
            return None;
        }
        let has_rest = self.has_body() || self.errors.are_fatal() || self.is_full();
        Some(match (self.response.close(), has_rest) {
            (true, _) => Settled::Over,
            (false, true) => Settled::Rest,
            (false, false) => Settled::Complete,
        })
    }

    /// Makes 503 the response, without asking the handler (RFC 9110 section 15.6.4).
    pub(crate) fn refuse(&mut self) {
        self.begin_unasked();
        self.respond_plainly(Version::Http11, HTTPStatus::SERVICE_UNAVAILABLE, &[("Retry-After", "1")]);
    }

    /// Makes 400 the response to a connection with a wrong preface.
    pub(crate) fn refuse_preface(&mut self) {
        self.begin_unasked();
        self.respond_plainly(Version::Http11, HTTPStatus::BAD_REQUEST, &[]);
    }

    /// Sends these bytes unchanged instead of a response, and ends the connection, for a test server that deliberately breaks
    /// the protocol.
    pub(crate) fn answer_raw(&mut self, bytes: &[u8], end: Close) -> io::Result<()> {
        self.response.abandon();
        self.send_ready()?;
        let sent = self.write_wire(bytes);
        self.output.cut();
        self.closing = Some(end);
        self.response.must_close();
        sent
    }

    /// Makes 408 the response to an incomplete request, without asking the handler (RFC 9110 section 15.5.9). A client that
    /// has begun no request gets no response.
    pub(crate) fn refuse_late(&mut self, phase: Phase) {
        if phase == Phase::Head {
            self.expect_more();
            self.begin_unasked();
        }
        if !self.is_idle(phase) {
            self.respond_plainly(Version::Http11, HTTPStatus::REQUEST_TIMEOUT, &[]);
        }
    }

    /// Begins a response on a connection that may have no request yet.
    fn begin_unasked(&mut self) {
        self.output.counted_status = 0;
        self.output.route = None;
        self.response.begin(
            RequestTraits { version: Version::Http11, head: false, connect: false, close: true },
            true,
        );
    }

    /// Makes a response without a body, and without asking the handler. It is the last one.
    pub(crate) fn respond_plainly(&mut self, protocol: Version, status: HTTPStatus, fields: &[(&str, &str)]) {
        self.response.abandon();
        self.response.status_line(protocol, status, status.phrase().unwrap_or_default());
        for (name, value) in fields {
            self.response.field(name, value);
        }
        self.response.field("Connection", "close");
        // Nothing in this head can be refused.
        let _ = self.response.end_head();
        if self.response.finish().is_ok() {
            self.count_status();
        }
    }

    /// Decides whether the connection must close: if the body will not be read to its end, the next request cannot be found,
    /// and the server may be shutting down. This must be known before the head is sent, so that the head can say `Connection:
    /// close`.
    #[inline]
    pub(super) fn decide_about_rest(&mut self) {
        let too_long = self.input.unread() > self.link.bounds.drain;
        let is_last = !self.response.is_committed() && self.link.wire.is_last_request();
        if is_last || too_long || (self.input.waits_for_continue && self.has_body()) {
            self.response.must_close();
        }
    }

    /// Sends what there is of a response whose handler failed, and ends the connection so that the client cannot take it for
    /// complete.
    pub(crate) fn cut(&mut self) {
        // A dead output stays dead, and its connection is reset.
        if !self.output.is_dead() && self.response.is_committed() && !self.response.is_complete() {
            self.count_status();
            self.response.flush();
            self.link.wire.cut_short();
            self.output.cut();
            self.closing =
                Some(if self.response.ends_with_connection() { Close::Reset } else { Close::Linger });
        }
        self.response.must_close();
    }

    #[cold]
    fn refused(&mut self, misuse: Misuse) -> io::Error {
        if misuse == Misuse::BodyForHead {
            self.errors.record(ConnectionError::HeadAnswered);
            return io::Error::new(io::ErrorKind::BrokenPipe, misuse);
        }
        invalid(misuse)
    }
}

#[cold]
pub(crate) fn invalid(misuse: Misuse) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, misuse)
}
