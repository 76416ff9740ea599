//! The reply: what the handler makes of it, on its way to the wire.

use std::io::{self, IoSlice};

use super::incoming::Incoming;
use super::{DIRECT, Exchange, Output, Settled, Trouble, gone};
use crate::handler::wire::{Close, Want};
use crate::proto::mistake::Mistake;
use crate::proto::reply::{Asked, Ended};
use crate::proto::request_line::Version;
use crate::proto::status::HTTPStatus;

impl Exchange {
    /// Takes back what is not committed of the reply.
    pub(crate) fn abandon(&mut self) -> io::Result<()> {
        if self.reply.is_committed() {
            return Err(misuse(Mistake::HeadAfterHead));
        }
        self.reply.abandon();
        Ok(())
    }

    /// Ends a head. An interim response is sent at once.
    #[inline]
    pub(crate) fn end_head(&mut self) -> io::Result<()> {
        match self.reply.end_head().map_err(misuse)? {
            Ended::Interim(status) => {
                self.waits_for_continue &= status != HTTPStatus::CONTINUE.code();
                self.send_ready()
            }
            // The client waits for the head before it sends anything of the other protocol.
            Ended::Final if self.reply.is_tunnel() => {
                self.open_tunnel();
                self.flush()
            }
            Ended::Final => Ok(()),
        }
    }

