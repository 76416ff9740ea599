//! A connection's wire: its non-blocking socket, and its place in the table, where a thread can wait.

use std::any::Any;
use std::fs::File;
use std::io::{self, IoSlice};
use std::time::Duration;

use super::counters::Counters;
use super::endpoint::Endpoint;
use super::far_socket::{FarSocket, Home};
use super::listener::Stream;
use super::log::Log;
use super::table::Place;
use super::token::{GONE, NOTICE, READ_CLOSED, ROOM, WRITE, hint_for};
use crate::handler::facts::Facts;
use crate::handler::wire::{FileFault, Level, Notifier, Presence, Want, Wire, copy_file};
use crate::sync::{Arc, Weak};

/// What a connection's socket needs from the server.
pub(super) trait Server: Home {
    /// Blocks a thread, in a handler, until its client does something.
    fn wait(self: Arc<Self>, place: &Arc<Place>, hint: u8, timeout: Duration) -> io::Result<()>;

    /// A handle on the response of a connection has left something for it.
    fn notify(self: Arc<Self>, place: &Arc<Place>);

    /// There may be room for threads that wait with a handle.
    fn free_room(&self, place: &Arc<Place>);

    /// The counters of a shard.
    fn counters(&self, shard: usize) -> &Counters;

    fn is_last_request(&self) -> bool;

    fn is_stopping(&self) -> bool;

    fn log(&self) -> &Log;
}

pub(super) struct Socket {
    endpoint: Endpoint,
    server: Arc<dyn Server>,
    #[cfg(feature = "proxy")]
    pub(super) preface: super::proxy::Preface,
}

impl Socket {
    pub(super) fn new(stream: Arc<Stream>, place: Arc<Place>, server: Arc<dyn Server>) -> Self {
        Self {
            endpoint: Endpoint::new(stream, place),
            server,
            #[cfg(feature = "proxy")]
            preface: super::proxy::Preface::default(),
        }
    }

    /// Ends a turn's reading. If input may remain, it is left for the next turn; if not, the poller reports new input.
    #[cfg(feature = "tls")]
    pub(super) fn leave_rest(&mut self) -> io::Error {
        let may_have_more = !self.endpoint.is_empty();
        #[cfg(feature = "proxy")]
        let may_have_more = may_have_more || self.preface.has_rest();
        if may_have_more {
            self.place().hint(super::token::READ);
        }
        io::ErrorKind::WouldBlock.into()
    }

    /// Logs a warning about this connection. The line begins with the peer's address.
    #[cfg(feature = "tls")]
    pub(super) fn warn(&self, text: &str) {
        let peer = match &*self.endpoint.stream {
            Stream::Tcp(stream) => stream.peer_addr().ok().map(|address| address.to_string()),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        };
        self.server
            .log()
            .warn(self.place().shard, &format!("{}: {text}", peer.as_deref().unwrap_or("a client")));
    }

    fn counters(&self) -> &Counters {
        self.server.counters(self.place().shard)
    }

    fn place(&self) -> &Arc<Place> {
        &self.endpoint.place
    }

    fn try_write(&self, write: impl Fn(&Stream) -> io::Result<usize>) -> io::Result<usize> {
        let count = self.endpoint.write(write)?;
        self.counters().sent.add(count as u64);
        Ok(count)
    }
}

impl Socket {
    /// Whether the client has shut down its writing half, as far as the poller has reported.
    #[cfg(feature = "tls")]
    pub(super) fn is_half_closed(&self) -> bool {
        self.place().has(READ_CLOSED)
    }
}

