//! A socket as the wire of a connection, with a deadline for each phase.

use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::config::Settings;
use super::listener::Stream;
use super::shutdown::Registration;
use crate::handler::wire::{Close, Phase, Wire};

pub(super) struct Socket {
    stream: Arc<Stream>,
    registration: Registration,
    idle_timeout: Duration,
    head_timeout: Duration,
    /// For one read or write of body and reply.
    io_timeout: Duration,
    /// For a phase as a whole.
    deadline: Option<Instant>,
    /// What the system has been told, to tell it again only when it changes.
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    /// Only one request is wanted of this connection.
    single: bool,
}

/// Bounds on a lingering close. A client that still uploads is read from until it stops, since a reset would take its
/// reply away; bytes are no bound, time is.
const LINGER_TIME: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(2);

impl Socket {
    pub(super) fn new(
        stream: Arc<Stream>,
        registration: Registration,
        settings: &Settings,
        single: bool,
    ) -> Self {
        Self {
            stream,
            registration,
            idle_timeout: settings.idle_timeout,
            head_timeout: settings.head_timeout,
            io_timeout: settings.io_timeout,
            deadline: None,
            read_timeout: None,
            write_timeout: None,
            single,
        }
    }

    fn allow_read(&mut self, timeout: Duration) -> io::Result<()> {
        if self.read_timeout != Some(timeout) {
            self.stream.set_read_timeout(timeout)?;
            self.read_timeout = Some(timeout);
        }
        Ok(())
    }

    fn read_within(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        if timeout.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.allow_read(timeout)?;
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(timed_out),
            }
        }
    }

    fn has_input(&self) -> bool {
        self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.read(&mut [0]), Ok(1..))
            && self.stream.set_nonblocking(false).is_ok()
    }

    /// Reads and drops what the client still sends, until it has seen the end of the reply and closes.
    fn linger(&mut self) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = Instant::now() + LINGER_TIME;
        let mut scratch = [0; 16 * 1024];
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        while let Ok(1..) = self.read_within(&mut scratch, left(deadline).min(LINGER_SILENCE)) {}
    }
}

/// A socket's own timeout is reported as `WouldBlock` on unix and as `TimedOut` on Windows.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Wire for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let timeout = match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => self.read_timeout.unwrap_or(self.io_timeout),
        };
        self.read_within(buffer, timeout)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.registration.is_cut() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.write_timeout != Some(self.io_timeout) {
            self.stream.set_write_timeout(self.io_timeout)?;
            self.write_timeout = Some(self.io_timeout);
        }
        loop {
            match self.stream.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(timed_out),
            }
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.registration.set_idle(phase == Phase::Idle);
        self.deadline = match phase {
            Phase::Head => Some(Instant::now() + self.head_timeout),
            Phase::Drain => Some(Instant::now() + self.io_timeout),
            Phase::Idle | Phase::Exchange => None,
        };
        let timeout = match phase {
            Phase::Idle => self.idle_timeout,
            Phase::Head => self.head_timeout,
            Phase::Exchange | Phase::Drain => self.io_timeout,
        };
        // A socket that does not take the timeout fails at the next read as well.
        let _ = self.allow_read(timeout);
    }

    fn set_timeout(&mut self, timeout: Duration) {
        self.io_timeout = timeout.max(Duration::from_millis(1));
        let _ = self.allow_read(self.io_timeout);
    }

    fn is_last_request(&self) -> bool {
        self.single || self.registration.is_stopping()
    }

    fn close(&mut self, how: Close) {
        // Nobody waits for this connection's next request any more; shutting down the server must not cut it short.
        self.registration.set_idle(false);
        match how {
            Close::Linger => self.linger(),
            // Bytes may have come that nobody has asked the system for.
            Close::Plain => {
                if self.has_input() {
                    self.linger();
                }
            }
            Close::Reset => {
                let _ = self.stream.reset_on_close();
            }
        }
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn log(&mut self, line: &str) {
        // In one write, so that lines of different threads do not mix. A log that cannot be written has nowhere to
        // complain to, and must not end a request.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
