//! Sends ready output to the wire: bytes, and what is attached between them.

use std::io::{self, IoSlice};

use super::attached::Attached;
use super::errors::ConnectionError;
#[cfg(all(feature = "cgi", unix))]
use super::reading::CONTINUE;
use super::{ConnectionIo, gone};
use crate::handler::wire::{Close, FileFault, Want, Wire};

/// The result of sending ready output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlushProgress {
    Done,
    /// The client has no room for the rest.
    NoRoom,
    /// The client has room, but other connections have waited long enough.
    Paused,
}

/// How much attached data is sent at a time: as much as a fast client takes in about half a millisecond. Then other
/// connections have their turn.
const A_TURN: u64 = 1024 * 1024;

impl ConnectionIo {
    /// Whether any output is unsent.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        self.response.gathered() > 0 || !self.output.attached.is_empty()
    }

    /// Whether any of it is in files.
    #[inline]
    pub(crate) fn has_files(&self) -> bool {
        self.output.attached.iter().any(|attached| attached.of_file().is_some())
    }

    /// Sends as much as possible without waiting.
    pub(crate) fn send_some(&mut self) -> io::Result<FlushProgress> {
        self.send_within(A_TURN)
    }

    /// Like [`send_some`](Self::send_some), with at most this many bytes of attached data.
    pub(crate) fn send_within(&mut self, mut budget: u64) -> io::Result<FlushProgress> {
        if self.output.is_dead() {
            return Err(gone());
        }
        // Counts bytes of the buffer. Attached bytes are counted as they are sent.
        let mut written = 0;
        let sent = loop {
            let ready = self.response.ready();
            let next = self.output.attached.front();
            let offset = next.map_or(usize::MAX, |next| next.offset);
            let before = ready.get(written..ready.len().min(offset)).unwrap_or_default();
            let behind = next.map_or(&[][..], |next| next.in_memory(budget));
            match next {
                None if before.is_empty() => break self.link.wire.flush().map(|()| FlushProgress::Done),
                Some(_) if before.is_empty() && budget == 0 => break Ok(FlushProgress::Paused),
                Some(_) if before.is_empty() && behind.is_empty() => match self.send_file(budget) {
                    Ok(count) => budget = budget.saturating_sub(count as u64),
                    Err(FileFault::Wire(error)) => break Err(error),
                    Err(FileFault::File(error)) => {
                        self.output.took(written, &mut self.response);
                        return Err(self.cut_by_file(error));
                    }
                },
                _ => match write_both(&mut *self.link.wire, before, behind) {
                    Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        let of_buffer = count.min(before.len());
                        written += of_buffer;
                        budget = budget.saturating_sub(self.took_attached(count - of_buffer));
                    }
                    Err(error) => break Err(error),
                },
            }
        };
        self.output.took(written, &mut self.response);
        if written > 0 {
            self.deadlines.taken(written, self.link.clock());
        }
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.deadlines.await_room(self.link.clock());
                Ok(FlushProgress::NoRoom)
            }
            sent => sent.map_err(|error| self.unwritable(error)),
        }
    }

    /// The same, for a thread that does not own the connection, while a handler runs. The owning thread finds the result.
    pub(super) fn send_for_another(&mut self) {
        // A file may be on a slow disk.
        let _ = self.send_within(0);
        // Until then the client cannot show that it has room.
        self.deadlines.stop_room(self.link.clock());
    }

    /// Sends some of the next attached file.
    fn send_file(&mut self, budget: u64) -> Result<usize, FileFault> {
        let count = match self.output.attached.front().and_then(Attached::of_file) {
            Some((file, position, left)) => self.link.wire.send_file(file, position, left.min(budget))?,
            None => 0,
        };
        if count == 0 {
            return Err(FileFault::File(io::ErrorKind::UnexpectedEof.into()));
        }
        self.took_attached(count);
        Ok(count)
    }

    /// The client has taken this many bytes of the first attachment.
    fn took_attached(&mut self, count: usize) -> u64 {
        if count > 0 {
            self.output.took_attached(count);
            self.deadlines.taken(count, self.link.clock());
        }
        count as u64
    }

    /// A file is shorter than when its length was declared, or cannot be read: the missing bytes cannot be replaced.
    #[cold]
    fn cut_by_file(&mut self, error: io::Error) -> io::Error {
        let left = self.output.left();
        self.errors.record(ConnectionError::File { left, kind: error.kind() });
        self.output.die();
        self.closing = Some(Close::Reset);
        self.response.must_close();
        error
    }

    /// Sends the ready bytes, and after them as much of `rest` as possible without waiting. Returns how many bytes of `rest`
    /// were sent.
    pub(super) fn send_with(&mut self, rest: &[u8]) -> io::Result<usize> {
        let ready = self.response.ready();
        let len = ready.len();
        if len > 0 && !rest.is_empty() && !self.output.is_dead() {
            let written = self.link.wire.write_vectored(&[IoSlice::new(ready), IoSlice::new(rest)]);
            let count = self.count_written(written)?;
            self.output.took(count.min(len), &mut self.response);
            if count > len {
                self.output.sent += (count - len) as u64;
                return Ok(count - len);
            }
        }
        if self.send_some()? == FlushProgress::Done { self.write_some(rest) } else { Ok(0) }
    }

    /// Sends all that is ready, and waits for the client to take it.
    pub(crate) fn send_ready(&mut self) -> io::Result<()> {
        loop {
            match self.send_some()? {
                FlushProgress::Done => return Ok(()),
                FlushProgress::NoRoom => self.wait_for_room()?,
                FlushProgress::Paused => {}
            }
        }
    }

    pub(super) fn wait_for_room(&mut self) -> io::Result<()> {
        self.deadlines.await_room(self.link.clock());
        let timeout = self.room_left();
        self.link.wire.wait(Want::Room, timeout).map_err(|error| self.unwritable(error))
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

    /// Sends something that a waiting client discards, and that the system of a client that has gone answers with a reset.
    /// False if nothing can be sent: to an HTTP/1.0 client, and in the middle of a response.
    #[cfg(all(feature = "cgi", unix))]
    pub(crate) fn probe(&mut self) -> io::Result<bool> {
        if !self.response.ready().is_empty() || !self.output.attached.is_empty() {
            // Part of a response is on its way.
            return Ok(true);
        }
        if !self.response.takes_interim() {
            return Ok(false);
        }
        self.input.waits_for_continue = false;
        // If there is no room, something is already on its way.
        match self.write_some(CONTINUE)? {
            0 => Ok(true),
            count => self.write_wire(CONTINUE.get(count..).unwrap_or_default()).map(|()| true),
        }
    }

    /// Writes as much as possible without waiting, past the buffer.
    pub(super) fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let written = self.link.wire.write(bytes);
        let count = self.count_written(written)?;
        self.output.sent += count as u64;
        Ok(count)
    }

    /// How many bytes were written; 0 if the client must be waited for.
    fn count_written(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Ok(0) => Err(self.unwritable(io::ErrorKind::WriteZero.into())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Ok(count) => {
                self.deadlines.taken(count, self.link.clock());
                Ok(count)
            }
            Err(error) => Err(self.unwritable(error)),
        }
    }

    /// Gives up output that the client does not take.
    pub(crate) fn give_up_output(&mut self) {
        if !self.output.is_dead() {
            self.unwritable(io::ErrorKind::TimedOut.into());
        }
    }

    /// After a failed write, nothing later can be sent: a response must not have gaps.
    #[cold]
    pub(super) fn unwritable(&mut self, error: io::Error) -> io::Error {
        self.output.die();
        self.closing = Some(Close::Reset);
        self.fail(error, self.deadlines.room_setting())
    }
}

