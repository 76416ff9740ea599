//! The rest of a response's body, which any thread may send.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use super::connection_io::{HandleEnd, Piece};
use super::handle::Handle;
use super::payload::Payload;
use crate::sync::is_panicking;

/// The rest of a response's body, which any thread may send: what [`stream`](crate::Detach::stream) gives.
///
/// What is sent goes out at once, as a chunk of its own where the response is chunked. What the client has not taken waits in the
/// connection's buffer, up to [`write_high_water`](crate::ServerBuilder::write_high_water) bytes, and holds no thread;
/// [`write_timeout`](crate::ServerBuilder::write_timeout) and [`response_timeout`](crate::ServerBuilder::response_timeout)
/// say how long it may. Beyond that [`send`](Self::send) refuses, and [`send_within`](Self::send_within) and
/// [`Write`] wait.
///
/// Until the method returns it still owns the connection: a `send` from another thread may block while the method is writing. `send` never calls
/// your code, so you may call it with a lock held.
///
/// Dropped, it ends the response, and the connection goes on. A drop in a panic is as [`abort`](Self::abort).
#[must_use = "dropped, the response ends"]
pub struct Stream(pub(super) Handle);

impl Stream {
    /// Sends bytes, all of them or none, and does not wait. A message that is longer than `write_high_water` is taken where nothing
    /// waits before it, while the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if they have no room, [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the response is
    /// over, as after its client has gone, [`InvalidInput`](io::ErrorKind::InvalidInput) if they are more than `Content-Length`
    /// has promised, or than `write_budget`. An I/O error of the connection.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), Duration::ZERO)
    }

    /// As [`send`](Self::send), and waits for the client to make room, for so long at most. A long message for which the server has no room is
    /// refused at once.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_within(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), patience)
    }

    /// As [`send`](Self::send) for bytes that are handed over: where they are many they are not copied, so that one picture goes to
    /// any number of clients and is in memory once.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    pub fn send_bytes(&self, payload: impl Into<Payload>) -> io::Result<()> {
        self.0.send(Piece::Payload(&payload.into()), Duration::ZERO)
    }

    /// Whether nobody waits for more: the client has gone or has ended its half of the connection, or the server is being shut
    /// down. A client that has ended its half may still take what is sent.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    /// Has this called, once, when [`is_gone`](Self::is_gone) becomes true: on a thread of the server, also while nothing is being
    /// sent; where the response is over, at once, on this thread. Not where the stream was dropped before. A second call replaces the first. The closure may drop the stream, and it finishes before the connection is closed. Do not call this while you
    /// hold a lock that the closure takes.
    pub fn on_gone(&self, call: impl FnOnce() + Send + 'static) {
        self.0.on_gone(Box::new(call));
    }

    /// Ends the response so that its client cannot take it for a whole one: by the end of the connection.
    pub fn abort(self) {
        self.0.give_up(HandleEnd::Aborted);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.give_up(if is_panicking() { HandleEnd::Aborted } else { HandleEnd::Dropped });
    }
}

/// As [`send_within`](Stream::send_within) for as long as a write of the response may wait.
impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(Piece::Bytes(bytes), self.0.write_timeout()).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As that of [`&Stream`](Stream).
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// It goes to any thread, whatever the handler is made of.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Stream>();
};