    /// Takes body bytes of the reply.
    #[inline]
    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // What is held can still be decided about.
        if !self.has_body() && data.len() < DIRECT && self.reply.hold(data) {
            return Ok(data.len());
        }
        self.write_on(data)
    }

    #[inline(never)]
    fn write_on(&mut self, data: &[u8]) -> io::Result<usize> {
        self.decide_about_rest();
        if data.len() >= DIRECT && !self.reply.would_hold(data.len()) {
            return self.write_direct(data);
        }
        let count = self.reply.write(data).map_err(|mistake| self.refused(mistake))?;
        let waiting = self.reply.gathered().saturating_sub(self.unsent);
        if self.reply.is_committed() && waiting >= self.line.bounds.hold {
            self.reply.flush();
            while !self.pump()? && self.reply.gathered() > self.line.bounds.high_water {
                self.wait_for_room()?;
            }
            // What the handler does until its next write is not the client's time.
            self.taking.stop();
        }
        Ok(count)
    }

    fn write_direct(&mut self, data: &[u8]) -> io::Result<usize> {
        let (count, on_wire) =
            self.reply.begin_direct(data.len()).map_err(|mistake| self.refused(mistake))?;
        let mut rest = data.get(..count).filter(|_| on_wire).unwrap_or_default();
        loop {
            let sent = self.pump_with(rest)?;
            rest = rest.get(sent..).unwrap_or_default();
            if self.reply.gathered() + rest.len() <= self.line.bounds.high_water {
                self.reply.keep(rest);
                // The client has not had room for it.
                self.unsent = self.reply.gathered();
                break;
            }
            if sent == 0 {
                self.wait_for_room()?;
            }
        }
        self.taking.stop();
        self.reply.end_direct();
        Ok(count)
    }

    /// Sends what the handler has written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.decide_about_rest();
        self.reply.flush();
        self.send_ready()
    }

    /// Completes the reply. It is ready then, and not yet sent.
    #[inline]
    pub(crate) fn finish_reply(&mut self) -> Result<(), Mistake> {
        // Nobody is there, or nobody is to take the rest for a whole.
        if self.output == Output::Cut || self.trouble == Some(Trouble::ClientGone) {
            return Ok(());
        }
        self.decide_about_rest();
        self.reply.finish()
    }

    /// Completes a reply about which there is nothing to tell.
    #[inline]
    pub(crate) fn finish_well(&mut self) -> Option<Settled> {
        let reply_is_good = self.finish_reply().is_ok()
            && self.reply.mistake().is_none()
            && self.reply.surplus().is_none()
            && self.news.is_none();
        if !reply_is_good {
            return None;
        }
        let has_rest = self.has_body() || self.is_troubled() || self.is_full();
        Some(match (self.reply.close(), has_rest) {
            (true, _) => Settled::Over,
            (false, true) => Settled::Rest,
            (false, false) => Settled::Complete,
        })
    }

    /// Makes 503 the reply, without asking the handler (RFC 9110 section 15.6.4).
    pub(crate) fn refuse(&mut self) {
        self.begin_unasked();
        self.reply_plainly(Version::Http11, HTTPStatus::SERVICE_UNAVAILABLE, &[("Retry-After", "1")]);
    }

    /// Makes 408 the reply to a request that does not come to its end, without asking the handler (RFC 9110 section
    /// 15.5.9). A client that has begun none is told nothing.
    pub(crate) fn refuse_late(&mut self) {
        if self.is_in_head() {
            self.expect_more();
            self.begin_unasked();
        }
        if !self.is_idle() {
            self.reply_plainly(Version::Http11, HTTPStatus::REQUEST_TIMEOUT, &[]);
        }
    }

    /// Begins a reply for which there may be no request yet, only a connection.
    fn begin_unasked(&mut self) {
        self.reply.begin(Asked { version: Version::Http11, head: false, connect: false, close: true }, true);
    }

    /// Makes a reply without a body that asks nothing of the handler, and is the last.
    pub(crate) fn reply_plainly(&mut self, protocol: Version, status: HTTPStatus, fields: &[(&str, &str)]) {
        self.reply.abandon();
        self.reply.status_line(protocol, status, status.phrase().unwrap_or_default());
        for (name, value) in fields {
            self.reply.field(name, value);
        }
        self.reply.field("Connection", "close");
        // Nothing in this head can be refused.
        let _ = self.reply.end_head();
        let _ = self.reply.finish();
    }

    /// A body that will not be read to its end leaves no way to find the next request, and the server may have been shut
    /// down since the request began. That has to be known before the head goes out, so that it can say `Connection:
    /// close`.
    #[inline]
    fn decide_about_rest(&mut self) {
        let unread = match &self.body {
            Incoming::Length(left) => *left,
            Incoming::Gathered(decoded) => decoded.data().len() as u64,
            // Nobody knows how long it is.
            Incoming::Chunked { .. } | Incoming::Everything | Incoming::None => 0,
        };
        let too_long = unread > self.line.bounds.drain;
        let is_last = !self.reply.is_committed() && self.line.wire.is_last_request();
        if is_last || too_long || (self.waits_for_continue && self.has_body()) {
            self.reply.must_close();
        }
    }

    /// Sends what can go without waiting. `Ok(false)` if some of it must wait.
    pub(crate) fn pump(&mut self) -> io::Result<bool> {
        if self.output == Output::Dead {
            return Err(gone());
        }
        let mut written = 0;
        let sent = loop {
            match self.reply.ready().get(written..) {
                None | Some([]) => break Ok(true),
                Some(rest) => match self.line.wire.write(rest) {
                    Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => written += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(false),
                    Err(error) => break Err(error),
                },
            }
        };
        self.took(written);
        if written > 0 {
            self.taking.earn(written);
        }
        if matches!(sent, Ok(false)) {
            self.taking.wait();
        }
        sent.map_err(|error| self.unwritable(error))
    }

    /// The client has taken some of what is ready.
    fn took(&mut self, count: usize) {
        self.reply.sent(count);
        self.sent += count as u64;
        self.unsent = self.reply.gathered();
    }

    /// Sends what is ready, and behind it what goes without waiting of `rest`, of which it returns the count.
    fn pump_with(&mut self, rest: &[u8]) -> io::Result<usize> {
        let ready = self.reply.ready();
        let len = ready.len();
        if len > 0 && !rest.is_empty() && self.output != Output::Dead {
            let written = self.line.wire.write_vectored(&[IoSlice::new(ready), IoSlice::new(rest)]);
            let count = self.count_written(written)?;
            self.took(count.min(len));
            if count > len {
                self.sent += (count - len) as u64;
                return Ok(count - len);
            }
        }
        if self.pump()? { self.write_some(rest) } else { Ok(0) }
    }

    /// Sends all that is ready, and waits for the client to take it.
    pub(crate) fn send_ready(&mut self) -> io::Result<()> {
        while !self.pump()? {
            self.wait_for_room()?;
        }
        Ok(())
    }

    fn wait_for_room(&mut self) -> io::Result<()> {
        self.taking.wait();
        let timeout = self.room_patience();
        self.line.wire.wait(Want::Room, timeout).map_err(|error| self.unwritable(error))
    }

    pub(super) fn write_wire(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write_some(bytes)? {
                0 => self.wait_for_room()?,
                count => bytes = bytes.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Writes what goes without waiting, past the buffer.
    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let written = self.line.wire.write(bytes);
        let count = self.count_written(written)?;
        self.sent += count as u64;
        Ok(count)
    }

    /// How many bytes a write has written; none where the client has to be waited for.
    fn count_written(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Ok(0) => Err(self.unwritable(io::ErrorKind::WriteZero.into())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Ok(count) => {
                self.taking.earn(count);
                Ok(count)
            }
            Err(error) => Err(self.unwritable(error)),
        }
    }

    /// Gives up what the client does not take.
    pub(crate) fn give_up_output(&mut self) {
        if self.output != Output::Dead {
            self.unwritable(io::ErrorKind::TimedOut.into());
        }
    }

    /// Sends what there is of the reply to a handler that failed, and ends the connection so that the client cannot take
    /// it for the whole.
    pub(crate) fn cut(&mut self) {
        // A dead output stays dead, and its connection is reset.
        if self.output != Output::Dead && self.reply.is_committed() && !self.reply.is_complete() {
            self.reply.flush();
            self.output = Output::Cut;
            self.ending = Some(if self.reply.ends_with_connection() { Close::Reset } else { Close::Linger });
        }
        self.reply.must_close();
    }

    /// What cannot be written now will not be written later: a reply has no gaps.
    #[cold]
    fn unwritable(&mut self, error: io::Error) -> io::Error {
        self.output = Output::Dead;
        self.ending = Some(Close::Reset);
        let deadline = if self.taking.is_used_up() { "reply_timeout" } else { "write_timeout" };
        self.failed(error, deadline)
    }

    #[cold]
    fn refused(&mut self, mistake: Mistake) -> io::Error {
        if mistake == Mistake::BodyForHead {
            self.record(Trouble::HeadAnswered);
            return io::Error::new(io::ErrorKind::BrokenPipe, mistake);
        }
        misuse(mistake)
    }
}

