//! The second socket of a relayed connection. It has a place of its own, which passes its events on to the connection's
//! place.

use std::io::{self, IoSlice};
use std::time::Duration;

use mio::Token;

use super::endpoint::Endpoint;
use super::listener::Stream;
use super::table::{Connection, Place};
use crate::handler::wire::{Level, Presence, Want, Wire};
use crate::sync::{Arc, Mutex, Weak, lock};

/// The owner of the pollers that such sockets need.
pub(super) trait Home: Send + Sync {
    /// A socket is on its way to the thread that polls in a shard.
    fn join(&self, shard: usize, joining: Joining);

    /// Such a socket is closed, and its place is free.
    fn leave(&self, shard: usize, token: Token);
}

/// A socket that is not registered yet.
pub(super) struct Joining {
    pub(super) stream: Stream,
    pub(super) link: Arc<FarLink>,
}

/// Hands a socket over from the polling thread to the connection.
pub(super) struct FarLink {
    near: Weak<Place>,
    state: Mutex<State>,
}

enum State {
    Joining,
    Open(Endpoint),
    Failed(io::Error),
    /// The connection has it, or is over.
    Taken,
}

impl FarLink {
    /// The place to which events are passed on.
    pub(super) fn near(&self) -> &Weak<Place> {
        &self.near
    }

    /// Whether the connection no longer waits for the socket.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(*lock(&self.state), State::Taken)
    }

    /// The socket is registered, or cannot be. Returns the connection, if it waits for that. Returns the place as an error
    /// if the connection no longer wants it.
    pub(super) fn arrived(
        &self,
        opened: io::Result<(Arc<Stream>, Arc<Place>)>,
    ) -> Result<Option<Connection>, Arc<Place>> {
        let mut state = lock(&self.state);
        *state = match (opened, &*state) {
            (Ok((stream, place)), State::Taken) => {
                stream.reset_on_close();
                return Err(place);
            }
            (Ok((stream, place)), _) => State::Open(Endpoint::new(stream, place)),
            (Err(_), State::Taken) => return Ok(None),
            (Err(error), _) => {
                State::Failed(io::Error::other(format!("cannot join a socket with its client: {error}")))
            }
        };
        drop(state);
        Ok(self.near.upgrade().and_then(|near| near.wake(super::token::NOTICE)))
    }
}

/// The connection's side.
pub(super) struct FarSocket {
    link: Arc<FarLink>,
    endpoint: Option<Endpoint>,
    home: Arc<dyn Home>,
    /// Its writing half was shut down; the peer's input was read to its end.
    has_shut: bool,
    has_ended: bool,
}

impl FarSocket {
    pub(super) fn join(stream: Stream, near: &Arc<Place>, home: Arc<dyn Home>) -> Self {
        let link = Arc::new(FarLink { near: Arc::downgrade(near), state: Mutex::new(State::Joining) });
        home.join(near.shard, Joining { stream, link: link.clone() });
        Self { link, endpoint: None, home, has_shut: false, has_ended: false }
    }

    fn endpoint(&mut self) -> io::Result<&mut Endpoint> {
        if self.endpoint.is_none() {
            let mut state = lock(&self.link.state);
            match std::mem::replace(&mut *state, State::Taken) {
                State::Open(endpoint) => self.endpoint = Some(endpoint),
                State::Joining => *state = State::Joining,
                State::Failed(error) => return Err(error),
                State::Taken => return Err(io::ErrorKind::NotConnected.into()),
            }
        }
        // Its arrival is a notice.
        self.endpoint.as_mut().ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl Wire for FarSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let endpoint = self.endpoint()?;
        endpoint.check_cut()?;
        let count = endpoint.read(buffer)?;
        self.has_ended |= count == 0;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.endpoint()?.write(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.endpoint()?.write(|stream| stream.write_vectored(pieces))
    }

    /// Before it has arrived it cannot be used, not even ended.
    fn flush(&mut self) -> io::Result<()> {
        self.endpoint().map(drop)
    }

    fn presence(&self) -> Presence {
        if self.is_reset() { Presence::Gone } else { Presence::There }
    }

    fn is_reset(&self) -> bool {
        self.endpoint.as_ref().is_some_and(Endpoint::is_reset)
    }

    fn is_cut(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.place.is_cut())
    }

    fn shutdown_write(&mut self) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.stream.shutdown_write();
            self.has_shut = true;
        }
    }

    /// Makes its drop reset the connection.
    fn reset(&mut self) {
        self.has_ended = false;
    }

    /// A thread waits for the connection, which gets the notices.
    fn wait(&mut self, _want: Want, _timeout: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_last_request(&self) -> bool {
        true
    }

    fn is_stopping(&self) -> bool {
        false
    }

    fn log(&mut self, _line: &str, _level: Level) -> bool {
        false
    }
}

impl Drop for FarSocket {
    fn drop(&mut self) {
        let endpoint = self.endpoint.take().or_else(|| {
            match std::mem::replace(&mut *lock(&self.link.state), State::Taken) {
                State::Open(endpoint) => Some(endpoint),
                State::Joining | State::Failed(_) | State::Taken => None,
            }
        });
        let Some(Endpoint { stream, place, .. }) = endpoint else { return };
        // A peer that gets an orderly end takes what it has for complete.
        if !(self.has_shut && self.has_ended) {
            stream.reset_on_close();
        }
        drop(stream);
        self.home.leave(place.shard, place.token);
    }
}
