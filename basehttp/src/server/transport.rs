//! A connection's wire: its socket, which nothing blocks on, and its place in the table, where a thread can wait.

use std::fs::File;
use std::io::{self, IoSlice};
use std::time::Duration;

use super::counters::Counters;
use super::listener::Stream;
use super::log::Log;
use super::table::Place;
use super::token::{GONE, NOTICE, READ, READ_CLOSED, ROOM, URGENT, WRITE, hint_for};
use crate::handler::facts::Facts;
use crate::handler::wire::{FileFault, Level, Notifier, Presence, Want, Wire, copy_file};
use crate::sync::{Arc, Weak};

/// What a connection's socket asks of the server.
pub(super) trait Server: Send + Sync {
    /// Blocks a thread, in a handler, until its client does something.
    fn wait(self: Arc<Self>, place: &Arc<Place>, hint: u8, timeout: Duration) -> io::Result<()>;

    /// A handle on the response of a connection has left something for it.
    fn notify(self: Arc<Self>, place: &Arc<Place>);

    /// What is counted in a shard.
    fn counters(&self, shard: usize) -> &Counters;

    fn is_last_request(&self) -> bool;

    fn is_stopping(&self) -> bool;

    fn log(&self) -> &Log;
}

pub(super) struct Socket {
    stream: Arc<Stream>,
    place: Arc<Place>,
    server: Arc<dyn Server>,
    /// The last read took all that was there.
    is_empty: bool,
    #[cfg(feature = "proxy")]
    pub(super) preface: super::proxy::Preface,
}

/// Whether the poller tells of new input after a read that filled less than the buffer, so that the read which would
/// only find nothing can be left out; and of urgent data, which cuts a read short. kqueue tells of new input too, but mio
/// does not pass on what it tells of urgent data.
const SHORT_READ_IS_LAST: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl Socket {
    pub(super) fn new(stream: Arc<Stream>, place: Arc<Place>, server: Arc<dyn Server>) -> Self {
        Self {
            stream,
            place,
            server,
            is_empty: false,
            #[cfg(feature = "proxy")]
            preface: super::proxy::Preface::default(),
        }
    }

    /// Ends a turn's reading: what may still be here is for the next turn. Where nothing is, the poller tells of more.
    #[cfg(feature = "tls")]
    pub(super) fn leave_rest(&mut self) -> io::Error {
        let may_have_more = !self.is_empty;
        #[cfg(feature = "proxy")]
        let may_have_more = may_have_more || self.preface.has_rest();
        if may_have_more {
            self.place.hint(READ);
        }
        io::ErrorKind::WouldBlock.into()
    }

    /// A line of the log about this connection, which begins with the address of the other end.
    #[cfg(feature = "tls")]
    pub(super) fn warn(&self, text: &str) {
        let peer = match &*self.stream {
            Stream::Tcp(stream) => stream.peer_addr().ok().map(|address| address.to_string()),
            #[cfg(unix)]
            Stream::Unix(_) => None,
        };
        self.server
            .log()
            .warn(self.place.shard, &format!("{}: {text}", peer.as_deref().unwrap_or("a client")));
    }

    fn counters(&self) -> &Counters {
        self.server.counters(self.place.shard)
    }

    fn try_write(&self, write: impl Fn(&Stream) -> io::Result<usize>) -> io::Result<usize> {
        if self.place.is_cut() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        loop {
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The hint was about an earlier moment. Once it is gone, another try shows what is true now.
                    if self.place.clear(WRITE) & WRITE == 0 {
                        return Err(error);
                    }
                }
                Ok(count) => {
                    self.counters().sent.add(count as u64);
                    return Ok(count);
                }
                Err(error) => return Err(of_the_client(error)),
            }
        }
    }
}

impl Socket {
    /// Whether the client sends nothing more, as far as the poller has told.
    #[cfg(feature = "tls")]
    pub(super) fn is_half_closed(&self) -> bool {
        self.place.has(READ_CLOSED)
    }
}

impl Wire for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Nobody waits for a connection that is cut, and perhaps nobody polls any more.
        if self.place.is_cut() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        #[cfg(feature = "proxy")]
        if let Some(count) = self.preface.give(buffer) {
            return Ok(count);
        }
        let hints = self.place.clear(READ);
        if self.is_empty && hints & (READ | READ_CLOSED) == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => {
                    let is_short = count < buffer.len() && hints & URGENT == 0;
                    self.is_empty = SHORT_READ_IS_LAST && is_short;
                    self.counters().received.add(count as u64);
                    return Ok(count);
                }
                Err(error) => {
                    // After any other error the system is asked again: perhaps the poller tells of nothing more.
                    self.is_empty = error.kind() == io::ErrorKind::WouldBlock;
                    return Err(of_the_client(error));
                }
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write(|stream| stream.write_vectored(pieces))
    }

    fn send_file(&mut self, file: &File, position: u64, most: u64) -> Result<usize, FileFault> {
        match self.try_write(|stream| stream.send_file(file, position, most)) {
            // The system cannot do it, or not with this file, or there is something wrong with it: which of them, a read
            // tells.
            Err(error) if !is_of_the_wire(&error) => copy_file(self, file, position, most),
            sent => sent.map_err(FileFault::Wire),
        }
    }

    #[cfg(feature = "proxy")]
    fn preface(&mut self) -> io::Result<Option<crate::handler::wire::Announced>> {
        // Its own bytes are not given out while it is awaited.
        let mut preface = std::mem::take(&mut self.preface);
        let announced = preface.read(|piece| self.read(piece));
        self.preface = preface;
        announced
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        self.server.clone().wait(&self.place, hint_for(want), timeout)
    }

    fn presence(&self) -> Presence {
        if self.place.has(GONE) {
            Presence::Gone
        } else if self.place.has(READ_CLOSED) {
            Presence::Done
        } else {
            Presence::There
        }
    }

    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        let (place, server) = (Arc::downgrade(&self.place), Arc::downgrade(&self.server));
        Some(Arc::new(PlaceNotifier { place, server }))
    }

    fn clear_notice(&mut self) {
        self.place.clear(NOTICE);
    }

    fn free_room(&mut self) {
        self.place.wake_waiting(ROOM);
    }

    fn facts(&self) -> Option<&dyn Facts> {
        Some(&*self.stream)
    }

    fn is_last_request(&self) -> bool {
        self.server.is_last_request()
    }

    fn is_stopping(&self) -> bool {
        self.server.is_stopping()
    }

    fn is_cut(&self) -> bool {
        self.place.is_cut()
    }

    fn responded(&mut self, status: u16) {
        self.counters().responded(status);
    }

    fn shutdown_write(&mut self) {
        self.stream.shutdown_write();
    }

    fn reset(&mut self) {
        self.stream.reset_on_close();
    }

    fn log(&mut self, line: &str, level: Level) -> bool {
        self.server.log().gather(self.place.shard, line, level)
    }
}

/// Reaches a connection by its place. The place goes with the connection, and what a handle says after that nobody hears.
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

    fn wait_for_room(&self, timeout: Duration) -> io::Result<()> {
        let (place, server) = self.reached()?;
        server.wait(&place, ROOM, timeout)
    }
}

/// An error of a connection. Where the system has given up a client that no longer answers, no deadline of ours is over, and
/// nobody is left to tell of one.
fn of_the_client(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::TimedOut {
        return io::Error::new(io::ErrorKind::ConnectionReset, error);
    }
    error
}

/// Whether an error of sending a file is that of the connection.
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