#[cold]
pub(crate) fn misuse(mistake: Mistake) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, mistake)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::handler::exchange::{After, Bounds, Shared};
    use crate::handler::wire::Wire;
    use crate::proto::framing::Body;

    /// Takes so many bytes at once, and nothing every other time.
    struct Narrow {
        width: usize,
        is_full: bool,
        taken: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl Wire for Narrow {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            self.is_full = !self.is_full;
            if !self.is_full {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let bytes = pieces.iter().flat_map(|piece| piece.iter().copied());
            let bytes: Vec<u8> = bytes.take(self.width).collect();
            let count = bytes.len();
            self.taken.lock().unwrap().push(bytes);
            Ok(count)
        }

        fn wait(&mut self, want: Want, _timeout: Duration) -> io::Result<()> {
            assert_eq!(want, Want::Room);
            Ok(())
        }

        fn is_last_request(&self) -> bool {
            false
        }

        fn is_stopping(&self) -> bool {
            false
        }

        fn shutdown_write(&mut self) {}

        fn reset(&mut self) {}

        fn clock(&self) -> fn() -> SystemTime {
            || UNIX_EPOCH
        }

        fn log(&mut self, _line: &str) {}
    }

    #[test]
    fn a_head_and_a_large_body_arrive_whole_however_little_the_client_takes_at_once() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n";
        let body: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        for width in [20, head.len() - 1, head.len(), head.len() + 1, 1000, 100_000, 300_000] {
            let taken = Arc::new(Mutex::new(Vec::new()));
            let wire = Narrow { width, is_full: false, taken: taken.clone() };
            let shared = Shared::new(Box::new(wire), Arc::default());
            let mut exchange = shared.lock();
            let asked = Asked { version: Version::Http11, head: false, connect: false, close: false };
            exchange.begin(asked, false, After::Requests, Body::None);
            exchange.reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
            exchange.reply.field("Content-Length", "200000");
            exchange.end_head().unwrap();
            assert_eq!(exchange.write(&body).unwrap(), body.len());
            exchange.finish_reply().unwrap();
            exchange.send_ready().unwrap();
            assert_eq!(exchange.sent, (head.len() + body.len()) as u64, "{width}");
            let taken = taken.lock().unwrap();
            assert!(taken.concat() == [&head[..], &body].concat(), "{width}");
            assert_eq!(taken.len() == 1, width > head.len() + body.len(), "in one call where that goes");
        }
    }

    #[test]
    fn what_a_handler_does_between_two_writes_does_not_use_up_its_clients_time() {
        for piece in [100, DIRECT] {
            let wire = Narrow { width: 10, is_full: false, taken: Arc::default() };
            let bounds = Bounds { hold: 0, ..Bounds::default() };
            let shared = Shared::new(Box::new(wire), Arc::new(bounds));
            let mut exchange = shared.lock();
            let asked = Asked { version: Version::Http11, head: false, connect: false, close: false };
            exchange.begin(asked, false, After::Requests, Body::None);
            exchange.reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
            exchange.end_head().unwrap();
            exchange.write(&vec![b'x'; piece]).unwrap();
            assert!(exchange.reply.gathered() > 0, "the client has not taken all of it");
            assert!(!exchange.taking.is_waiting(), "{piece}");
            assert!(!exchange.pump().unwrap());
            assert!(exchange.taking.is_waiting(), "when the handler has returned, it is the client's time");
            exchange.handler_begins();
            assert!(!exchange.taking.is_waiting(), "and that of the next handler is not");
        }
    }
}
