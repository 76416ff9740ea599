//! The response: what the handler makes of it, on its way to the wire.

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
    /// Takes back what is not committed of the response.
    pub(crate) fn abandon(&mut self) -> io::Result<()> {
        if self.response.is_committed() {
            return Err(invalid(Misuse::HeadAfterHead));
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
            // The client waits for the head before it sends anything of the other protocol.
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
        // What is held can still be decided about.
        if !self.has_body() && data.len() < DIRECT && self.response.hold(data) {
            return Ok(data.len());
        }
        self.write_on(data)
    }

    #[inline(never)]
    fn write_on(&mut self, data: &[u8]) -> io::Result<usize> {
        self.decide_about_rest();
        if self.response.drops() {
            return Ok(data.len());
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
            // What the handler does until its next write is not the client's time.
            self.deadlines.stop_room(self.link.clock());
        }
        Ok(count)
    }

    /// Takes many bytes: past the buffer, which would have to be as large.
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
                // The client has not had room for it.
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

    /// Takes many bytes for which the client has no room. False where the server has none either.
    fn keep(&mut self, bytes: &[u8]) -> bool {
        let kept = self.link.bounds.write_budget.keep(bytes, self.output.kept());
        if let Some(kept) = &kept {
            let offset = self.response.gathered();
            self.output.attached.push_back(Attached::kept(offset, kept.clone(), bytes.len()));
        }
        kept.is_some()
    }

    /// Takes many bytes, which go when those before them have gone. None where the server has no room for them.
    fn write_behind(&mut self, data: &[u8]) -> io::Result<Option<usize>> {
        // Before the framing is asked, which cannot be taken back.
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

    /// Makes bytes that stay where they are the next part of the body. They go when those before them have gone.
    pub(crate) fn attach(&mut self, source: Source, range: Range<u64>) -> io::Result<()> {
        self.decide_about_rest();
        if self.output.handed_over() >= MOST_ATTACHED {
            let text =
                format!("a response may wait for the sending of {MOST_ATTACHED} pieces of files or memory");
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

    /// Takes body bytes of the response, all of them or none, without sending them. They are a chunk of their own.
    pub(super) fn write_whole(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
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
        added.map_err(invalid)
    }

    /// Sends what the handler has written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.decide_about_rest();
        self.response.flush();
        self.send_ready()
    }

    /// Completes the response. It is ready then, and not yet sent.
    #[inline]
    pub(crate) fn finish_response(&mut self) -> Result<(), Misuse> {
        // Nobody is there, or nobody is to take the rest for a whole.
        if self.output.is_cut() || self.is_gone() {
            return Ok(());
        }
        self.decide_about_rest();
        self.response.finish()?;
        self.count_status();
        Ok(())
    }

    /// A route answers the current request, and counts its response.
    pub(crate) fn set_route(&mut self, route: Option<u16>) {
        self.output.route = route;
    }

    /// Has the response counted, once.
    pub(super) fn count_status(&mut self) {
        if self.output.counted_status == 0 {
            self.output.counted_status = self.response.status();
            self.link.wire.responded(self.output.counted_status, self.output.route);
        }
    }

    /// Completes a response about which there is nothing to tell.
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

    /// Makes 400 the response to a connection that does not begin as it has to.
    pub(crate) fn refuse_preface(&mut self) {
        self.begin_unasked();
        self.respond_plainly(Version::Http11, HTTPStatus::BAD_REQUEST, &[]);
    }

    /// Sends these bytes instead of a response, as they are, and has the connection end: for a server of tests, which breaks the
    /// protocol on purpose.
    pub(crate) fn answer_raw(&mut self, bytes: &[u8], end: Close) -> io::Result<()> {
        self.response.abandon();
        self.send_ready()?;
        let sent = self.write_wire(bytes);
        self.output.cut();
        self.closing = Some(end);
        self.response.must_close();
        sent
    }

    /// Makes 408 the response to a request that does not come to its end, without asking the handler (RFC 9110 section
    /// 15.5.9). A client that has begun none is told nothing.
    pub(crate) fn refuse_late(&mut self, phase: Phase) {
        if phase == Phase::Head {
            self.expect_more();
            self.begin_unasked();
        }
        if !self.is_idle(phase) {
            self.respond_plainly(Version::Http11, HTTPStatus::REQUEST_TIMEOUT, &[]);
        }
    }

    /// Begins a response for which there may be no request yet, only a connection.
    fn begin_unasked(&mut self) {
        self.output.counted_status = 0;
        self.output.route = None;
        self.response.begin(
            RequestTraits { version: Version::Http11, head: false, connect: false, close: true },
            true,
        );
    }

    /// Makes a response without a body that asks nothing of the handler, and is the last.
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

    /// A body that will not be read to its end leaves no way to find the next request, and the server may have been shut
    /// down since the request began. That has to be known before the head goes out, so that it can say `Connection:
    /// close`.
    #[inline]
    pub(super) fn decide_about_rest(&mut self) {
        let too_long = self.input.unread() > self.link.bounds.drain;
        let is_last = !self.response.is_committed() && self.link.wire.is_last_request();
        if is_last || too_long || (self.input.waits_for_continue && self.has_body()) {
            self.response.must_close();
        }
    }

    /// Sends what there is of the response to a handler that failed, and ends the connection so that the client cannot take
    /// it for the whole.
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
