//! The two directions between a connection and the socket that it is joined with.

use std::io;
use std::time::{Duration, Instant};

use crate::handler::wire::Wire;

/// The other socket, and the two directions.
pub(super) struct Relay {
    pub(super) far: Box<dyn Wire>,
    pub(super) to_far: Direction,
    pub(super) to_client: Direction,
    /// How long nothing may move.
    pub(super) patience: Option<Duration>,
    pub(super) moved: Instant,
}

/// One of the two directions.
#[derive(Default)]
pub(super) struct Direction {
    /// What was read and found no room, from `start` on.
    left: Vec<u8>,
    start: usize,
    state: DirectionState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DirectionState {
    #[default]
    Open,
    /// The source has ended.
    Ended,
    /// The other side has been told.
    Done,
}

/// The result of an attempt to move bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    Some,
    /// The source must send more.
    NoInput,
    NoRoom,
    /// Nothing more will be moved.
    Done,
}

impl Direction {
    /// A direction that first sends these bytes.
    pub(super) fn with(left: Vec<u8>) -> Self {
        Self { left, ..Self::default() }
    }

    /// Whether the other side has been told that no more will come.
    pub(super) fn is_done(&self) -> bool {
        self.state == DirectionState::Done
    }

    /// Moves the bytes of one read.
    pub(super) fn step(
        &mut self,
        source: &mut dyn Wire,
        sink: &mut dyn Wire,
        scratch: &mut [u8],
    ) -> io::Result<Moved> {
        if !self.left.is_empty() {
            let Some(count) = write_some(sink, self.left.get(self.start..).unwrap_or_default())? else {
                return Ok(Moved::NoRoom);
            };
            self.start += count;
            if self.start >= self.left.len() {
                (self.left, self.start) = (Vec::new(), 0);
            }
            return Ok(Moved::Some);
        }
        if self.state == DirectionState::Ended {
            sink.announce_end();
        }
        // A wire that encrypts holds bytes back: no more is read until they are sent.
        if unless_blocked(sink.flush())?.is_none() {
            return Ok(Moved::NoRoom);
        }
        match self.state {
            DirectionState::Done => return Ok(Moved::Done),
            DirectionState::Ended => {
                sink.shutdown_write();
                self.state = DirectionState::Done;
                return Ok(Moved::Some);
            }
            DirectionState::Open => {}
        }
        let Some(count) = unless_blocked(source.read(scratch))? else { return Ok(Moved::NoInput) };
        if count == 0 {
            // If the connection was cut, this is not a regular end.
            if source.is_cut() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.state = DirectionState::Ended;
            return Ok(Moved::Some);
        }
        let bytes = scratch.get(..count).unwrap_or_default();
        let written = write_some(sink, bytes)?.unwrap_or(0);
        self.left.extend_from_slice(bytes.get(written..).unwrap_or_default());
        Ok(Moved::Some)
    }
}

/// `None` if there is no room.
fn write_some(sink: &mut dyn Wire, bytes: &[u8]) -> io::Result<Option<usize>> {
    match unless_blocked(sink.write(bytes))? {
        Some(0) => Err(io::ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}
