//! A connection in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Response, Run};
use crate::handler::wire::{Close, Phase, Wire};

/// The server's side: gives the pieces one by one, and takes the output.
pub(super) struct Memory {
    pieces: VecDeque<Vec<u8>>,
    record: Record,
}

/// The test's side.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    output: Vec<u8>,
    log: String,
    replies: Vec<Reply>,
}

struct Reply {
    /// Where its bytes begin.
    start: usize,
    /// Whether the server went on to wait for another request.
    stays_open: bool,
}

impl Memory {
    pub(super) fn new(pieces: impl Iterator<Item = Vec<u8>>) -> (Self, Record) {
        let record = Record::default();
        // A read of nothing would be the end of the input.
        let pieces = pieces.filter(|piece| !piece.is_empty()).collect();
        (Self { pieces, record: record.clone() }, record)
    }
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_run(self) -> Run {
        let mut recorded = self.lock();
        let output = std::mem::take(&mut recorded.output);
        let ends = recorded.replies.iter().skip(1).map(|reply| reply.start).chain([output.len()]);
        let responses = recorded.replies.iter().zip(ends);
        let responses = responses.map(|(reply, end)| {
            Response::parse(output.get(reply.start..end).unwrap_or_default(), reply.stays_open)
        });
        Run { responses: responses.collect(), log: std::mem::take(&mut recorded.log.clone()), output }
    }
}

impl Wire for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.front_mut() else { return Ok(0) };
        let count = piece.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(piece.drain(..count)) {
            *to = from;
        }
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.record.lock().output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn enter(&mut self, phase: Phase) {
        let mut recorded = self.record.lock();
        match phase {
            Phase::Idle => {
                if let Some(reply) = recorded.replies.last_mut() {
                    reply.stays_open = true;
                }
            }
            Phase::Head | Phase::Drain => {}
            Phase::Exchange => {
                let start = recorded.output.len();
                recorded.replies.push(Reply { start, stays_open: false });
            }
        }
    }

    fn set_timeout(&mut self, _timeout: Duration) {}

    fn is_last_request(&self) -> bool {
        false
    }

    fn close(&mut self, _how: Close) {}

    fn now(&self) -> SystemTime {
        // The example of RFC 9110.
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn log(&mut self, line: &str) {
        self.record.lock().log.push_str(line);
    }
}
