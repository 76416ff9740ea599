//! The rest of a response's body, which any thread may send.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use super::connection_io::{HandleEnd, Piece};
use super::handle::Handle;
use super::payload::Payload;
use crate::sync::is_panicking;

/// The rest of a response's body, which any thread may send. [`stream`](crate::Detach::stream) returns it.
///
/// Bytes go out at once, as a chunk of their own if the response is chunked. What the client has not taken waits in the
/// connection's buffer, up to [`write_high_water`](crate::ServerBuilder::write_high_water) bytes, and holds no thread;
/// [`write_timeout`](crate::ServerBuilder::write_timeout) and [`response_timeout`](crate::ServerBuilder::response_timeout)
/// limit how long. When the buffer is full, [`send`](Self::send) returns an error, and [`send_within`](Self::send_within) and
/// [`Write`] wait.
///
/// Until the method returns, it still owns the connection: a `send` from another thread may block while the method is
/// writing. `send` never calls your code, so you may call it with a lock held.
///
/// Dropping it ends the response, and the connection stays usable. A drop during a panic acts like [`abort`](Self::abort).
#[must_use = "dropped, the response ends"]
pub struct Stream(pub(super) Handle);

impl Stream {
    /// Sends bytes, all of them or none, and does not wait. A message longer than `write_high_water` is accepted if nothing
    /// waits before it and the server has room for it ([`write_budget`](crate::ServerBuilder::write_budget)).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room, [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the
    /// response is over, for example because the client has gone, [`InvalidInput`](io::ErrorKind::InvalidInput) if there are
    /// more bytes than `Content-Length` declared, or more than `write_budget`. Otherwise an I/O error of the connection.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), Duration::ZERO)
    }

    /// Like [`send`](Self::send), but waits up to `patience` for the client to make room. A long message for which the server
    /// has no room is refused at once.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_within(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        self.0.send(Piece::Bytes(bytes), patience)
    }

    /// Like [`send`](Self::send), but takes ownership of the bytes: large payloads are not copied, so one picture can go to
    /// any number of clients and is in memory once.
    ///
    /// # Errors
    /// Those of [`send`](Self::send).
    pub fn send_bytes(&self, payload: impl Into<Payload>) -> io::Result<()> {
        self.0.send(Piece::Payload(&payload.into()), Duration::ZERO)
    }

    /// Whether more output is no longer wanted: the client has gone or has ended its half of the connection, or the server is
    /// shutting down. A client that has ended its half may still read what is sent.
    pub fn is_gone(&self) -> bool {
        self.0.is_gone()
    }

    /// Calls this closure once, when [`is_gone`](Self::is_gone) becomes true: on a thread of the server, even while nothing
    /// is being sent. If the response is already over, the closure runs at once, on this thread. If the stream is dropped
    /// before, it never runs. A second call replaces the first. The closure may drop the stream, and it finishes before the
    /// connection is closed. Do not call this method while you hold a lock that the closure takes.
    pub fn on_gone(&self, call: impl FnOnce() + Send + 'static) {
        self.0.on_gone(Box::new(call));
    }

    /// Ends the response by closing the connection, so that the client cannot take it for a complete one.
    pub fn abort(self) {
        self.0.give_up(HandleEnd::Aborted);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.give_up(if is_panicking() { HandleEnd::Aborted } else { HandleEnd::Dropped });
    }
}

/// Like [`send_within`](Stream::send_within), with the time that a write of the response may wait.
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

/// Like that of [`&Stream`](Stream).
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

/// It is `Send` and `Sync`, whatever the handler contains.
const _: fn() = || {
    fn goes_anywhere<T: Send + Sync>() {}
    goes_anywhere::<Stream>();
};
