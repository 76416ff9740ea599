//! A connection in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Response;
use crate::handler::clock::Clock;
use crate::handler::wire::{Level, Want, Wire};

/// The server's side: gives the pieces one by one, and takes the output.
pub(super) struct Memory {
    pieces: VecDeque<Piece>,
    record: Record,
    clock: Clock,
}

/// What a client does in [`run_timed`](super::run_timed).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// It sends bytes, which one read gives.
    Bytes(Vec<u8>),
    /// It is silent for so long on the connection's clock, which takes no time.
    Pause(Duration),
}

/// All that came of a [`run`](super::run).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// The responses, one for each request.
    pub responses: Vec<Response>,
    /// The bytes that the client would have got.
    pub output: Vec<u8>,
    /// What was logged, a line each.
    pub log: String,
}

/// The test's side.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    output: Vec<u8>,
    log: String,
    /// What the connection still has to wait for the next piece: between two of them it has to wait, and to go on where it was,
    /// even for no time at all.
    silence: Option<Duration>,
    beginnings: Vec<Beginning>,
}

struct Beginning {
    /// Where its bytes begin.
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
        let record = Record::default();
        // A read of nothing would be the end of the input.
        let pieces = pieces.filter(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
        (Self { pieces: pieces.collect(), record: record.clone(), clock }, record)
    }

    /// Whether the client sends nothing for now.
    fn is_silent(&mut self) -> bool {
        let mut recorded = self.record.lock();
        while let Some(Piece::Pause(time)) = self.pieces.front() {
            recorded.silence = Some(recorded.silence.unwrap_or_default().saturating_add(*time));
            self.pieces.pop_front();
        }
        recorded.silence.is_some()
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the client, no longer than `patience`. Whether it is still silent then.
    pub(super) fn is_late(&self, patience: Duration, clock: &Clock) -> bool {
        let mut recorded = self.lock();
        let silence = recorded.silence.unwrap_or_default();
        let left = silence.saturating_sub(patience);
        clock.advance(silence.min(patience));
        recorded.silence = (!left.is_zero()).then_some(left);
        !left.is_zero()
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

impl Wire for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_silent() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let Some(Piece::Bytes(piece)) = self.pieces.front_mut() else { return Ok(0) };
        let count = piece.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), piece.get(..count)) {
            to.copy_from_slice(from);
        }
        piece.drain(..count);
        if piece.is_empty() {
            self.pieces.pop_front();
            self.record.lock().silence = (!self.pieces.is_empty()).then_some(Duration::ZERO);
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.record.lock().output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        pieces.iter().map(|piece| self.write(piece)).sum()
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        if want == Want::Input && self.record.is_late(timeout, &self.clock) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn begin_request(&mut self, unsent: usize, head: bool) {
        let mut recorded = self.record.lock();
        let start = recorded.output.len() + unsent;
        recorded.beginnings.push(Beginning { start, head, stays_open: false, was_reset: false });
    }

    fn begin_idle(&mut self) {
        if let Some(beginning) = self.record.lock().beginnings.last_mut() {
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
        if let Some(beginning) = self.record.lock().beginnings.last_mut() {
            beginning.was_reset = true;
        }
    }

    fn log(&mut self, line: &str, _level: Level) -> bool {
        self.record.lock().log.push_str(line);
        false
    }
}
