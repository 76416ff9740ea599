//! A connection in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Response;
use crate::handler::clock::Clock;
use crate::handler::wire::{Level, Notifier, Others, Presence, Want, Wire};
use crate::server::alone::Notices;

/// The server's side of the connection: reads return the pieces one by one, and writes are recorded.
pub(super) struct Memory(Record);

/// A step of the client in [`run_timed`](super::run_timed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// The client sends these bytes; one read returns them.
    Bytes(Vec<u8>),
    /// The client is silent for this time on the connection's clock. The test itself does not wait.
    Pause(Duration),
}

/// The result of a [`run`](super::run).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The responses, one for each request.
    pub responses: Vec<Response>,
    /// The bytes that the server sent.
    pub output: Vec<u8>,
    /// The lines of the log.
    pub log: String,
}

/// The test's side of the connection.
#[derive(Clone)]
pub(super) struct Record {
    recorded: Arc<Mutex<Recorded>>,
    notices: Arc<Notices>,
    clock: Clock,
}

#[derive(Default)]
struct Recorded {
    /// The remaining steps of the client.
    pieces: VecDeque<Piece>,
    output: Vec<u8>,
    log: String,
    /// How long the connection must still wait for the next piece. Between two pieces it always waits and resumes, even if this
    /// is zero.
    silence: Option<Duration>,
    beginnings: Vec<Beginning>,
}

struct Beginning {
    /// The offset of the response in the output.
    start: usize,
    /// Whether the request was HEAD.
    head: bool,
    /// Whether the server ended the connection with a reset.
    was_reset: bool,
    /// Whether the server went on to wait for another request.
    stays_open: bool,
}

impl Memory {
    pub(super) fn new(pieces: impl Iterator<Item = Piece>, clock: Clock) -> (Self, Record) {
        // A read of nothing would be the end of the input.
        let pieces = pieces.filter(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
        let recorded = Recorded { pieces: pieces.collect(), ..Recorded::default() };
        let record = Record { recorded: Arc::new(Mutex::new(recorded)), notices: Arc::default(), clock };
        (Self(record.clone()), record)
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock()
    }
}

impl Recorded {
    /// Whether the client is silent now.
    fn is_silent(&mut self) -> bool {
        while let Some(Piece::Pause(time)) = self.pieces.front() {
            self.silence = Some(self.silence.unwrap_or_default().saturating_add(*time));
            self.pieces.pop_front();
        }
        self.silence.is_some()
    }

    /// Whether the client has no more bytes to send and no more pauses.
    fn has_ended(&self) -> bool {
        self.pieces.is_empty() && self.silence.is_none()
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `want`, no longer than `patience`. Returns whether `patience` is over.
    pub(super) fn is_late(&self, want: Want, patience: Duration) -> bool {
        match want {
            Want::Room => false,
            Want::Input => self.is_silent_for(patience),
            Want::Notice(others) => self.is_without_notice(others, patience),
        }
    }

    /// Lets the client's silence pass, no longer than `patience`. Returns whether the client is still silent.
    fn is_silent_for(&self, patience: Duration) -> bool {
        let mut recorded = self.lock();
        let silence = recorded.silence.unwrap_or_default();
        let left = silence.saturating_sub(patience);
        self.clock.advance(silence.min(patience));
        recorded.silence = (!left.is_zero()).then_some(left);
        !left.is_zero()
    }

    /// Waits for a notice of a handle. While the client pauses, no real time passes; after that, handles have the real time of
    /// `patience`.
    fn is_without_notice(&self, others: Others, patience: Duration) -> bool {
        if self.notices.wait(Duration::ZERO) {
            return false;
        }
        let mut recorded = self.lock();
        if recorded.is_silent() {
            drop(recorded);
            return self.is_silent_for(patience);
        }
        // The end of the input counts as input.
        if others.input || (others.end && recorded.has_ended()) {
            return false;
        }
        drop(recorded);
        let is_told = self.notices.wait(patience);
        if !is_told {
            self.clock.advance(patience);
        }
        !is_told
    }

    pub(super) fn into_run(self) -> Run {
        let mut recorded = self.lock();
        let output = std::mem::take(&mut recorded.output);
        let ends = recorded.beginnings.iter().skip(1).map(|beginning| beginning.start).chain([output.len()]);
        let responses = recorded.beginnings.iter().zip(ends);
        let responses = responses.map(|(beginning, end)| {
            let bytes = output.get(beginning.start..end).unwrap_or_default();
            let mut response = Response::parse(bytes, beginning.head);
            response.stays_open = beginning.stays_open;
            response.truncated |= beginning.was_reset;
            response
        });
        Run { responses: responses.collect(), log: recorded.log.clone(), output }
    }
}

impl Notifier for Record {
    fn notify(&self) {
        self.notices.notify();
    }

    fn wait(&self, want: Want, timeout: Duration) -> io::Result<()> {
        if self.is_late(want, timeout) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    fn clear_room(&self) {
        self.notices.clear_room();
    }

    fn wait_for_room(&self, timeout: Duration, has_sender: bool) -> io::Result<()> {
        if !has_sender || self.notices.wait_for_room(timeout) {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

impl Wire for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut recorded = self.lock();
        if recorded.is_silent() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let Some(Piece::Bytes(piece)) = recorded.pieces.front_mut() else { return Ok(0) };
        let count = piece.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), piece.get(..count)) {
            to.copy_from_slice(from);
        }
        piece.drain(..count);
        if piece.is_empty() {
            recorded.pieces.pop_front();
            recorded.silence = (!recorded.pieces.is_empty()).then_some(Duration::ZERO);
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        pieces.iter().map(|piece| self.write(piece)).sum()
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        self.0.wait(want, timeout)
    }

    fn presence(&self) -> Presence {
        if self.lock().has_ended() { Presence::Done } else { Presence::There }
    }

    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        Some(Arc::new(self.0.clone()))
    }

    fn clear_notice(&mut self) {
        self.0.notices.clear_notice();
    }

    fn free_room(&mut self) {
        self.0.notices.free_room();
    }

    fn begin_request(&mut self, unsent: usize, head: bool) {
        let mut recorded = self.lock();
        let start = recorded.output.len() + unsent;
        recorded.beginnings.push(Beginning { start, head, stays_open: false, was_reset: false });
    }

    fn begin_idle(&mut self) {
        if let Some(beginning) = self.lock().beginnings.last_mut() {
            beginning.stays_open = true;
        }
    }

    fn is_last_request(&self) -> bool {
        false
    }

    fn is_stopping(&self) -> bool {
        false
    }

    fn shutdown_write(&mut self) {}

    fn reset(&mut self) {
        if let Some(beginning) = self.lock().beginnings.last_mut() {
            beginning.was_reset = true;
        }
    }

    fn log(&mut self, line: &str, _level: Level) -> bool {
        self.lock().log.push_str(line);
        false
    }
}
