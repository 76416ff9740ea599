//! Takes new connections from the listener.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use mio::Registry;

use super::listener::{Listener, Stream};
use super::log::{Log, Repeated};
use super::token::LISTENER;
use crate::handler::Address;

pub(super) struct Acceptor {
    listener: Listener,
    state: Accept,
    failed: Repeated,
    /// Since when there was no success.
    failing_since: Option<Instant>,
    /// A descriptor in reserve: where there are none left, it is given up to take a connection, and to refuse it.
    spare: Option<File>,
}

/// What the listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accept {
    Nothing,
    /// Connections that were not taken yet: the poller does not tell of them again.
    Pending,
    /// As before, and the last try failed.
    Failing,
}

/// How many new connections are taken at a time.
const ACCEPTS: usize = 64;

/// How long that may take. To open them takes as long again.
const ACCEPT_TIME: Duration = Duration::from_micros(100);

/// How long clients are left waiting for a descriptor.
const SHED_AFTER: Duration = Duration::from_secs(2);

/// How soon a failed `accept` is tried again. Mostly it failed for lack of descriptors, and no event tells when there
/// are some.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

impl Acceptor {
    pub(super) fn new(mut listener: Listener, registry: &Registry) -> io::Result<Self> {
        listener.register(registry, LISTENER)?;
        Ok(Self {
            listener,
            state: Accept::Pending,
            failed: Repeated::default(),
            failing_since: None,
            spare: spare(),
        })
    }

    /// There are connections, or there may be.
    pub(super) fn is_ready(&mut self) {
        self.state = Accept::Pending;
    }

    /// A descriptor has become free.
    pub(super) fn has_room(&mut self) {
        if self.state == Accept::Failing {
            self.state = Accept::Pending;
        }
    }

    /// Whether there may be connections that were not taken yet, and can be.
    pub(super) fn is_pending(&self) -> bool {
        self.state == Accept::Pending
    }

    /// How long the poller may sleep before the next try.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.state {
            Accept::Nothing => None,
            Accept::Pending => Some(Duration::ZERO),
            Accept::Failing => Some(ACCEPT_RETRY),
        }
    }

    /// Takes what has come, up to a bound.
    pub(super) fn accept(&mut self, log: &Log, mut take: impl FnMut(Stream, Address)) {
        if self.state == Accept::Nothing {
            return;
        }
        let (mut taken, began) = (0, Instant::now());
        for _ in 0..ACCEPTS {
            if taken > 0 && began.elapsed() >= ACCEPT_TIME {
                break;
            }
            match self.listener.accept() {
                Ok((stream, address)) => {
                    self.state = Accept::Pending;
                    self.failing_since = None;
                    taken += 1;
                    take(stream, address);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.state = Accept::Nothing;
                        // Nobody is left waiting.
                        self.failing_since = None;
                        return;
                    }
                    // The client went away while it was queued.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.accept_failed(log, &error);
                        return;
                    }
                },
            }
        }
    }

    /// Mostly there is no descriptor left, and soon there will be one. When that takes long, clients are told, with the
    /// spare one, by a closed connection, rather than left waiting in the queue of the system.
    fn accept_failed(&mut self, log: &Log, error: &io::Error) {
        self.failed.tell(log, || format!("cannot take connections, trying on: {error}"));
        self.state = Accept::Failing;
        let failing_since = *self.failing_since.get_or_insert_with(Instant::now);
        let sheds = failing_since.elapsed() >= SHED_AFTER && self.spare.take().is_some();
        if sheds {
            drop(self.listener.accept());
        }
        self.spare = self.spare.take().or_else(spare);
    }
}

fn spare() -> Option<File> {
    let name = if cfg!(windows) { "NUL" } else { "/dev/null" };
    File::open(name).ok()
}
