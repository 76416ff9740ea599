//! All that a handler may ask of the outside.

use std::io;
use std::time::{Duration, SystemTime};

/// The other end of a connection, the clock and the log. A TCP connection is one, and so is
/// [`Memory`](crate::testing) for tests.
pub(crate) trait Wire: Send {
    /// Reads what has come, and waits while nothing has. `Ok(0)` is the end of the input.
    /// [`TimedOut`](io::ErrorKind::TimedOut) when the deadline of the phase has passed.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some bytes, and waits while none can go.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Says what the connection is about to wait for: each phase has its own deadline.
    fn enter(&mut self, phase: Phase);

    /// The deadline for one read or write that the handler asks for instead of the server's.
    fn set_timeout(&mut self, timeout: Duration);

    /// Whether the connection has to end after the reply that is being made.
    fn is_last_request(&self) -> bool;

    /// Ends the connection.
    fn close(&mut self, how: Close);

    /// The time, for `Date` and log lines.
    fn now(&self) -> SystemTime;

    /// Takes a line for the log, with its line end.
    fn log(&mut self, line: &str);
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of a head.
    Head,
    /// The body, and room for the reply.
    Exchange,
    /// The rest of a body that nobody has read.
    Drain,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// Everything is sent, and everything that was received is read.
    Plain,
    /// There is input that nobody will read, or more of it may come. It is waited for and dropped, within bounds:
    /// closing at once would make the system send a reset, and the reset takes the reply away from the client (RFC 9112
    /// section 9.6).
    Linger,
    /// With a reset, so that the client does not take a truncated reply for a whole one.
    Reset,
}