/// Writes two pieces, one of which may be empty, in one call.
fn write_both(wire: &mut dyn Wire, first: &[u8], second: &[u8]) -> io::Result<usize> {
    match (first, second) {
        (first, []) => wire.write(first),
        ([], second) => wire.write(second),
        _ => wire.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use crate::handler::clock::Clock;
    use crate::handler::connection_io::{Bounds, DIRECT, SharedIo};
    use crate::handler::wire::Level;
    use crate::proto::framing::Body;
    use crate::proto::request_line::Version;
    use crate::proto::response::RequestTraits;
    use crate::proto::status::HTTPStatus;

    /// Takes this many bytes at once, and nothing every other time.
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

        fn log(&mut self, _line: &str, _level: Level) -> bool {
            false
        }
    }

    #[test]
    fn a_head_and_a_large_body_arrive_whole_however_little_the_client_takes_at_once() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n";
        let body: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        for width in [20, head.len() - 1, head.len(), head.len() + 1, 1000, 100_000, 300_000] {
            let taken = Arc::new(Mutex::new(Vec::new()));
            let wire = Narrow { width, is_full: false, taken: taken.clone() };
            let shared = SharedIo::new(Box::new(wire), Arc::default());
            let mut io = shared.lock();
            let traits =
                RequestTraits { version: Version::Http11, head: false, connect: false, close: false };
            io.begin(traits, false, true, Body::None);
            io.response.status_line(Version::Http11, HTTPStatus::OK, "OK");
            io.response.field("Content-Length", "200000");
            io.end_head().unwrap();
            assert_eq!(io.write(&body).unwrap(), body.len());
            io.finish_response().unwrap();
            io.send_ready().unwrap();
            assert_eq!(io.output.sent, (head.len() + body.len()) as u64, "{width}");
            let taken = taken.lock().unwrap();
            assert!(taken.concat() == [&head[..], &body].concat(), "{width}");
            assert_eq!(taken.len() == 1, width > head.len() + body.len(), "in one call where that goes");
        }
    }

    /// Pages that are kept, and more than may be kept after them.
    #[test]
    fn large_writes_arrive_whole_and_in_order_and_no_more_is_kept_than_may_be() {
        let sizes = [400_000, 3_000_000, 20_000, 100, 900_000, 900_000];
        let body: Vec<u8> = (0..=250).cycle().take(sizes.iter().sum()).collect();
        for width in [700, 100_000] {
            let taken = Arc::new(Mutex::new(Vec::new()));
            let wire = Narrow { width, is_full: false, taken: taken.clone() };
            let shared = SharedIo::new(Box::new(wire), Arc::default());
            let mut io = shared.lock();
            let traits =
                RequestTraits { version: Version::Http11, head: false, connect: false, close: false };
            io.begin(traits, false, true, Body::None);
            io.response.status_line(Version::Http11, HTTPStatus::OK, "OK");
            io.response.field("Content-Length", &body.len().to_string());
            io.end_head().unwrap();
            let mut at = 0;
            for size in sizes {
                assert_eq!(io.write(&body[at..at + size]).unwrap(), size);
                at += size;
                assert!(io.output.kept() <= 1 << 20, "{}", io.output.kept());
                assert!(io.response.gathered() <= 64 * 1024, "{}", io.response.gathered());
            }
            io.finish_response().unwrap();
            io.send_ready().unwrap();
            assert!(taken.lock().unwrap().concat().ends_with(&body), "{width}");
        }
    }

    #[test]
    fn nothing_is_kept_for_head() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        // The wire is full at first.
        let wire = Narrow { width: 20, is_full: true, taken: taken.clone() };
        let bounds = Bounds { high_water: 0, ..Bounds::default() };
        let shared = SharedIo::new(Box::new(wire), Arc::new(bounds));
        let mut io = shared.lock();
        let traits = RequestTraits { version: Version::Http11, head: true, connect: false, close: false };
        io.begin(traits, false, true, Body::None);
        io.response.status_line(Version::Http11, HTTPStatus::OK, "OK");
        io.response.field("Content-Length", "100000");
        io.end_head().unwrap();
        io.write(&vec![b'x'; 100_000]).unwrap();
        io.finish_response().unwrap();
        io.send_ready().unwrap();
        let taken = taken.lock().unwrap().concat();
        assert_eq!(taken, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    }

    #[test]
    fn what_a_handler_does_between_two_writes_does_not_use_up_its_clients_time() {
        for piece in [100, DIRECT] {
            let wire = Narrow { width: 10, is_full: false, taken: Arc::default() };
            let bounds = Bounds { hold: 0, ..Bounds::default() };
            let shared = SharedIo::new(Box::new(wire), Arc::new(bounds));
            let mut io = shared.lock();
            let traits =
                RequestTraits { version: Version::Http11, head: false, connect: false, close: false };
            io.begin(traits, false, true, Body::None);
            io.response.status_line(Version::Http11, HTTPStatus::OK, "OK");
            io.end_head().unwrap();
            io.write(&vec![b'x'; piece]).unwrap();
            assert!(io.response.gathered() > 0, "the client has not taken all of it");
            assert!(!io.deadlines.awaits_room(), "{piece}");
            assert_eq!(io.send_some().unwrap(), FlushProgress::NoRoom);
            assert!(io.deadlines.awaits_room(), "when the handler has returned, it is the client's time");
            io.handler_begins();
            assert!(!io.deadlines.awaits_room(), "and that of the next handler is not");
        }
    }

    /// How long the client takes for a byte: longer than the byte earns.
    const A_BYTE: Duration = Duration::from_millis(20);

    /// Takes a byte after each wait.
    struct Trickle {
        has_waited: bool,
        is_full: Arc<AtomicBool>,
        clock: Clock,
    }

    impl Wire for Trickle {
        fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.is_full.load(Ordering::Relaxed) {
                return Ok(bytes.len());
            }
            if std::mem::take(&mut self.has_waited) { Ok(1) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            pieces.first().map_or(Ok(0), |piece| self.write(piece))
        }

        fn wait(&mut self, _want: Want, timeout: Duration) -> io::Result<()> {
            self.clock.advance(timeout.min(A_BYTE));
            self.has_waited = timeout >= A_BYTE;
            if self.has_waited { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
        }

        fn is_last_request(&self) -> bool {
            false
        }

        fn is_stopping(&self) -> bool {
            false
        }

        fn shutdown_write(&mut self) {}

        fn reset(&mut self) {}

        fn log(&mut self, _line: &str, _level: Level) -> bool {
            false
        }
    }

    /// A response that has begun, with this total time for its client.
    fn trickle(response_timeout: Duration) -> (SharedIo, Arc<AtomicBool>) {
        let is_full = Arc::new(AtomicBool::new(true));
        let clock = Clock::moved();
        let bounds =
            Bounds { hold: 0, high_water: 0, response_timeout, clock: clock.clone(), ..Bounds::default() };
        let wire = Trickle { has_waited: false, is_full: is_full.clone(), clock };
        let shared = SharedIo::new(Box::new(wire), Arc::new(bounds));
        let mut io = shared.lock();
        let traits = RequestTraits { version: Version::Http11, head: false, connect: false, close: false };
        io.begin(traits, false, true, Body::None);
        io.response.status_line(Version::Http11, HTTPStatus::OK, "OK");
        io.end_head().unwrap();
        drop(io);
        (shared, is_full)
    }

    /// Each byte sent is progress, and earns a millisecond: less than it took.
    #[test]
    fn bytes_that_trickle_out_do_not_renew_the_time_for_the_whole() {
        let (shared, _) = trickle(Duration::from_millis(100));
        let mut io = shared.lock();
        let error = io.write(&[b'x'; 2000]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(io.missed_deadline(), Some("response_timeout"));
        assert!(io.output.sent > 0, "bytes went");
    }

    #[test]
    fn what_the_watchdog_tries_to_send_does_not_use_up_the_clients_time() {
        let (shared, is_full) = trickle(Duration::from_millis(50));
        is_full.store(false, Ordering::Relaxed);
        shared.lock().response.write(b"gathered").unwrap();
        shared.lock().response.flush();
        shared.lock().handler_begins();
        is_full.store(true, Ordering::Relaxed);
        shared.try_send();
        assert!(!shared.lock().deadlines.awaits_room(), "a handler runs");
    }
}
