//! A connection that is joined with another socket: bytes are moved in both directions until both have ended.
//!
//! Nothing here waits. While one side has no room, the other is not read, so at most one read of it is kept.

use std::io;
use std::time::Duration;

use super::ConnectionIo;
use super::bounds::LONGEST;
use super::buffer_pool::BufferPool;
use super::relay::{Direction, Moved, Relay};
use super::sending::FlushProgress;
use super::turn_budget::READING_TIME;
use crate::handler::wire::{Others, Presence, Wire};

/// What to do after some bytes were moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayProgress {
    /// Wait for a notice or these events, at most this long.
    Wait(Others, Duration),
    /// Other connections come first.
    Enough,
    /// Both sides have ended, or one was lost.
    Over,
}

/// How much is moved at a time. Each thread has one such buffer.
const A_MOVE: usize = 64 * 1024;

impl ConnectionIo {
    /// Prepares a relay. What the handler has read ahead, and what arrived with the request, is sent first.
    pub(crate) fn begin_relay(
        &mut self,
        far: Box<dyn Wire>,
        mut read_ahead: Vec<u8>,
        patience: Option<Duration>,
    ) {
        read_ahead.extend_from_slice(self.input.buffer.data());
        self.input.buffer.clear();
        let to_far = Direction::with(read_ahead);
        let moved = self.instant();
        let relay = Relay { far, to_far, to_client: Direction::default(), patience, moved };
        // If one peer goes away, this concerns only the other.
        self.let_client_go();
        if let Some(detached) = &mut self.detached {
            detached.relay(relay);
        }
    }

    /// Moves as much as possible without waiting, for at most one turn.
    pub(crate) fn relay_some(&mut self) -> RelayProgress {
        let Some(mut relay) = self.detached.as_mut().and_then(|detached| detached.take_relay()) else {
            return RelayProgress::Over;
        };
        let mut scratch = BufferPool::with(|pool| std::mem::take(&mut pool.relayed));
        scratch.resize(A_MOVE, 0);
        let progress = self.move_some(&mut relay, &mut scratch);
        BufferPool::with(|pool| pool.relayed = scratch);
        match progress {
            // The other socket is dropped here.
            Ok(RelayProgress::Over) => {
                self.input.ended = true;
                RelayProgress::Over
            }
            Ok(progress) => {
                if let Some(detached) = &mut self.detached {
                    detached.relay(relay);
                }
                progress
            }
            Err(error) => {
                relay.far.reset();
                if error.kind() == io::ErrorKind::Other {
                    // It is the server's fault, not one of the peers'.
                    self.warn(&error.to_string());
                }
                if !self.output.is_dead() {
                    // No deadline of the response has passed.
                    self.unwritable(io::ErrorKind::ConnectionReset.into());
                }
                RelayProgress::Over
            }
        }
    }

    fn move_some(&mut self, relay: &mut Relay, scratch: &mut [u8]) -> io::Result<RelayProgress> {
        let mut until = None;
        loop {
            let Relay { far, to_far, to_client, patience, moved } = relay;
            let near = &mut *self.link.wire;
            // A peer that was told the end may close at once, which looks the same.
            let is_lost = |wire: &dyn Wire, way: &Direction| wire.is_reset() && !way.is_done();
            if is_lost(near, to_client) || is_lost(&**far, to_far) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let out = to_far.step(near, &mut **far, scratch)?;
            let back = match self.send_own()? {
                FlushProgress::Done => to_client.step(&mut **far, &mut *self.link.wire, scratch)?,
                FlushProgress::NoRoom => Moved::NoRoom,
                FlushProgress::Paused => Moved::Some,
            };
            let now = self.instant();
            match (out, back) {
                (Moved::Done, Moved::Done) => return Ok(RelayProgress::Over),
                (Moved::Some, _) | (_, Moved::Some) => {
                    *moved = now;
                    if now >= *until.get_or_insert(now + READING_TIME) {
                        return Ok(RelayProgress::Enough);
                    }
                }
                _ => {
                    let patience = patience.map(|patience| patience.saturating_sub(now - *moved));
                    if patience == Some(Duration::ZERO) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let others = Others {
                        input: out == Moved::NoInput,
                        room: back == Moved::NoRoom,
                        end: false,
                        loss: self.link.wire.presence() != Presence::Gone,
                    };
                    return Ok(RelayProgress::Wait(others, patience.unwrap_or(LONGEST)));
                }
            }
        }
    }

    /// Sends what the handler itself has written.
    fn send_own(&mut self) -> io::Result<FlushProgress> {
        self.response.flush();
        if self.has_output() { self.send_some() } else { Ok(FlushProgress::Done) }
    }
}
