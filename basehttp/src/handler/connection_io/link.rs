//! What a connection always has: its wire, and its connection-wide settings.

use std::io::{self, IoSlice};
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use super::bounds::Bounds;
use super::deadlines::Timeouts;
use crate::handler::clock::Clock;
use crate::handler::wire::{Level, Want, Wire};
use crate::sync::Arc;

/// The place for the link of the current connection.
pub(super) struct Linked(Option<Box<Link>>);

impl Linked {
    pub(super) const NONE: Self = Self(None);

    #[inline]
    pub(super) fn set(&mut self, link: Box<Link>) {
        self.0 = Some(link);
    }

    #[inline]
    pub(super) fn take(&mut self) -> Option<Box<Link>> {
        self.0.take()
    }
}

impl Deref for Linked {
    type Target = Link;

    #[inline]
    fn deref(&self) -> &Link {
        self.0.as_deref().unwrap_or_else(|| unreachable!("only a connection is worked on"))
    }
}

impl DerefMut for Linked {
    #[inline]
    fn deref_mut(&mut self) -> &mut Link {
        self.0.as_deref_mut().unwrap_or_else(|| unreachable!("only a connection is worked on"))
    }
}

pub(super) struct Link {
    pub(super) wire: Box<dyn Wire>,
    pub(super) bounds: Arc<Bounds>,
    /// Used unless a request has its own.
    pub(super) timeouts: Timeouts,
    /// How many more requests are allowed.
    pub(super) requests_left: u64,
    /// The silence of an idle connection, or of one that has had its last response.
    silence: Silence,
}

/// How long nothing has arrived. A connection may be woken for nothing: by a TLS record without data, or urgent data. This
/// must not restart `idle_timeout` each time. The clock is read from the second look on, so the first such event may restart
/// it once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Silence {
    #[default]
    No,
    Begun,
    /// It is late after this.
    Until(Instant),
}

impl Link {
    pub(super) fn new(wire: Box<dyn Wire>, bounds: Arc<Bounds>) -> Self {
        let Bounds { read_timeout, write_timeout, requests, .. } = *bounds;
        let timeouts = Timeouts { read: read_timeout, write: write_timeout };
        Self { wire, timeouts, requests_left: requests, silence: Silence::No, bounds }
    }

    #[inline]
    pub(super) fn clock(&self) -> &Clock {
        &self.bounds.clock
    }

    /// Something has arrived, or the connection waits for something else.
    #[inline]
    pub(super) fn break_silence(&mut self) {
        self.silence = Silence::No;
    }

    /// An idle connection was looked at, and nothing has arrived.
    pub(super) fn mind_silence(&mut self) {
        self.silence = match self.silence {
            Silence::No => Silence::Begun,
            Silence::Begun => Silence::Until(self.clock().instant() + self.bounds.idle_timeout),
            until @ Silence::Until(_) => until,
        };
    }

    /// How long an idle connection may stay silent.
    pub(super) fn idle_left(&self) -> Duration {
        match self.silence {
            Silence::Until(until) => until.saturating_duration_since(self.clock().instant()),
            Silence::No | Silence::Begun => self.bounds.idle_timeout,
        }
    }

    /// How much of `most` is left for the client to stay silent, since the first call.
    pub(super) fn silence_left(&mut self, most: Duration) -> Duration {
        let now = self.clock().instant();
        let until = match self.silence {
            Silence::Until(until) => until,
            Silence::No | Silence::Begun => now + most,
        };
        self.silence = Silence::Until(until);
        until.saturating_duration_since(now)
    }
}

/// The wire of a connection that is over, for remaining owners of its handle.
pub(super) struct ClosedWire;

impl Wire for ClosedWire {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn write_vectored(&mut self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn wait(&mut self, _want: Want, _timeout: std::time::Duration) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn is_last_request(&self) -> bool {
        true
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