impl Wire for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.endpoint.check_cut()?;
        #[cfg(feature = "proxy")]
        if let Some(count) = self.preface.give(buffer) {
            return Ok(count);
        }
        let count = self.endpoint.read(buffer)?;
        self.counters().received.add(count as u64);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write(|stream| stream.write_vectored(pieces))
    }

    fn send_file(&mut self, file: &File, position: u64, most: u64) -> Result<usize, FileFault> {
        match self.try_write(|stream| stream.send_file(file, position, most)) {
            // The system cannot do it, or not with this file, or the file has a fault: a read shows which.
            Err(error) if !is_of_the_wire(&error) => copy_file(self, file, position, most),
            sent => sent.map_err(FileFault::Wire),
        }
    }

    #[cfg(feature = "proxy")]
    fn preface(&mut self) -> io::Result<Option<crate::handler::wire::Announced>> {
        // It must not consume its own bytes while it is read.
        let mut preface = std::mem::take(&mut self.preface);
        let announced = preface.read(|piece| self.read(piece));
        self.preface = preface;
        announced
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        self.server.clone().wait(self.place(), hint_for(want), timeout)
    }

    fn presence(&self) -> Presence {
        if self.place().has(GONE) {
            Presence::Gone
        } else if self.place().has(READ_CLOSED) {
            Presence::Done
        } else {
            Presence::There
        }
    }

    fn is_reset(&self) -> bool {
        self.endpoint.is_reset()
    }

    fn join(&mut self, far: Box<dyn Any + Send>) -> io::Result<Box<dyn Wire>> {
        let stream = far.downcast().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(Box::new(FarSocket::join(*stream, self.place(), self.server.clone())))
    }

    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        let (place, server) = (Arc::downgrade(self.place()), Arc::downgrade(&self.server));
        Some(Arc::new(PlaceNotifier { place, server }))
    }

    fn clear_notice(&mut self) {
        self.place().clear(NOTICE);
    }

    fn free_room(&mut self) {
        self.server.free_room(&self.endpoint.place);
    }

    fn facts(&self) -> Option<&dyn Facts> {
        Some(&*self.endpoint.stream)
    }

    fn is_last_request(&self) -> bool {
        self.server.is_last_request()
    }

    fn is_stopping(&self) -> bool {
        self.server.is_stopping()
    }

    fn is_cut(&self) -> bool {
        self.place().is_cut()
    }

    fn responded(&mut self, status: u16, route: Option<u16>) {
        self.counters().responded(status, route);
    }

    #[cfg(target_os = "linux")]
    fn has_been_slow(&mut self, time: Duration) {
        self.endpoint.stream.outlast(time);
    }

    fn shutdown_write(&mut self) {
        self.endpoint.stream.shutdown_write();
    }

    fn reset(&mut self) {
        self.endpoint.stream.reset_on_close();
    }

    fn log(&mut self, line: &str, level: Level) -> bool {
        self.server.log().gather(self.place().shard, line, level)
    }
}

/// Reaches a connection by its place. The place is dropped with the connection; later notifications are lost.
struct PlaceNotifier {
    place: Weak<Place>,
    server: Weak<dyn Server>,
}

impl PlaceNotifier {
    fn reached(&self) -> io::Result<(Arc<Place>, Arc<dyn Server>)> {
        self.place.upgrade().zip(self.server.upgrade()).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl Notifier for PlaceNotifier {
    fn notify(&self) {
        if let Ok((place, server)) = self.reached() {
            server.notify(&place);
        }
    }

    fn wait(&self, want: Want, timeout: Duration) -> io::Result<()> {
        let (place, server) = self.reached()?;
        server.wait(&place, hint_for(want), timeout)
    }

    fn clear_room(&self) {
        if let Some(place) = self.place.upgrade() {
            place.clear(ROOM);
        }
    }

    fn wait_for_room(&self, timeout: Duration, has_sender: bool) -> io::Result<()> {
        let (place, server) = self.reached()?;
        server.wait(&place, if has_sender { ROOM } else { ROOM | WRITE }, timeout)
    }
}

/// Whether an error of sending a file comes from the connection.
fn is_of_the_wire(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, HostUnreachable, NetworkUnreachable, NotConnected,
        WouldBlock,
    };
    matches!(
        error.kind(),
        BrokenPipe
            | ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | NetworkUnreachable
            | NotConnected
            | WouldBlock
    )
}
